"""What Prometheus is told of the console, at `/metrics`: nothing of messages, so all may ask."""

from collections.abc import Callable, Iterator

from fastapi import Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from mutt_tasks.console.hub import Hub


class HubCollector(Collector):
    """How old what is shown is, by a `clock` in seconds, and how many tabs are open."""

    def __init__(self, hub: Hub, clock: Callable[[], float]) -> None:
        self._hub, self._clock = hub, clock
        self._since = clock()

    def collect(self) -> Iterator[Metric]:
        """Both numbers now."""
        picture = self._hub.picture
        taken_at = picture.taken_at if picture.parts else self._since
        text = "Age of what the console shows; it grows while Redis is away"
        yield GaugeMetricFamily("mutt_console_lag_seconds", text, self._clock() - taken_at)
        text = "Streams to tabs that are open"
        yield GaugeMetricFamily("mutt_console_streams", text, self._hub.watching)


def registry_of(hub: Hub, clock: Callable[[], float]) -> CollectorRegistry:
    """The metrics of one console."""
    found = CollectorRegistry()
    found.register(HubCollector(hub, clock))
    return found


def scraped(request: Request) -> Response:
    """The metrics as Prometheus reads them."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)
