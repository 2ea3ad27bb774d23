"""The pure part: bytes and numbers in, decisions out. No Redis, Celery, clock or environment."""
