"""Service levels as the settings want them: from which file, from where, by which question.

What every face opens them with; the levels themselves are `operations/slo.py`'s.
"""

from mutt_tasks.core import slo_rules
from mutt_tasks.levels import objectives_file as slo_file
from mutt_tasks.operations import slo
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store


def report(settings: Settings, store: Store) -> slo.Report:
    """Every level: from Prometheus if there is one, without a look at the store.

    Raises InvalidArgument and ExtraMissing for the file of objectives, and StoreError. Of what a
    Prometheus does not answer there is no data.
    """
    levels = settings.levels
    objectives = slo_file.load(levels.file)
    if not levels.prometheus_url:
        return slo.from_redis(objectives, store, settings)
    # Commands that ask nobody else start without the libraries for it.
    from mutt_tasks.levels.prometheus import Prometheus

    ask = Prometheus(levels.prometheus_url, levels.prometheus_timeout)
    return slo.from_prometheus(objectives, ask)


def rules(settings: Settings) -> str:
    """Prometheus' rules for the objectives, in YAML; raises as above."""
    return slo_file.written(slo_rules.rules(slo_file.load(settings.levels.file)))
