"""The pipeline's runtime configuration in a run: who reads it, and who changes it."""

from collections.abc import Iterable

from benchmarks.recovery_model.clock import Clock
from benchmarks.recovery_model.forwarder import Forwarder
from benchmarks.recovery_model.scenario import Change
from stand_ins import runtime
from stand_ins.runtime import RuntimeConfig


class Configuration:
    """The `values` by their full keys, and the consumers that read them, if any `reads` at all."""

    def __init__(self, values: dict[str, str], clock: Clock, reads: bool) -> None:
        self._values, self._clock, self._reads = values, clock, reads
        self._views: list[RuntimeConfig] = []

    def view(self) -> RuntimeConfig:
        """One more consumer's view of it; nothing, if they do not read it."""
        if not self._reads:
            return runtime.none(lambda: self._clock.now)
        self._views.append(RuntimeConfig(self._values.get, lambda: self._clock.now))
        return self._views[-1]

    def change(self, change: Change, forwarders: Iterable[Forwarder]) -> None:
        """Somebody changes one of the pipeline's limits."""
        if change.secretly:
            field = {runtime.RATE_LIMIT: "limit", runtime.RATE_PERIOD: "period"}[change.name]
            for forwarder in forwarders:
                setattr(forwarder.limits, field, int(change.value))
            return
        self._values[runtime.PREFIX + change.name] = change.value
        for view in self._views if change.announced else ():
            view.forget(change.name)
