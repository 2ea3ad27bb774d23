"""What operators do and see, for every face: tasks, command line, console.

Nothing here moves a message by itself beside a cycle: an operation writes what it wants to Redis in
one script, or reads.
"""
