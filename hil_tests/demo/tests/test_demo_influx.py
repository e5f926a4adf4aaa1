"""`roadheat demo --influx`: the whole record is in the database; a missing server is said before the storm."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hil_tests.bench.city import free_port
from hil_tests.demo.run import built_in_storm, demo_config, write_demo_city
from hil_tests.demo.tests.test_demo_weather import winter
from hil_tests.demo.to_influx import DATABASE, influx_table, send_rest
from supervisor.cli import main
from supervisor.config import load
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store
from supervisor.weather.providers.files import write_weather_csv
from supervisor.wire.messages import Telemetry, ZoneSample
from tools.servers import find_program, running_influxd


@pytest.mark.influx
def test_what_the_service_left_is_sent_with_its_last_hours(tmp_path: Path) -> None:
    if find_program("influxd") is None:
        pytest.skip("InfluxDB 1.6 is not installed: as root on Debian, python -m tools.get_servers")
    storm = built_in_storm(1, hours=1.0)
    start = int(storm.start_utc_s)
    with running_influxd(tmp_path) as influxd:
        config = load(write_demo_city(tmp_path / "city", storm, influx_table(influxd.url)))

        async def record() -> dict[str, int]:
            config.state_dir.mkdir(exist_ok=True)
            path = config.state_dir / DATABASE_NAME
            store = Store.open(path, ManualClock(start), site=config.site.name, spool_cap_bytes=SPOOL_CAP_BYTES)
            for q in range(1, 61):
                zone = ZoneSample("z01", 1000, 5000, 300, 60, 30_000, 500 * q, 1000, 4, 0)
                frame = Telemetry(boot=1, q=q, utc=0, up=60 * q, dt=60, bad=0, z=(zone,))
                await store.telemetry.commit("b01", frame, start + 60 * q, start + 60 * q - 60)
            totals = await store.telemetry.zone_totals()
            await store.close()
            return totals

        totals = asyncio.run(record())
        points = asyncio.run(send_rest(config, storm.end_utc_s))
        assert influxd.sums(DATABASE) == totals == {"z01": 30_000}
        [hour] = influxd.query('SELECT sum("energy_wh") FROM "zone_1h"', DATABASE)
        assert hour["values"][0][1] == 30_000
        assert points >= 60 + 1 + 1


@pytest.mark.influx
@pytest.mark.vm
@pytest.mark.timeout(300)
def test_a_demo_leaves_in_influxdb_what_its_record_has(tmp_path: Path) -> None:
    """The command itself, an hour of snow on its boards; then both comparisons that an analyst has."""
    if find_program("influxd") is None:
        pytest.skip("InfluxDB 1.6 is not installed: as root on Debian, python -m tools.get_servers")
    dry = winter(demo_config().site)
    weather = tmp_path / "snow.csv"
    write_weather_csv(weather, replace(dry, precipitation_mm_h=np.ones(dry.time_utc_s.size)))
    report = tmp_path / "report"
    with running_influxd(tmp_path) as influxd:
        begin, end = "2022-12-01T20:00+09:00", "2022-12-01T21:00+09:00"
        storm = ["--weather", str(weather), "--from", begin, "--to", end, "--no-pictures"]
        told = CliRunner().invoke(main, ["demo", *storm, "--influx", influxd.url, "--report", str(report)])
        assert told.exit_code == 0, told.output
        assert "points are in roadheat_demo" in told.output
        sums = influxd.sums(DATABASE)
        assert len(sums) == 12
        assert sum(sums.values()) > 50_000  # Wh: snow at -2 degrees is heated
        period = ["--from", "2022-12-01", "--to", "2022-12-02"]
        for unit, more in (("hours", []), ("points", ["--points"])):
            said = CliRunner().invoke(main, ["energy", "verify", "--config", str(report / "city.toml"), *period, *more])
            assert (said.exit_code, f"{unit} of zones in 1 day are the same" in said.output) == (0, True), said.output


def test_a_server_that_is_not_there_is_said_before_anything_is_deleted(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    (report / ".roadheat-demo").touch()
    (report / "report.html").write_text("an earlier one")
    url = f"http://127.0.0.1:{free_port()}"
    told = CliRunner().invoke(main, ["demo", "--influx", url, "--no-pictures", "--report", str(report)])
    assert told.exit_code == 2
    assert f"--influx {url}" in told.output.replace("\n", " ")
    assert (report / "report.html").exists()
