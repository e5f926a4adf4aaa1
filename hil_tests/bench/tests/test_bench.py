"""The whole walk in small: emulated boards flashed with mpremote, road plant, real service, faults."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hil_tests.bench.bench import QUANTUM_MS, Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.impostor import Impostor
from hil_tests.bench.supervisor_process import SupervisorError
from supervisor.runtime.clock import ManualClock
from supervisor.weather.design_storm import design_storm
from supervisor.wire.authentication import seal_command
from supervisor.wire.messages import ClockCommand, OverrideCommand, Result
from tools.flashing import mpremote

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]
START = 1_768_089_600.0


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path, design_storm(START, hours=48, seed=1))


@pytest.fixture
def bench(city: Path) -> Iterator[Bench]:
    """One board of two zones, flashed, with the real service."""
    with Bench(city, start_utc_s=START) as made:
        made.flash()
        made.start_supervisor()
        yield made


def test_override_is_obeyed_and_expires_while_the_service_is_dead(tmp_path: Path) -> None:
    """In weather that gives no plan a reason to heat."""
    storm = design_storm(START, hours=48, seed=1)
    mild = replace(storm, air_c=storm.air_c * 0 + 4.0, dew_point_c=storm.air_c * 0 - 6.0)
    mild.precipitation_mm_h[:] = 0.0
    with Bench(write_city(tmp_path, mild), start_utc_s=START) as bench:
        bench.flash()
        bench.start_supervisor()
        bench.advance(900)
        zone = bench.zone("z02")
        assert not zone.closed
        bench.crew.override("z02", "on", 30)
        began_s = bench.now_ms / 1000
        assert bench.advance(600, until=lambda b: zone.closed)
        bench.kill_supervisor()
        bench.advance(began_s + 1800 - bench.now_ms / 1000 - 10)
        energised = zone.truth.energy_wh
        assert zone.closed
        bench.advance(12 + 60)
        heard_s = 2 * QUANTUM_MS / 1000  # the board counts the minutes from when it hears of them
        assert zone.truth.energy_wh - energised < zone.zone.power_w * (10 + heard_s + 1) / 3600
        assert not zone.closed
        assert bench.violations == []
        bench.start_supervisor()
        bench.advance(180)
        assert all(row["online"] for row in bench.crew.request("GET", "/api/v1/zones"))


def test_a_cut_link_is_noticed_and_mended(bench: Bench) -> None:
    def online() -> set[bool]:
        return {row["online"] for row in bench.crew.request("GET", "/api/v1/zones")}

    bench.advance(120)
    bench.crew.login()
    assert online() == {True}
    bench.boards["b01"].cut_link()
    bench.advance(240)
    assert online() == {False}
    bench.boards["b01"].restore_link()
    bench.advance(240)
    assert online() == {True}


def test_faults_reach_the_service_and_open_the_contactor(bench: Bench) -> None:
    bench.advance(900)
    bench.crew.override("z01", "on", 60)
    assert bench.advance(900, until=lambda b: b.zone("z01").closed)
    bench.zone("z01").set_sensor_fault("open")
    bench.advance(20)
    assert not bench.zone("z01").closed
    bench.crew.override("z02", "off", 60)
    assert bench.advance(900, until=lambda b: not b.zone("z02").closed)
    bench.zone("z02").weld_contactor()
    bench.advance(60)
    flags = {row["id"]: row["flags"] for row in bench.crew.request("GET", "/api/v1/zones")}
    assert flags["z01"] & 2
    assert flags["z02"] & 8
    assert bench.violations == []


def test_power_cycle_holds_outputs_off(bench: Bench) -> None:
    bench.advance(900)
    bench.crew.override("z01", "on", 120)
    assert bench.advance(900, until=lambda b: b.zone("z01").closed)
    bench.power_cycle("b01", off_s=10)
    bench.advance(2)
    assert not bench.zone("z01").closed
    assert not bench.advance(320, until=lambda b: b.zone("z01").closed)
    assert bench.advance(900, until=lambda b: b.zone("z01").closed)  # what a person wants outlives a power cut
    assert bench.violations == []


def test_mpremote_on_a_board_that_runs_in_virtual_time(bench: Bench) -> None:
    bench.advance(300)
    said: list[str] = []

    def engineer() -> None:
        port = bench.boards["b01"].console.path
        said.append(mpremote(port, "fs", "ls", ":rh"))
        said.append(mpremote(port, "exec", "import time; time.sleep(30); print('rested')"))
        said.append(mpremote(port, "soft-reset"))
        said.append(mpremote(port, "reset"))

    thread = threading.Thread(target=engineer)
    thread.start()
    while thread.is_alive():
        bench.advance(1)
        time.sleep(0.05)  # mpremote lives in real time: 15 s of the board must not pass between two of its bytes
    assert "control.mpy" in said[0]
    assert said[1] == "rested\n"
    assert len(said) == 4
    assert bench.advance(600, until=lambda b: b.boards["b01"].application)
    bench.advance(600)
    assert all(row["online"] for row in _zones(bench))
    assert bench.violations == []


def _zones(bench: Bench) -> list[dict[str, Any]]:
    bench.crew.login()
    return list(bench.crew.request("GET", "/api/v1/zones"))


def test_same_seed_same_run(city: Path) -> None:
    """Without the service's threads a run repeats to the millisecond."""
    runs = []
    for _ in range(2):
        with Bench(city, start_utc_s=START + 9 * 3600, seed=5) as bench:
            bench.flash()
            bench.advance(3 * 3600)
            runs.append([zone.truth.energy_wh for zone in bench.zones.values()])
            assert bench.invariants.edges > 0
            assert bench.violations == []
        for image in (city.parent / "state" / "bench").glob("b*.*"):
            image.unlink()
    assert runs[0] == runs[1]


