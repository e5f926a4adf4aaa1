"""A board over years: upgraded from the last release, its cable broken and mended, with the real service."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.wiring import Fit
from hil_tests.bench.zone import BenchZone
from hil_tests.vm.emulated_board import FLASH_BYTES
from hil_tests.vm.flash_image import firmware_files, read_image, write_image
from supervisor.weather.design_storm import design_storm
from supervisor.wire.messages import Flag, Winner
from tools.flashing import FIRMWARE, PROVISIONED
from tools.sealing import sealed

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]
START = 1_768_089_600.0
SNOW_S = 9 * 3600


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path, design_storm(START, hours=48, seed=1))


@pytest.fixture(params=[1, 0], ids=["active-high", "active-low"])
def bench(city: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """One board of two zones, in the snow."""
    with Bench(city, start_utc_s=START + SNOW_S, fit=Fit(relay_active=request.param)) as made:
        yield made


def _record(boot: int, q: int, utc: int, up: int) -> bytes:
    """As firmware/rh/telemetry.py packs a minute of two zones and firmware/rh/journal.py keeps it."""
    zone = struct.pack("<iihHIIHBH", -1_000, 500, 400, 0, 0, 0, 0, 5, 0)
    raw = struct.pack("<IIIIHH", boot, q, utc, up, 60, 0) + zone * 2
    return raw + struct.pack("<I", crc32(raw))


def _last_release(bench: Bench) -> dict[str, bytes]:
    """What a board of release 0.1 has on its flash: files without seals, a latch, an override, a journal."""
    utc = int(bench.start_utc_s)
    state = {
        "n": [0, 0, 41, 0],
        "ov": [["z02", 7, "on", utc + 3_600]],
        "z": [["z01", int(Flag.EARTH_FAULT | Flag.LATCHED), 4_200, 1], ["z02", 0, 600, 1]],
    }
    body = json.dumps(state).encode()
    folder = bench.config.state_dir / "boards" / "b01"
    return {
        **{name: (folder / name).read_bytes() for name in PROVISIONED},
        "state.json": sha256(body).digest()[:16].hex().encode() + body,
        "journal/00000003.bin": b"".join(_record(41, q, utc - 600 + 60 * q, 60 * q) for q in range(1, 6)),
    }


def _zones(bench: Bench) -> dict[str, dict[str, Any]]:
    if not bench.crew.signed_in:
        bench.crew.login()
    return {row["id"]: row for row in bench.crew.request("GET", "/api/v1/zones")}


def test_upgrade_keeps_everything_and_seals(bench: Bench) -> None:
    before = _last_release(bench)
    board = bench.boards["b01"]
    write_image(board.image, {**firmware_files(FIRMWARE), **before}, FLASH_BYTES)
    bench.power_on()
    bench.start_supervisor()
    bench.advance(900)
    zones = _zones(bench)
    assert all(row["online"] for row in zones.values())
    assert zones["z01"]["flags"] & (Flag.EARTH_FAULT | Flag.LATCHED) == Flag.EARTH_FAULT | Flag.LATCHED
    assert zones["z02"]["who"] == Winner.OVERRIDE
    assert bench.zone("z02").closed
    assert not bench.zone("z01").closed
    board.power_off(bench.now_ms)
    after = read_image(board.image)
    for name in PROVISIONED:
        assert after[name] == after[f"{name}.old"] == sealed(before[name])
    assert [name for name in after if name.startswith("journal/")] == []  # acknowledged
    state = json.loads(after["state.json"][32:])
    assert state["n"][2] == 42
    assert len(state["life"]) == 16
    assert state["z"][0][1] == Flag.EARTH_FAULT | Flag.LATCHED
    assert bench.violations == []


def test_broken_cable_stays_reported_until_current_flows(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Bench(city, start_utc_s=START + SNOW_S) as bench:
        tries: list[float] = []
        heed = bench.invariants.edge

        def edge(zone: BenchZone, closed: bool, at_ms: int) -> None:
            if closed and zone.id == "z01":
                tries.append(at_ms / 1000)
            heed(zone, closed, at_ms)

        monkeypatch.setattr(bench.invariants, "edge", edge)

        def broken() -> bool:
            return bool(_zones(bench)["z01"]["flags"] & Flag.CABLE_BROKEN)

        bench.flash()
        bench.start_supervisor()
        zone = bench.zone("z01")
        zone.break_cable()
        assert bench.advance(2 * 3_600, until=lambda _: bool(tries))
        for _ in range(2 * 3_600 // 150):
            bench.advance(150)
            assert broken()  # during the tries as well
        assert len(tries) >= 3
        assert min(later - before for before, later in pairwise(tries)) >= 1_800
        assert max(later - before for before, later in pairwise(tries)) <= 1_800 + 2 * 900
        bench.power_cycle("b01")
        bench.advance(420)
        assert broken()  # a reboot does not forget it
        zone.break_cable(False)
        assert bench.advance(2 * 3_600, until=lambda _: zone.truth.energy_wh > 1_000)
        bench.advance(30)
        assert not broken()
        assert bench.violations == []
