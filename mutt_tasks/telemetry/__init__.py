"""What the program tells of itself: lines of the log, metrics, traces; never a secret."""
