"""The spool for InfluxDB at /metrics, as it was at the last check of its size: at most half a minute ago."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from supervisor.energy.shipper import Shipper
from supervisor.runtime.clock import Clock


class SpoolCollector(Collector):
    """Nothing before the first check."""

    def __init__(self, shipper: Shipper, clock: Clock) -> None:
        self._shipper = shipper
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """The metrics of one scrape."""
        spool = self._shipper.spool
        if spool is None:
            return
        age_s = 0.0 if spool.oldest_utc_s is None else max(0.0, self._clock.utc_s() - spool.oldest_utc_s)
        gauges = (
            ("points", "Points that wait for InfluxDB", spool.points),
            ("bytes", "Size of the lines that wait for InfluxDB", spool.spool_bytes),
            ("cap_bytes", "Size above which the oldest lines are dropped", spool.cap_bytes),
            ("oldest_age_seconds", "Age of the point that waits first", age_s),
        )
        for name, text, value in gauges:
            yield GaugeMetricFamily(f"roadheat_spool_{name}", text, value=value)
        counters = (
            ("delivered", "Points that InfluxDB has taken", spool.delivered),
            ("dropped", "Points dropped because the spool was full", spool.dropped),
            ("dead", "Points that InfluxDB refused", spool.dead),
        )
        for name, text, value in counters:
            yield CounterMetricFamily(f"roadheat_spool_{name}_points", text, value=value)
