"""Dead letter remediation for the MUTT pipeline, run by Celery."""

__version__ = "0.1.0"
