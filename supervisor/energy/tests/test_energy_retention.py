"""Each measurement is kept as long as city.toml says: policies of a real InfluxDB 1.6, buckets of 2.x."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.config import InvalidConfig, load
from supervisor.energy.endpoint import Target, configured, connect
from supervisor.energy.reading import HOURS, Period, read_energies
from supervisor.energy.shipper import ALARM_HELD, HOLD_S, Shipper
from supervisor.energy.tests.spooling import Handler, Spooling, Standing
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store, spool
from tools.servers import Influxd

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
V1 = '[influx]\napi = "v1"\nurl = "{url}"\ndatabase = "{name}"\n[influx.retention_days]\n'
KEPT = "zone = 90\nfeeder_15m = 1827\nzone_1h = 1827\nzone_1d = 0\n"
LINES = [
    "zone,site=s,zone=z01 delta_wh=7i {t}",
    "zone_1h,site=s,zone=z01 energy_wh=70i {t}",
    "zone_1d,site=s,zone=z01 energy_wh=700i {t}",
    "feeder_15m,site=s,feeder=f1 energy_wh=9i {t}",
    'event,site=s kind="k",detail="d" {t}',
]


def target(folder: Path, text: str) -> Target:
    (folder / "weather.csv").write_text("time_utc\n")
    (folder / "city.toml").write_text(EXAMPLE.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")
    influx = load(folder / "city.toml").influx
    assert influx is not None
    return configured(influx, {})


@asynccontextmanager
async def shipping(folder: Path, to: Target, lines: list[str]) -> AsyncIterator[Spooling]:
    clock, standing = ManualClock(1_700_000_000.0), Standing()
    store = Store.open(folder / DATABASE_NAME, clock, site="s", spool_cap_bytes=SPOOL_CAP_BYTES)
    endpoint = connect(to)
    try:
        shipper = Shipper(store.spool, endpoint, clock, standing.set, random.Random(1), places=to.places)
        await store.write(lambda db: spool.put_all(db, lines))
        yield Spooling(store, shipper, standing, clock)
    finally:
        await endpoint.close()
        await store.close()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


def on_real(
    influxd: Influxd, name: str, folder: Path, kept: str, judge: Callable[[Spooling], Coroutine[Any, Any, None]]
) -> Target:
    to = target(folder, V1.format(url=influxd.url, name=name) + kept)
    utc_s = int(time.time())  # the server's clock decides what is too old
    lines = [line.format(t=utc_s) for line in LINES]

    async def main() -> None:
        async with shipping(folder, to, lines) as made:
            await judge(made)

    asyncio.run(main())
    return to


@pytest.mark.influx
def test_policies_are_made_and_every_measurement_goes_to_its_own(
    influxd: Influxd, database: str, tmp_path: Path
) -> None:
    async def judge(made: Spooling) -> None:
        assert await made.shipper.ship() == 0
        assert (await made.waiting(), (await made.store.spool.state()).dead) == (0, 0)

    to = on_real(influxd, database, tmp_path, KEPT, judge)
    [shown] = influxd.query(f"SHOW RETENTION POLICIES ON {database}", database)
    lasts = {row[0]: row[1] for row in shown["values"]}
    assert lasts == {
        "autogen": "0s",
        "roadheat_90d": "2160h0m0s",
        "roadheat_1827d": "43848h0m0s",
        "roadheat_ever": "0s",
    }
    found = {policy: influxd.query(f'SELECT * FROM "{policy}"./.*/', database) for policy in lasts}
    held = {policy: sorted(one["name"] for one in series) for policy, series in found.items()}
    assert held == {
        "autogen": ["event"],
        "roadheat_90d": ["zone"],
        "roadheat_1827d": ["feeder_15m", "zone_1h"],
        "roadheat_ever": ["zone_1d"],
    }
    assert list(asyncio.run(read_energies(to, Period("s", 0, 2**32), HOURS)).values()) == [
        70
    ]  # as `energy verify` asks


@pytest.mark.influx
def test_a_policy_of_another_length_holds_everything_and_says_how_to_mend_it(
    influxd: Influxd, database: str, tmp_path: Path
) -> None:
    influxd.query(f'CREATE RETENTION POLICY "roadheat_90d" ON {database} DURATION 30d REPLICATION 1', database)

    async def judge(made: Spooling) -> None:
        assert await made.shipper.ship() == HOLD_S
        assert made.standing.codes == {ALARM_HELD}
        assert 'ALTER RETENTION POLICY "roadheat_90d"' in made.shipper.state.trouble
        assert await made.waiting() == len(LINES)
        influxd.query(f'ALTER RETENTION POLICY "roadheat_90d" ON {database} DURATION 90d', database)
        assert await made.shipper.ship() == 0
        assert made.standing.codes == set()

    on_real(influxd, database, tmp_path, "zone = 90\n", judge)


@pytest.mark.influx
def test_a_policy_that_somebody_dropped_is_made_again(influxd: Influxd, database: str, tmp_path: Path) -> None:
    async def judge(made: Spooling) -> None:
        assert await made.shipper.ship() == 0
        influxd.query(f'DROP RETENTION POLICY "roadheat_90d" ON {database}', database)
        await made.put([f"zone,site=s,zone=z01 delta_wh=1i {1_900_000_000}"])
        assert await made.shipper.ship() > 0
        assert "retention policy" in made.shipper.state.trouble
        assert await made.shipper.ship() == 0

    on_real(influxd, database, tmp_path, "zone = 90\n", judge)


async def test_without_the_right_to_make_policies_the_alarm_has_the_statement(tmp_path: Path) -> None:
    async def refuse(request: web.Request) -> web.Response:
        if request.query["q"].startswith("SHOW"):
            columns = ["name", "duration"]
            return web.json_response({"results": [{"series": [{"columns": columns, "values": [["autogen", "0s"]]}]}]})
        return web.json_response({"error": "error authorizing query: heat not authorized"}, status=403)

    async with serving(refuse) as url:
        to = Target(api="v1", url=url, database="heat", places={"zone": "roadheat_90d"}, policies={"roadheat_90d": 90})
        async with shipping(tmp_path, to, LINES[:1]) as made:
            assert await made.shipper.ship() == HOLD_S
            said = made.shipper.state.trouble
    assert said.startswith("403: ")
    assert 'CREATE RETENTION POLICY "roadheat_90d" ON "heat" DURATION 90d REPLICATION 1' in said


async def test_buckets_of_their_own_and_a_missing_one_is_named(tmp_path: Path) -> None:
    got: dict[str, list[str]] = {}

    async def take(request: web.Request) -> web.Response:
        bucket = request.query["bucket"]
        if bucket == "hours":
            return web.json_response({"code": "not found", "message": f'bucket "{bucket}" not found'}, status=404)
        got.setdefault(bucket, []).extend((await request.text()).split("\n"))
        return web.Response(status=204)

    async with serving(take) as url:
        text = f'[influx]\napi = "v2"\nurl = "{url}"\nbucket = "heat"\norg = "o"\n[influx.buckets]\nzone_1h = "hours"\n'
        to = target(tmp_path, text)
        async with shipping(tmp_path, to, LINES) as made:
            assert await made.shipper.ship() == HOLD_S
            assert 'bucket "hours" not found' in made.shipper.state.trouble
            assert await made.waiting() == len(LINES)
    assert got == {"heat": [LINES[0], *LINES[2:]]}


@pytest.mark.parametrize(
    ("api", "table", "says"),
    [
        ("v1", "[influx.retention_days]\nfeeder_15m = 365", "influx.retention_days.feeder_15m"),
        ("v1", "[influx.retention_days]\nzone = 1", "influx.retention_days.zone"),
        ("v1", "[influx.retention_days]\nzones = 90", "influx.retention_days.zones"),
        ("v1", '[influx.buckets]\nzone = "raw"', "influx.buckets"),
        ("v2", "[influx.retention_days]\nzone = 90", "influx.retention_days"),
        ("v2", '[influx.buckets]\nzone = " "', "influx.buckets.zone"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, api: str, table: str, says: str) -> None:
    text = f'[influx]\napi = "{api}"\nurl = "http://a:1"\ndatabase = "d"\nbucket = "b"\norg = "o"\n{table}\n'
    with pytest.raises(InvalidConfig) as found:
        target(tmp_path, text)
    assert says in found.value.where
