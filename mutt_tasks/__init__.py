"""Dead letter remediation for the MUTT pipeline, run by Celery."""

from mutt_tasks.release import VERSION as __version__

__all__ = ["__version__"]
