"""Every query of the Grafana dashboards answers on the real server it is for, from a record in which all happened."""

from __future__ import annotations

import asyncio
import json
import random
import re
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from prometheus_client import generate_latest

from supervisor.control.alarms import Alarms
from supervisor.control.disk_watch import DiskWatch
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import Plan, Slot
from supervisor.energy.endpoint import Target, connect
from supervisor.energy.metrics import SpoolCollector
from supervisor.energy.shipper import Shipper, ShipperState
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, SpoolState, Store
from supervisor.wire.messages import Flag
from tools import dashboards
from tools.bench.telemetry_load import DT_S, T0_UTC_S, Load
from tools.servers import Influxd, Victoria

LOAD = Load(boards=2, zones=2)
HOURS = 30
MADE = dashboards.dashboards()


@pytest.mark.parametrize("name", MADE)
def test_the_files_are_those_that_the_tool_writes(name: str) -> None:
    path = dashboards.FOLDER / name
    assert path.read_text(encoding="utf-8") == dashboards.written(MADE[name]), "run python -m tools.dashboards"
    panels = MADE[name]["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len({panel["id"] for panel in panels}) == len(panels)


def queries(name: str, key: str) -> list[tuple[str, str]]:
    """Title and query of each target."""
    return [(panel["title"], target[key]) for panel in MADE[name]["panels"] for target in panel["targets"]]


async def live(folder: Path, url: str, database: str) -> dict[str, int]:
    """Thirty hours with a gap, a reboot, a fault, commands, alarms and plans, all in InfluxDB; the totals."""
    clock = ManualClock(T0_UTC_S)
    store = Store.open(folder / DATABASE_NAME, clock, site="s", timezone="Asia/Seoul", spool_cap_bytes=SPOOL_CAP_BYTES)
    await store.spool.supplied_by({sample.zone: f"f{b}" for b in range(2) for sample in LOAD.frame(b, 1).z})
    for q in range(6, HOURS * 360, 18):
        for board in range(LOAD.boards):
            if board == 0 and 5 * 360 < q < 7 * 360:
                continue
            frame = LOAD.frame(board, q)
            if q > HOURS * 300 and board == 1:
                frame = msgspec.structs.replace(frame, boot=2, up=frame.up - HOURS * 3000)
            if q % 100 == 6:
                faulty = msgspec.structs.replace(frame.z[0], flags=int(Flag.MOISTURE_IMPLAUSIBLE))
                frame = msgspec.structs.replace(frame, z=(faulty, *frame.z[1:]))
            end_utc_s = T0_UTC_S + q * DT_S
            await store.telemetry.commit(f"b{board:02}", frame, end_utc_s, end_utc_s - DT_S, air_c=-2.5)
    clock.advance(HOURS * 3600 + 600)
    made = Override(
        id=1, zone="z0000", mode=OverrideMode.ON, reason="ice", user="kim",
        created_utc_s=T0_UTC_S + 3600, expires_utc_s=T0_UTC_S + 7200,
    )  # fmt: skip
    await store.write(lambda db: store.overrides.add(db, made))
    await store.alarms.raise_alarm("over-temperature", "z0000", "82 °C", T0_UTC_S + 4000)
    await store.alarms.clear_alarm("over-temperature", "z0000", T0_UTC_S + 5000)
    for duty in (0, 800):
        slots = (Slot(0, 3000, duty), Slot(3600, 0, -1))
        plan = Plan(zone="z0000", issued_utc_s=T0_UTC_S + 6000, start_utc_s=T0_UTC_S + 6000, slots=slots)
        await store.plans.save([plan])
    await store.upkeep.roll_up()
    endpoint = connect(Target(api="v1", url=url, database=database))
    shipper = Shipper(store.spool, endpoint, clock, lambda *_: None, random.Random(1))
    assert await shipper.ship() == 0
    totals = await store.telemetry.zone_totals()
    await endpoint.close()
    await store.close()
    return totals


def filled_in(query: str) -> str:
    """As Grafana sends it: all roads, two days."""
    period = f"time >= {T0_UTC_S - 86_400}s AND time < {T0_UTC_S + 2 * 86_400}s"
    values = {"$timeFilter": period, "$__interval": "10m", "$site": ".*", "$zone": ".*", "$offset": "-9h",
              "${raw}": "", "${long}": "", "${ever}": ""}  # fmt: skip
    for name, value in values.items():
        query = query.replace(name, value)
    assert "$" not in query.replace("$/", "/")
    return query


@pytest.mark.influx
def test_every_influxql_query_answers(influxd: Influxd, database: str, tmp_path: Path) -> None:
    totals = asyncio.run(live(tmp_path, influxd.url, database))
    assert all(totals.values())
    for title, query in queries("energy.json", "query") + queries("operators.json", "query"):
        series = influxd.query(filled_in(query), database)
        rows = [row[1:] for one in series for row in one["values"]]
        assert any(value is not None for row in rows for value in row), title
        if title == "Energy of the period by road":
            assert {one["tags"]["zone"]: one["values"][0][1] for one in series} == totals
        if title == "Energy by road and day":
            assert sum(row[0] for row in rows) == sum(totals.values())
        if title == "Commands":
            assert rows == [["z0000", "on 60 min", "ice", None]]
    for tag in ("site", "zone"):
        assert influxd.query(f'SHOW TAG VALUES WITH KEY = "{tag}"', database)


@pytest.mark.victoria
def test_every_query_of_the_metrics_answers(victoria: Victoria, tmp_path: Path) -> None:
    """What /metrics says twice, a minute apart, in VictoriaMetrics; a metric of another name has no answer."""
    metrics = Metrics()
    clock = ManualClock(T0_UTC_S)
    alarms = Alarms(clock, metrics)
    alarms.set(AlarmCode.CLOCK, "", True, "x")
    DiskWatch(tmp_path, alarms, metrics).look()
    state = SpoolState(
        points=5, spool_bytes=500, cap_bytes=2**30, delivered=0, dropped=1, dead=2, oldest_utc_s=T0_UTC_S
    )
    shipper: Any = SimpleNamespace(spool=state, state=ShipperState())
    metrics.registry.register(SpoolCollector(shipper, clock))
    for minute in range(3):
        _use(metrics)
        shipper.spool = msgspec.structs.replace(state, delivered=1000 * minute)
        when_ms = (T0_UTC_S + 60 * minute) * 1000
        address = f"{victoria.url}/api/v1/import/prometheus?timestamp={when_ms}"
        with urllib.request.urlopen(address, data=generate_latest(metrics.registry), timeout=30) as answer:
            assert answer.status == 204
    victoria.get("/internal/force_flush")
    for title, query in queries("metrics.json", "expr"):
        period = {"start": str(T0_UTC_S), "end": str(T0_UTC_S + 150), "step": "30s"}
        text = victoria.get("/api/v1/query_range", query=query.replace("$__rate_interval", "2m"), **period)
        result = json.loads(text)["data"]["result"]
        assert any(value not in ("NaN", "") for one in result for _, value in one["values"]), (title, query)


def _use(metrics: Metrics) -> None:
    metrics.telemetry.labels("new").inc(10)
    metrics.refused.labels("mac").inc()
    metrics.samples_refused.labels("b01").inc()
    metrics.commit_s.observe(0.004)
    metrics.plan_s.observe(0.7)
    metrics.loop_lag_s.observe(0.002)
    metrics.quarantined_wh.labels("z01").inc(5)
    metrics.loop_restarts.labels("watch").inc(0)
    metrics.feeder_kw.labels("f1").set(100)
    metrics.feeder_peak_kw.labels("f1").set(200)


PAGE = Path(__file__).parents[3] / "docs" / "queries.md"


def walked(section: str, influxd: Influxd, database: str) -> dict[str, Any]:
    """The names that the four blocks of a section of the page leave behind."""
    [text] = re.findall(rf"## {section}\n(.*?)(?=\n## |\Z)", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, Any] = {}
    exec(blocks[0], names)
    names |= {"URL": influxd.url, "DATABASE": database}
    for block in blocks[1:]:
        exec(block, names)
    return names


@pytest.mark.influx
def test_the_walks_through_in_pandas_and_polars_run_and_their_sums_are_those_of_the_record(
    influxd: Influxd, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    totals = asyncio.run(live(tmp_path, influxd.url, database))
    expected = pytest.approx({zone: wh / 1000 for zone, wh in totals.items()})
    pandas = walked("pandas", influxd, database)
    polars = walked("Polars", influxd, database)
    assert pandas["daily"].sum().to_dict() == expected
    assert polars["daily"].drop("day").sum().to_dicts() == [expected]
    assert set(pandas["peaks"]["feeder"]) == set(polars["peaks"]["feeder"]) == {"f0", "f1"}
    keys = ["feeder", "month"]
    assert polars["peaks"].sort(keys)["mean_kw"].to_list() == pandas["peaks"].sort_values(keys)["mean_kw"].tolist()
    [event] = pandas["events"].to_dict("records")
    [after] = polars["after"].to_dicts()
    assert (event["zone"], event["reason"]) == (after["zone"], after["reason"]) == ("z0000", "ice")
    assert after["kwh_after"] == pytest.approx(event["kwh_after"])
    assert 0 < event["kwh_after"] < totals["z0000"] / 1000
    assert "kwh_after" in capsys.readouterr().out
