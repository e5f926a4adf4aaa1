"""`roadheat energy verify`: the record's hours against real databases, and against 2.x's documented answer to Flux."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import urllib.request
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from supervisor.cli import main
from supervisor.domain.errors import CommandError
from supervisor.energy.endpoint import Target
from supervisor.energy.reading import FLUX, Period, Series, read_energies
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, database, rollup, spool, telemetry
from supervisor.store.labels import Labels
from supervisor.wire.messages import Telemetry, ZoneSample
from tools.servers import Influxd, Victoria

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
START_UTC_S = 1_703_944_800  # 2023-12-30T23:00 in Seoul
HOURS = 3
SITE = "성북구 1=가, it's"


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    """A record of two zones over three hours in the example's state folder; returns the lines that wait to be sent."""
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "state").mkdir()
    db = database.connect(tmp_path / "state" / DATABASE_NAME)
    database.migrate(db)
    for n in range(60 * HOURS):
        zones = tuple(ZoneSample(z, 1000, 5000, 300, 60, 60_000, 1000 * (n + 1), 1000, 4, 0) for z in ("z01", "z02"))
        frame = Telemetry(boot=1, q=n, utc=0, up=60 * (n + 1), dt=60, bad=0, z=zones)
        telemetry.commit(db, Labels(SITE), "b01", frame, START_UTC_S + 60 * n + 60, START_UTC_S + 60 * n, None)
    rollup.roll_up(db, Labels(SITE), rollup.ZoneInfo("Asia/Seoul"), START_UTC_S + 3600 * HOURS + 600)
    waiting = spool.batch(db, SPOOL_CAP_BYTES)
    assert waiting is not None
    spool.delivered(db, waiting.last_id, [], 0)
    db.close()
    return waiting.lines.split("\n")


