"""Write the Grafana dashboards in docs/examples/grafana: `python -m tools.dashboards`.

A panel is a title and its queries; a test runs each on a real InfluxDB 1.6, or those of /metrics on VictoriaMetrics.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).parents[1] / "docs" / "examples" / "grafana"
SCHEMA: Final = 39  # of Grafana 11; newer ones convert it
WIDE, HALF, HIGH = 24, 12, 8  # of the grid's 24 columns, and rows


class Panel(NamedTuple):
    """A panel: its title, its queries, its unit as Grafana names it; `table` shows rows instead of lines."""

    title: str
    queries: tuple[str, ...]
    unit: str = "short"
    table: bool = False
    wide: bool = False


IN: Final = '"site" =~ /^$site$/ AND $timeFilter'
ZONES: Final = f'"zone" =~ /^$zone$/ AND {IN}'


def _of_roads(field: str) -> str:
    """The course of a field of each road."""
    return f'SELECT mean("{field}") FROM ${{raw}}"zone" WHERE {ZONES} GROUP BY time($__interval), "zone" fill(none)'


ENERGY: Final = (
    Panel("Energy by road and day", (
        f'SELECT sum("energy_wh") FROM ${{ever}}"zone_1d" WHERE {ZONES} GROUP BY time(1d, $offset), "zone" fill(none)',
    ), "watth", wide=True),
    Panel("Load of each supply, and what its month is billed so far", (
        f'SELECT max("mean_kw") FROM ${{long}}"feeder_15m" WHERE {IN} GROUP BY time($__interval), "feeder" fill(none)',
        f'SELECT max("billed_kw") FROM ${{long}}"feeder_15m" WHERE {IN} GROUP BY time(1h), "feeder" fill(none)',
    ), "kwatt", wide=True),
    Panel("Energy of the period by road", (
        f'SELECT sum("energy_wh") AS "energy" FROM ${{long}}"zone_1h" WHERE {ZONES} GROUP BY "zone"',
    ), "watth", table=True),
    Panel("Highest quarter of an hour of the period by supply", (
        f'SELECT max("mean_kw") AS "peak" FROM ${{long}}"feeder_15m" WHERE {IN} GROUP BY "feeder"',
    ), "kwatt", table=True),
    Panel("Energy of all roads by hour", (
        f'SELECT sum("energy_wh") FROM ${{long}}"zone_1h" WHERE {ZONES} GROUP BY time(1h) fill(none)',
    ), "watth"),
    Panel("Time with heat by day", (
        f'SELECT sum("on_s") FROM ${{ever}}"zone_1d" WHERE {ZONES} GROUP BY time(1d, $offset), "zone" fill(none)',
    ), "s"),
    Panel("Hours that telemetry does not cover wholly", (
        f'SELECT "covered_s", "energy_wh" FROM ${{long}}"zone_1h" WHERE {ZONES} AND "covered_s" < 3600 GROUP BY "zone"',
    ), table=True),
    Panel("Time without records by board", (
        f'SELECT sum("missing_s") AS "missing" FROM ${{long}}"event" WHERE {IN} AND "kind" = \'gap\' GROUP BY "zone"',
    ), "s", table=True),
)  # fmt: skip
OPERATORS: Final = (
    Panel("Surface temperature", (_of_roads("surf_c"),), "celsius", wide=True),
    Panel("Power", (_of_roads("power_w"),), "watt"),
    Panel("Duty", (_of_roads("duty"),), "percentunit"),
    Panel("Commands", (
        f'SELECT "zone", "detail", "reason", "role" FROM ${{long}}"event" WHERE {ZONES} AND "kind" = \'override\'',
    ), table=True),
    Panel("Alarms", (
        f'SELECT "zone", "kind", "detail", "reason" FROM ${{long}}"event" WHERE {IN} AND "kind" =~ /^alarm-/',
    ), table=True),
    Panel("Changes of plans", (
        f'SELECT "zone", "detail", "reason" FROM ${{long}}"event" WHERE {ZONES} AND "kind" = \'plan-change\'',
    ), table=True),
    Panel("Reboots and gaps", (
        f'SELECT "zone", "kind", "detail", "missing_s" FROM ${{long}}"event" WHERE {IN} AND "kind" =~ /^(reboot|gap)$/',
    ), table=True),
    Panel("Records with a fault or with energy booked over a gap, by hour", (
        f'SELECT count("q") FROM ${{raw}}"zone" WHERE {ZONES} AND "q" > 0 GROUP BY time(1h), "zone" fill(none)',
    )),
    Panel("Air", (
        f'SELECT mean("air_c") FROM ${{raw}}"zone" WHERE {IN} GROUP BY time($__interval) fill(none)',
    ), "celsius"),
)  # fmt: skip
METRICS: Final = (
    Panel("Boards with a session", ("roadheat_boards_online",)),
    Panel("Alarms that stand", ("roadheat_alarms",)),
    Panel("Load of each supply, 15 min", ("roadheat_feeder_kw", "roadheat_feeder_peak_kw"), "kwatt"),
    Panel("Age of the forecast", ("roadheat_forecast_age_seconds",), "s"),
    Panel("Telemetry a second", ("sum by (result) (rate(roadheat_telemetry_total[$__rate_interval]))",), "cps"),
    Panel("Refused frames and samples", (
        "sum by (reason) (increase(roadheat_frames_refused_total[$__rate_interval]))",
        "sum by (board) (increase(roadheat_telemetry_refused_total[$__rate_interval]))",
    )),
    Panel("From receipt to commit, 99 %", (
        "histogram_quantile(0.99, sum by (le) (rate(roadheat_commit_seconds_bucket[$__rate_interval])))",
    ), "s"),
    Panel("From a change to its plan, 99 %", (
        "histogram_quantile(0.99, sum by (le) (rate(roadheat_plan_seconds_bucket[$__rate_interval])))",
    ), "s"),
    Panel("Waiting for InfluxDB", ("roadheat_spool_bytes", "roadheat_spool_cap_bytes"), "bytes"),
    Panel("Age of what waits for InfluxDB", ("roadheat_spool_oldest_age_seconds",), "s"),
    Panel("Points delivered a second", ("rate(roadheat_spool_delivered_points_total[$__rate_interval])",), "cps"),
    Panel("Points dropped and refused", ("roadheat_spool_dropped_points_total", "roadheat_spool_dead_points_total")),
    Panel("Energy set aside", ("sum by (zone) (roadheat_quarantined_wh_total)",), "watth"),
    Panel("Free disk", ("roadheat_disk_free_bytes",), "bytes"),
    Panel("Event loop late, 99 %", (
        "histogram_quantile(0.99, sum by (le) (rate(roadheat_loop_lag_seconds_bucket[$__rate_interval])))",
    ), "s"),
    Panel("Loops that started again", ("roadheat_loop_restarts_total",)),
)  # fmt: skip


def dashboards() -> dict[str, dict[str, Any]]:
    """File name → dashboard."""
    policies = [_text(name, "", f"policy of {what}") for name, what in (
        ("raw", 'zone, such as "roadheat_90d". with its full stop'),
        ("long", "zone_1h, feeder_15m and event"),
        ("ever", "zone_1d"),
    )]  # fmt: skip
    names = [_query("site"), _query("zone")]
    offset = _text("offset", "-9h", "how much local midnight is before that of UTC")
    return {
        "energy.json": _dashboard("roadheat: energy", "influxdb", ENERGY, [*names, *policies, offset], "now-30d"),
        "operators.json": _dashboard("roadheat: operators", "influxdb", OPERATORS, [*names, *policies], "now-24h"),
        "metrics.json": _dashboard("roadheat: service", "prometheus", METRICS, [], "now-24h"),
    }


def _dashboard(
    title: str, source: str, panels: tuple[Panel, ...], variables: list[dict[str, Any]], since: str
) -> dict[str, Any]:
    chosen = {"name": "source", "type": "datasource", "query": source, "label": "data source"}
    made, left, top = [], 0, 0
    for number, panel in enumerate(panels, 1):
        width = WIDE if panel.wide else HALF
        if left + width > WIDE:
            left, top = 0, top + HIGH
        made.append(_panel(number, panel, source, {"h": HIGH, "w": width, "x": left, "y": top}))
        left += width
    return {
        "title": title,
        "uid": title.replace(": ", "-"),
        "schemaVersion": SCHEMA,
        "editable": True,
        "timezone": "browser",
        "time": {"from": since, "to": "now"},
        "templating": {"list": [chosen, *variables]},
        "panels": made,
    }


def _panel(number: int, panel: Panel, source: str, place: dict[str, int]) -> dict[str, Any]:
    datasource = {"type": source, "uid": "${source}"}
    targets = []
    for n, query in enumerate(panel.queries):
        target: dict[str, Any] = {"refId": chr(ord("A") + n), "datasource": datasource}
        if source == "prometheus":
            target |= {"expr": query, "range": True}
        else:
            target |= {"query": query, "rawQuery": True, "resultFormat": "table" if panel.table else "time_series"}
        targets.append(target)
    return {
        "id": number,
        "title": panel.title,
        "type": "table" if panel.table else "timeseries",
        "datasource": datasource,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    }


def _query(tag: str) -> dict[str, Any]:
    return {
        "name": tag, "type": "query", "datasource": {"type": "influxdb", "uid": "${source}"},
        "query": f'SHOW TAG VALUES WITH KEY = "{tag}"', "includeAll": True, "multi": True, "refresh": 1,
        "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip


def _text(name: str, value: str, label: str) -> dict[str, Any]:
    return {"name": name, "type": "textbox", "query": value, "label": label, "current": {"text": value, "value": value}}


def written(dashboard: dict[str, Any]) -> str:
    """The text of a dashboard's file."""
    return json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, dashboard in dashboards().items():
        (FOLDER / name).write_text(written(dashboard), encoding="utf-8")


if __name__ == "__main__":
    main()
