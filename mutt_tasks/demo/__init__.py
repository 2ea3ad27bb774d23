"""`make run`: this program at work where there is no Redis, no Moogsoft and no pipeline yet.

Everything here stands outside the program: nothing outside this package imports it.
"""
