"""Prometheus metrics of the service; `web` serves the registry at /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PLAN_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120)  # bar: 50 zones in 2 s
_COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)  # bar: p99 25 ms

_LAG_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5)  # bar: p99 150 ms with 2,000 boards


class Metrics:
    """One registry per service, so that tests run several side by side."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.boards_online = Gauge("roadheat_boards_online", "Boards with a session", registry=registry)
        self.gateways = Gauge("roadheat_gateways", "Gateways that bring boards to this core", registry=registry)
        self.sessions = Counter("roadheat_board_sessions", "Board sessions admitted", registry=registry)
        self.refused = Counter(
            "roadheat_frames_refused", "Connections and frames refused", ["reason"], registry=registry
        )
        self.telemetry = Counter("roadheat_telemetry", "Telemetry frames", ["result"], registry=registry)
        self.samples_refused = Counter(
            "roadheat_telemetry_refused", "Implausible frames and samples of a board", ["board"],
            registry=registry,
        )  # fmt: skip
        self.quarantined_wh = Counter(
            "roadheat_quarantined_wh", "Energy counted by a board that was not booked", ["zone"], registry=registry
        )
        self.commit_s = Histogram(
            "roadheat_commit_seconds", "Telemetry from receipt to commit", buckets=_COMMIT_BUCKETS_S, registry=registry
        )
        self.disk_free_bytes = Gauge("roadheat_disk_free_bytes", "Of the state folder's disk", registry=registry)
        self.disk_total_bytes = Gauge("roadheat_disk_total_bytes", "Of the state folder's disk", registry=registry)
        self.commands = Counter("roadheat_commands", "Commands sent", ["kind"], registry=registry)
        self.results = Counter("roadheat_results", "Boards' answers", ["result"], registry=registry)
        self.plans = Counter("roadheat_plans", "Zone plans published", ["label"], registry=registry)
        self.plan_s = Histogram(
            "roadheat_plan_seconds", "From trigger to published plans", buckets=_PLAN_BUCKETS_S, registry=registry
        )
        self.plan_failures = Counter("roadheat_plan_failures", "Planning cycles that failed", registry=registry)
        self.circuits_shed = Counter(
            "roadheat_circuits_shed",
            "Circuits opened to keep a feeder within its contract",
            ["feeder"],
            registry=registry,
        )
        self.city = Counter(
            "roadheat_city", "What interfaces of the city took, refused, delivered and dropped",
            ["interface", "outcome"], registry=registry,
        )  # fmt: skip
        self.alarms = Gauge("roadheat_alarms", "Alarms that stand", ["code"], registry=registry)
        self.degraded = Gauge(
            "roadheat_degraded", "1 while the service goes on in a lesser form", ["code"], registry=registry
        )
        self.feeder_kw = Gauge("roadheat_feeder_kw", "Mean of the running 15 min", ["feeder"], registry=registry)
        self.feeder_peak_kw = Gauge(
            "roadheat_feeder_peak_kw", "Highest 15 min mean of the month", ["feeder"], registry=registry
        )
        self.leakage_ma = Gauge(
            "roadheat_leakage_milliamperes", "Highest of the newest interval", ["zone"], registry=registry
        )
        self.switchings = Gauge("roadheat_contactor_switchings", "Since the board was new", ["zone"], registry=registry)
        self.on_hours = Gauge("roadheat_contactor_on_hours", "Since the board was new", ["zone"], registry=registry)
        self.calibrations = Counter("roadheat_calibrations", "Weekly fits of a zone", ["result"], registry=registry)
        self.calibration_rmse_k = Gauge(
            "roadheat_calibration_rmse_kelvin", "Of the newest fit, out of sample", ["zone"], registry=registry
        )
        self.forecast_age_s = Gauge("roadheat_forecast_age_seconds", "Age of the forecast in use", registry=registry)
        self.forecast_parts = Gauge(
            "roadheat_forecast_parts",
            "Parts of the forecast in use by what became of them",
            ["provider", "treatment", "what"],
            registry=registry,
        )
        self.forecast_provider = Gauge(
            "roadheat_forecast_provider", "1 for the provider whose forecast is used", ["provider"], registry=registry
        )
        self.price_parts = Gauge(
            "roadheat_price_parts", "Quarters of the plan's prices, and rows of their file, by what became of them",
            ["treatment", "part"], registry=registry,
        )  # fmt: skip
        self.loop_restarts = Counter(
            "roadheat_loop_restarts",
            "Loops of the service that failed and were started again",
            ["loop"],
            registry=registry,
        )
        self.loop_lag_s = Histogram(
            "roadheat_loop_lag_seconds", "How late the event loop runs what is due, ten times a second",
            buckets=_LAG_BUCKETS_S, registry=registry,
        )  # fmt: skip
