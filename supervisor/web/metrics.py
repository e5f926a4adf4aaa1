"""GET /metrics for Prometheus: what is known of the zones at the moment of asking, and HTTP metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from supervisor.control.live import LiveState
from supervisor.control.zone_live import ZoneLive, surface_c
from supervisor.runtime.work import in_thread
from supervisor.web.keys import SERVICES
from supervisor.wire.messages import ZoneSample

REQUESTS: Final = web.AppKey("requests", Counter)
REFUSED: Final = web.AppKey("refused", Counter)

# name, help, value of a zone (None: unknown, and then left out)
_GAUGES: Final[tuple[tuple[str, str, Callable[[ZoneLive], float | None]], ...]] = (
    ("roadheat_zone_online", "1 while the zone's board sends telemetry", lambda zone: float(zone.online)),
    ("roadheat_zone_surface_celsius", "Road surface temperature", lambda zone: _of_sample(zone, surface_c)),
    ("roadheat_zone_power_watts", "Measured heating power", lambda zone: _of_sample(zone, lambda s: s.power_w)),
    (
        "roadheat_zone_lying_mm",
        "Snow, ice and frost on the road, water equivalent, estimated",
        lambda zone: zone.lying_mm,
    ),
    ("roadheat_zone_flags", "Status and fault bits, see docs/nomenclature.md", lambda zone: zone.flags),
    ("roadheat_zone_override", "1 while a person's command holds", lambda zone: float(zone.override is not None)),
)


def _of_sample(zone: ZoneLive, value: Callable[[ZoneSample], float | None]) -> float | None:
    return None if zone.sample is None else value(zone.sample)


class ZoneCollector(Collector):
    """Gauges per zone, read from the live state at each scrape, in a thread: each value is true for itself."""

    def __init__(self, live: LiveState) -> None:
        self._live = live

    def collect(self) -> Iterator[GaugeMetricFamily]:
        zones = list(self._live.zones.items())
        for name, text, value_of in _GAUGES:
            family = GaugeMetricFamily(name, text, labels=["zone"])
            for zone_id, zone in zones:
                if (value := value_of(zone)) is not None:
                    family.add_metric([zone_id], value)
            yield family
        readers = GaugeMetricFamily("roadheat_stream_readers", "Open live streams")
        readers.add_metric([], len(self._live.subscriptions))
        yield readers


def install(app: web.Application, live: LiveState, registry: CollectorRegistry) -> None:
    """Register the web layer's metrics."""
    registry.register(ZoneCollector(live))
    app[REQUESTS] = Counter(
        "roadheat_http_requests", "Requests by method and status", ["method", "status"], registry=registry
    )
    app[REFUSED] = Counter(
        "roadheat_web_refused", "Connections of people and programs refused or dropped", ["reason"], registry=registry
    )


@web.middleware
async def count(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Outermost middleware: counts answers. Paths are not a label: callers may send any."""
    response = await handler(request)
    method = request.method if request.method in ("GET", "HEAD", "POST", "DELETE") else "other"
    request.app[REQUESTS].labels(method, str(response.status)).inc()
    return response


async def get_metrics(request: web.Request) -> web.Response:
    """The text exposition format; of 10,000 zones some 60,000 lines, which nobody else waits for."""
    body = await in_thread(None, generate_latest, request.app[SERVICES].registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
