"""Prometheus metrics of a gateway process; served at its own /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_ANSWER_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15)  # commit: p99 25 ms


class GatewayMetrics:
    """`gateway.gateway.GatewayMetrics`, and what passes to the core."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.sessions = Counter("roadheat_board_sessions", "Board sessions admitted", registry=registry)
        self.refused = Counter(
            "roadheat_frames_refused", "Connections and frames refused", ["reason"], registry=registry
        )
        self.loop_restarts = Counter(
            "roadheat_loop_restarts", "Loops that failed and were started again", ["loop"], registry=registry
        )
        self.boards = Gauge("roadheat_gateway_boards", "Boards with a session at this gateway", registry=registry)
        self.core = Gauge("roadheat_gateway_core", "1 while the gateway has a core", registry=registry)
        self.batches = Counter("roadheat_gateway_batches", "Batches that the core has answered", registry=registry)
        self.failed = Counter(
            "roadheat_gateway_failed", "What boards said that the core has not recorded", registry=registry
        )
        self.answer_s = Histogram(
            "roadheat_gateway_answer_seconds", "From a board's frames to the core's answer",
            buckets=_ANSWER_BUCKETS_S, registry=registry,
        )  # fmt: skip
