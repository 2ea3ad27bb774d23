"""The command line: `mutt-dlq`, and `celery -A mutt_tasks dlq`.

Every `celery` command imports the group, so nothing else is imported before one of ours runs.
"""
