"""Which answers are made from many resources?"""
