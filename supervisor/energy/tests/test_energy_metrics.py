"""The spool at /metrics, and what `check-config` says of its cap."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from aiohttp import web
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from supervisor.check import explain
from supervisor.cli import main
from supervisor.config import load
from supervisor.config.tests.examples import EXAMPLE
from supervisor.energy.metrics import SpoolCollector
from supervisor.energy.tests.spooling import answering
from supervisor.store.spool_cap import spool_cap_bytes


async def test_size_age_and_fate_of_points_are_metrics(tmp_path: Path) -> None:
    async def take(request: web.Request) -> web.Response:
        return web.Response(status=204)

    async with answering(tmp_path, "v1", take) as made:
        registry = CollectorRegistry()
        registry.register(SpoolCollector(made.shipper, made.clock))
        read = registry.get_sample_value
        assert read("roadheat_spool_points") is None
        stamp = int(made.clock.utc_s()) - 1200
        await made.store.write(lambda db: db.execute("DELETE FROM spool"))
        await made.store.write(lambda db: db.execute("UPDATE counter SET value = 0"))
        await made.put([f"zone,zone=z01 delta_wh=1i {stamp + n}" for n in range(3)])
        await made.shipper.check_cap()
        assert read("roadheat_spool_points") == 3
        assert read("roadheat_spool_oldest_age_seconds") == pytest.approx(1200, abs=1)
        assert (read("roadheat_spool_bytes") or 0) > 100
        assert await made.shipper.ship() == 0
        await made.shipper.check_cap()
        assert read("roadheat_spool_points") == 0
        assert read("roadheat_spool_oldest_age_seconds") == 0
        assert read("roadheat_spool_delivered_points_total") == 3
        assert read("roadheat_spool_dead_points_total") == 0
        assert read("roadheat_spool_dropped_points_total") == 0


@pytest.mark.parametrize("mib", [16, 1024])
def test_a_cap_that_is_small_for_the_fleet_is_warned_about(tmp_path: Path, mib: int) -> None:
    _, warnings = explain(load(configured(tmp_path, mib), without_data=True))
    said = [warning for warning in warnings if warning.startswith("influx.spool_mib: 16 MiB hold")]
    assert len(said) == (mib == 16)


def test_without_a_cap_there_is_room_for_fourteen_days_of_all_zones_within_a_quarter_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(configured(tmp_path, None), without_data=True)
    few = len(config.zone)
    many = msgspec.structs.replace(config, zone=(config.zone * 100)[:100])
    disk = SimpleNamespace(total=2**40)
    monkeypatch.setattr("supervisor.store.spool_cap.shutil.disk_usage", lambda _: disk)
    assert spool_cap_bytes(config) == 2**30
    assert spool_cap_bytes(many) == 14 * 100 * 8640 * 200
    assert not [said for said in explain(many)[1] if "spool_mib" in said]
    disk.total = 2**30
    assert spool_cap_bytes(many) == 2**28
    [said] = [said for said in explain(many)[1] if "spool_mib" in said]
    assert "256 MiB, a quarter of this disk, hold 1.6 days of 100 zones" in said
    disk.total = 2**20
    assert (few, spool_cap_bytes(config)) == (few, 16 * 2**20)


@pytest.mark.parametrize("mib", [1, 2_000_000])
def test_a_cap_out_of_bounds_is_refused(tmp_path: Path, mib: int) -> None:
    result = CliRunner().invoke(main, ["check-config", str(configured(tmp_path, mib))], env={"COLUMNS": "300"})
    assert result.exit_code == 1, result.output
    assert "outside 16" in result.output


def configured(folder: Path, mib: int | None) -> Path:
    path = folder / "city.toml"
    cap = "" if mib is None else f"spool_mib = {mib}\n"
    influx = f'\n[influx]\napi = "v1"\nurl = "http://127.0.0.1:1"\ndatabase = "d"\n{cap}'
    path.write_text(EXAMPLE.read_text(encoding="utf-8") + influx, encoding="utf-8")
    return path
