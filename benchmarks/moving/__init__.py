"""What `moves.py` measures with, and how it tells it."""
