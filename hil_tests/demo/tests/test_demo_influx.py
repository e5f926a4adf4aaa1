"""`roadheat demo --influx`: the whole record is in the database; a missing server is said before the storm."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.bench.city import free_port
from hil_tests.demo.run import built_in_storm, write_demo_city
from hil_tests.demo.to_influx import DATABASE, influx_table, send_rest
from supervisor.cli import main
from supervisor.config import load
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store
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
