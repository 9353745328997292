"""How does every resource behave?"""
