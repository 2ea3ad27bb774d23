"""The shapes of what the API takes and answers, for its description.

Answers are the objects that the operations make, as the command line's; these say what is in them,
and more may stand beside.
"""
