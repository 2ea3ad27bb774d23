"""Every error that this package raises on purpose."""


class MuttTasksError(Exception):
    """Something that this package can name went wrong."""


class SettingsError(MuttTasksError):
    """The environment is not usable; one line for each variable at fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class InvalidArgument(MuttTasksError, ValueError):
    """A task was called with an argument that it cannot take."""


class NotFound(MuttTasksError):
    """What was asked for is not there, or not any more."""


class SetChanged(MuttTasksError):
    """The messages that were agreed to are not known any more: the plan expired, or changed."""


class Refused(MuttTasksError):
    """What was asked for is not possible as things stand."""


class PlaceLost(MuttTasksError):
    """A list moved on so far that a place in it cannot be found again."""


class StoreError(MuttTasksError):
    """Redis could not do what was asked."""


class StoreUnavailable(StoreError):
    """Redis cannot be reached, or did not answer in time."""


class StoreRefused(StoreError):
    """Redis answered, but will not do it (rights, memory, a read-only replica, a cluster)."""


class ClusterUnsupported(StoreRefused):
    """This Redis is part of a Redis Cluster."""


class StoreCorrupt(StoreError):
    """A key holds something other than what this package keeps there."""


class LeaseLost(MuttTasksError):
    """The lease is no longer this cycle's, so it may not touch anything."""


class PrometheusUnavailable(MuttTasksError):
    """Prometheus cannot be reached, or does not answer in time or as it should."""


class PrometheusRefused(MuttTasksError):
    """Prometheus answered, but cannot make sense of a question, or will not answer this one."""


class ExtraMissing(MuttTasksError):
    """What was asked for needs an extra that is not installed; the text names it."""
