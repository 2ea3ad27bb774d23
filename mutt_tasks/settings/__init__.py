"""The environment, read once into one frozen, validated value with a group for each concern.

variable        how one environment variable becomes a value, or an error line
parsers         what a variable accepts
redis_address   where a Redis is and how to log in
declared        every variable there is; its groups are in declared_… beside it
checks          what the values must not be together, and what to warn of
loading         the environment and the runtime configuration, read into Settings
"""

from mutt_tasks.settings.checks import warnings
from mutt_tasks.settings.declared import VARIABLES, Settings
from mutt_tasks.settings.loading import RUNTIME_KEYS, load, of_the_log, overridden

__all__ = ["RUNTIME_KEYS", "VARIABLES", "Settings", "load", "of_the_log", "overridden", "warnings"]