def configure(folder: Path, api: str, url: str, name: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('"seongbuk"', f'"{SITE}"', 1)
    influx = f'[influx]\napi = "{api}"\nurl = "{url}"\ndatabase = "{name}"\nbucket = "{name}"\norg = "city"\n'
    (folder / "city.toml").write_text(f"{text}\n{influx}", encoding="utf-8")


def post(url: str, lines: list[str]) -> None:
    with urllib.request.urlopen(url, data="\n".join(lines).encode(), timeout=30) as answer:
        assert answer.status == 204


def verify(folder: Path, *more: str) -> Result:
    period = ("--from", "2023-12-30", "--to", "2024-01-01")
    return CliRunner().invoke(main, ["energy", "verify", "--config", str(folder / "city.toml"), *period, *more])


def damaged(lines: list[str]) -> list[str]:
    """Without one zone's hour, and with another value of the other's next."""
    hours = [line for line in lines if line.startswith("zone_1h")]
    assert len(hours) == 2 * HOURS
    [gone] = [line for line in hours if "zone=z01" in line and line.endswith(str(START_UTC_S))]
    [other] = [line for line in hours if "zone=z02" in line and line.endswith(str(START_UTC_S + 3600))]
    return [
        line.replace("energy_wh=60000i", "energy_wh=59999i") if line == other else line
        for line in lines
        if line != gone
    ]


def check(folder: Path, lines: list[str], write_url: str, refill_url: str) -> None:
    """Differences are told by zone and hour with status 1; none once the lines have been sent."""
    post(write_url, damaged(lines))
    said = verify(folder)
    assert said.exit_code == 1, said.output
    assert "2 of 6 hours differ; 0 of 2 days are the same" in said.output
    rows = [line.split() for line in said.output.splitlines() if "2023-12-3" in line]
    assert [[cell for cell in row if cell != "│"] for row in rows] == [
        ["2023-12-30", "2", "120.000", "60.000", "1"],
        ["2023-12-31", "4", "240.000", "239.999", "1"],
        ["z01", "2023-12-30", "23:00+09:00", "60.000", "missing"],
        ["z02", "2023-12-31", "00:00+09:00", "60.000", "59.999"],
    ]
    post(refill_url, lines)
    said = verify(folder)
    assert (said.exit_code, "6 hours of zones in 2 days are the same" in said.output) == (0, True), said.output


@pytest.mark.influx
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_against_a_real_influxdb(
    influxd: Influxd, tmp_path: Path, lines: list[str], api: Literal["v1", "v2"], database: str
) -> None:
    """1.6 knows no Flux: with `api` v2 it is asked by InfluxQL."""
    configure(tmp_path, api, influxd.url, database)
    write = f"{influxd.url}/write?db={database}&precision=s"
    check(tmp_path, lines, write, write)


@pytest.mark.victoria
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_against_a_real_victoriametrics(
    victoria: Victoria, tmp_path: Path, lines: list[str], api: Literal["v1", "v2"]
) -> None:
    configure(tmp_path, api, victoria.url, "heat")
    post(f"{victoria.url}/api/v2/write?precision=s", lines)
    victoria.get("/internal/force_flush")
    said = verify(tmp_path)
    assert (said.exit_code, "6 hours of zones in 2 days are the same" in said.output) == (0, True), said.output


@pytest.mark.victoria
def test_what_a_victoriametrics_lacks_is_told(victoria: Victoria, tmp_path: Path, lines: list[str]) -> None:
    configure(tmp_path, "v2", victoria.url, "heat")
    post(f"{victoria.url}/api/v2/write?precision=s", damaged(lines))
    victoria.get("/internal/force_flush")
    said = verify(tmp_path)
    assert (said.exit_code, "2 of 6 hours differ" in said.output) == (1, True), said.output


@pytest.mark.influx
def test_raw_points_that_differ_are_told_to_the_second(
    influxd: Influxd, tmp_path: Path, lines: list[str], database: str
) -> None:
    """One point is missing, one has another value, one is there that the record does not have."""
    configure(tmp_path, "v1", influxd.url, database)
    write = f"{influxd.url}/write?db={database}&precision=s"
    points = [line for line in lines if line.startswith("zone,")]
    [gone] = [line for line in points if "zone=z01" in line and line.endswith(str(START_UTC_S + 120))]
    [other] = [line for line in points if "zone=z02" in line and line.endswith(str(START_UTC_S + 3660))]
    foreign = gone.replace(str(START_UTC_S + 120), str(START_UTC_S + 125))
    changed = other.replace("delta_wh=1000i", "delta_wh=999i")
    post(write, [changed if line == other else line for line in points if line != gone] + [foreign])
    said = verify(tmp_path, "--points")
    assert said.exit_code == 1, said.output
    assert "3 of 360 points differ; 0 of 2 days are the same" in said.output
    rows = [[cell for cell in line.split() if cell != "│"] for line in said.output.splitlines() if "z0" in line]
    assert rows == [
        ["z01", "2023-12-30", "23:02:00+09:00", "1.000", "missing"],
        ["z01", "2023-12-30", "23:02:05+09:00", "missing", "1.000"],
        ["z02", "2023-12-31", "00:01:00+09:00", "1.000", "0.999"],
    ]


@pytest.mark.victoria
def test_raw_points_are_compared_with_a_victoriametrics(victoria: Victoria, tmp_path: Path, lines: list[str]) -> None:
    configure(tmp_path, "v2", victoria.url, "heat")
    post(f"{victoria.url}/api/v2/write?precision=s", lines)
    victoria.get("/internal/force_flush")
    said = verify(tmp_path, "--points")
    assert (said.exit_code, "360 points of zones in 2 days are the same" in said.output) == (0, True), said.output


@pytest.mark.influx
def test_raw_points_are_compared_from_where_the_record_still_has_them(
    influxd: Influxd, tmp_path: Path, lines: list[str], database: str
) -> None:
    configure(tmp_path, "v1", influxd.url, database)
    post(f"{influxd.url}/write?db={database}&precision=s", lines)
    db = sqlite3.connect(tmp_path / "state" / DATABASE_NAME)
    with db:
        db.execute("DELETE FROM tick WHERE start_utc_s < ?", (START_UTC_S + 3600,))
    said = verify(tmp_path, "--points")
    assert "no raw points from before 2023-12-31 00:00:00+09:00" in said.output
    assert (said.exit_code, "240 points of zones in 1 day are the same" in said.output) == (0, True), said.output
    with db:
        db.execute("DELETE FROM tick")
    db.close()
    said = verify(tmp_path, "--points")
    assert (said.exit_code, "no raw points of this period any more" in said.stderr) == (2, True), said.output


def asked(answer: web.Response) -> tuple[dict[tuple[str, int], int] | CommandError, list[dict[str, object]]]:
    """What is read from a 2.x that answers Flux so, and the bodies of the requests."""
    bodies: list[dict[str, object]] = []

    async def query(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Token secret"
        assert request.query["org"] == "city"
        bodies.append(await request.json())
        return answer

    async def run() -> dict[tuple[str, int], int] | CommandError:
        app = web.Application()
        app.router.add_post("/api/v2/query", query)
        async with TestServer(app) as server:
            url = f"http://127.0.0.1:{server.port}"
            target = Target(api="v2", url=url, bucket='heat "x"', org="city", token="secret")
            try:
                return await read_energies(
                    target, Period(SITE, START_UTC_S, START_UTC_S + 7200), Series("zone_1h", "energy_wh")
                )
            except CommandError as error:
                return error

    return asyncio.run(run()), bodies


def test_flux_is_asked_with_parameters_and_its_csv_is_read() -> None:
    """The form of the CSV is that of InfluxData's documentation of 2.x. Nothing here executes Flux."""
    csv = (
        "#datatype,string,long,dateTime:RFC3339,long,string\r\n#group,false,false,false,false,true\r\n"
        "#default,_result,,,,\r\n,result,table,_time,_value,zone\r\n"
        ",,0,2023-12-30T14:00:00Z,60000,z01\r\n,,0,2023-12-30T15:00:00Z,59000,z01\r\n,,1,2023-12-30T14:00:00Z,7,z02\r\n\r\n"
    )
    hours, [body] = asked(web.Response(text=csv, content_type="text/csv"))
    assert hours == {("z01", START_UTC_S): 60_000, ("z01", START_UTC_S + 3600): 59_000, ("z02", START_UTC_S): 7}
    assert body["query"] == FLUX
    extern = str(body["extern"])
    assert all(name in extern for name in ("zone_1h", "energy_wh"))
    assert SITE in extern or repr(SITE)[1:-1] in extern
    assert 'heat "x"' in extern
    assert "2023-12-30T14:00:00" in extern


@pytest.mark.parametrize(
    ("status", "text"), [(401, "unauthorized access"), (404, 'could not find bucket "heat"'), (500, "internal error")]
)
def test_what_a_2_x_refuses_is_told_with_its_own_words(status: int, text: str) -> None:
    found, bodies = asked(web.json_response({"code": "x", "message": text}, status=status))
    assert isinstance(found, CommandError)
    assert (str(status) in found.message, text in found.message, bool(found.remedy)) == (True, True, True)
    assert len(bodies) == 1


def test_a_server_that_knows_none_of_the_languages_is_told() -> None:
    found, _ = asked(web.Response(status=404, text="404 page not found"))
    assert isinstance(found, CommandError)
    assert "neither Flux" in found.message


def test_no_server_and_no_table_are_told(tmp_path: Path, lines: list[str]) -> None:
    configure(tmp_path, "v1", "http://127.0.0.1:9", "heat")
    said = verify(tmp_path)
    assert said.exit_code == 2
    assert "does not answer" in said.stderr
    shutil.copy(EXAMPLE, tmp_path / "city.toml")
    said = verify(tmp_path)
    assert "no [influx]" in said.stderr
