"""Every service level, from Prometheus where there is one, else from what Redis holds."""

from mutt_tasks import slo_file
from mutt_tasks.operations import slo
from mutt_tasks.operations.slo import Report
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store


def report(settings: Settings, store: Store) -> Report:
    """The levels now; raises InvalidArgument and ExtraMissing for a file that cannot be used."""
    levels = settings.levels
    objectives = slo_file.load(levels.file)
    if levels.prometheus_url:
        # Who asks nobody else starts without the libraries for it.
        from mutt_tasks.prometheus import Prometheus

        ask = Prometheus(levels.prometheus_url, levels.prometheus_timeout)
        return slo.from_prometheus(objectives, ask)
    return slo.from_redis(objectives, store, levels.recovered_within)
