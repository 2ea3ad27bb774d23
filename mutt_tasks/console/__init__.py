"""The console: an inspection API and pages, a third face of the operations; it moves no message.

FastAPI and uvicorn are in the extra `console`, and nothing outside of this package needs them.
"""
