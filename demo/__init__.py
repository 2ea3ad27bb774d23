"""`make run`: the program at work where there is no Redis, no Moogsoft and no pipeline yet.

It stands outside the program, is not installed with it and is in no production image: worker and
beat are started as processes, as anybody would start them.
"""