def test_forged_and_replayed_frames_change_nothing(city: Path) -> None:
    with Bench(city, start_utc_s=START) as bench:
        bench.flash()
        clock = ManualClock(START)
        with Impostor(bench.config, clock=clock) as impostor:
            assert bench.advance(
                120, until=lambda b: "b01" in impostor.fake.sessions and bool(impostor.session("b01").results)
            )
            session = impostor.session("b01")
            order = OverrideCommand(b="b01", ep=1, q=10, z="z01", id=1, m="on", dur=600, exp=int(START) + 900)
            impostor.inject("b01", msgspec.json.encode(order) + b"\n" + b"0" * 64)
            impostor.inject("b01", seal_command(b"k" * 32, msgspec.json.encode(order)))
            bench.advance(20)
            assert [r.rc for r in session.results] == [Result.OK]  # the clock; nothing was even parsed
            impostor.command("b01", order)
            bench.advance(10)
            replay = (
                session.frames[-1]
                if b'"override"' in session.frames[-1]
                else next(frame for frame in reversed(session.frames) if b'"override"' in frame)
            )
            impostor.inject("b01", replay)
            impostor.command("b01", ClockCommand(b="b02", ep=1, q=20, utc=int(START)))
            bench.advance(10)
            assert [r.rc for r in session.results][1:] == [Result.OK, Result.STALE_SEQUENCE, Result.WRONG_BOARD]


def test_supervisor_without_the_boards_keys_is_not_believed(city: Path) -> None:
    with Bench(city, start_utc_s=START) as bench:
        bench.flash()
        with Impostor(bench.config, clock=ManualClock(START), knows_keys=False) as impostor:
            bench.advance(180)
            assert "b01" in impostor.fake.sessions
            assert impostor.session("b01").results == []


def test_service_that_dies_at_once_is_told(city: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no luck')"]
    with Bench(city, start_utc_s=START, command=command) as bench, pytest.raises(SupervisorError, match="no luck"):
        bench.start_supervisor()
