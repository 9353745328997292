"""How does the service behave on the wire, whatever the resource?"""
