"""Who may do what, and how do they prove who they are?"""
