"""An update as ordered by files: what boards are asked, what they are given, when a road is left alone."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import msgspec
import pytest

from supervisor.control.quiet import quiet as zone_quiet
from supervisor.control.sky import Sky
from supervisor.control.tests.conftest import RecordingLink, Setup, greet
from supervisor.control.updates import IN_USE_S, LOOK_EACH_S, Updates
from supervisor.domain.plan import STANDBY, Plan, Slot
from supervisor.runtime.clock import ManualClock
from supervisor.wire import update_files as files
from supervisor.wire.messages import Get, Image, Piece, ProgramState, Result, ResultFrame, UpdateCommand, ZoneSample

CONTENT = b"M\x06" + b"x" * 1_000
SAMPLE = ZoneSample("z01", 5_500, 6_000, 0, 0, 0, 0, 0, 5, 0)


class Bench:
    """Updates of two boards, of which b01 is connected."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        self.setup, self.folder, self.road_free = setup, folder, True
        zones = {"b01": ["z01", "z02"], "b02": ["z03"]}
        self.updates = Updates(
            folder, setup.dispatcher, lambda _: self.road_free, setup.alarms, zones, setup.store.audit, setup.clock
        )
        self.link = RecordingLink("b01")

    def program(self, version: str = "0.9.0") -> files.Order:
        row = f"{len(CONTENT)} {sha256(CONTENT).hexdigest()} rh/zone.mpy\n"
        listing = f"version {version}\nmodel roadheat-1\nchips ESP32\nbytecode 6\nfiles 1\n{row}".encode()
        with ZipFile(self.folder / files.PROGRAM, "w") as archive:
            for name, raw in (("list", listing), ("signature", bytes(384)), ("rh/zone.mpy", CONTENT)):
                archive.writestr(name, raw)
        order = files.Order(
            id=version, version=version, identity=sha256(listing).hexdigest(), boards=("b01", "b02"), by="kim"
        )
        files.save(self.folder, order)
        return order

    def connect(self, **changed: object) -> None:
        hello = msgspec.structs.replace(greet(), **{"im": ProgramState(), **changed})
        self.updates.greeted(hello)
        self.setup.dispatcher.attach(self.link, hello)

    def asked(self) -> list[tuple[str, int]]:
        return [(one.v, one.go) for one in self.link.sent if isinstance(one, UpdateCommand)]

    async def answer(self, result: Result) -> None:
        command = [one for one in self.link.sent if isinstance(one, UpdateCommand)][-1]
        await self.setup.dispatcher.answered(self.link, ResultFrame(ep=command.ep, q=command.q, rc=int(result)))


@pytest.fixture
def bench(setup: Setup, tmp_path: Path) -> Bench:
    return Bench(setup, tmp_path)


async def test_from_the_order_to_the_proof(bench: Bench, clock: ManualClock) -> None:
    await bench.updates.look()
    assert bench.asked() == []
    bench.connect()
    bench.program()
    await bench.updates.look()
    assert bench.asked() == [("0.9.0", 0)]
    await bench.updates.look()
    assert len(bench.asked()) == 1, "once in a session"

    bench.updates.said(bench.link, Get(v="0.9.0", f=2, o=900, n=600))
    piece = bench.link.sent[-1]
    assert isinstance(piece, Piece)
    assert b64decode(piece.d) == CONTENT[900:]
    count = len(bench.link.sent)
    for wrong in (Get(v="0.9.1", f=2, o=0, n=600), Get(v="0.9.0", f=2, o=5_000, n=600)):
        bench.updates.said(bench.link, wrong)
    bench.updates.said(RecordingLink("stranger"), Get(v="0.9.0", f=2, o=0, n=1))
    assert len(bench.link.sent) == count

    bench.updates.said(bench.link, Image(v="0.9.0", ok=1, why=""))
    bench.road_free = False
    await bench.updates.look()
    assert bench.asked()[-1] == ("0.9.0", 0), "its road is in use"
    bench.road_free = True
    await bench.updates.look()
    assert bench.asked()[-1] == ("0.9.0", 1)
    await bench.answer(Result.NOT_NOW)
    clock.advance(IN_USE_S - 10)
    await bench.updates.look()
    assert bench.asked().count(("0.9.0", 1)) == 1, "the board knows better"
    clock.advance(20)
    await bench.updates.look()
    await bench.answer(Result.OK)
    await bench.updates.look()
    assert files.load_progress(bench.folder).started.keys() == {"b01"}

    bench.connect(fw="0.9.0", im=ProgramState(new=1))
    await bench.updates.look()
    assert files.load_progress(bench.folder).done == {}
    bench.updates.said(bench.link, Image(v="0.9.0", ok=1, why=""))
    await bench.updates.look()
    progress = files.load_progress(bench.folder)
    assert progress.done.keys() == {"b01"}
    assert progress.waits == {"b02": "is away"}


async def test_a_lost_answer_lets_no_second_board_start(bench: Bench, clock: ManualClock) -> None:
    bench.connect()
    second = RecordingLink("b02")
    hello = msgspec.structs.replace(greet(), b="b02", im=ProgramState())
    bench.updates.greeted(hello)
    bench.setup.dispatcher.attach(second, hello)
    bench.program()
    await bench.updates.look()
    for link in (bench.link, second):
        bench.updates.said(link, Image(v="0.9.0", ok=1, why=""))
    await bench.updates.look()
    assert bench.asked()[-1] == ("0.9.0", 1)
    bench.setup.dispatcher.detach(bench.link)  # it starts the program; that it will is never heard
    for _ in range(12):
        clock.advance(LOOK_EACH_S)
        await bench.updates.look()
    assert files.load_progress(bench.folder).started.keys() == {"b01"}
    assert [one.go for one in second.sent if isinstance(one, UpdateCommand)] == [0]

    bench.connect()  # it never got the question
    bench.updates.said(bench.link, Image(v="0.9.0", ok=1, why=""))
    await bench.updates.look()
    assert bench.asked().count(("0.9.0", 1)) == 2, "asked again"
    await bench.answer(Result.NOT_NOW)
    await bench.updates.look()
    assert files.load_progress(bench.folder).started.keys() == {"b02"}


async def test_a_refusal_is_an_alarm_and_on_record(bench: Bench, setup: Setup) -> None:
    bench.connect()
    bench.program()
    await bench.updates.look()
    bench.updates.said(bench.link, Image(v="0.9.0", ok=0, why="not signed by a key of this board"))
    await bench.updates.look()
    (alarm,) = setup.alarms.standing()
    assert alarm.code == "update-halted"
    assert "b01: not signed by a key of this board" in alarm.text
    entries = await setup.store.audit.after(0, 10)
    assert [entry.action for entry in entries] == ["update-ordered", "update-halted"]
    files.save(bench.folder, msgspec.structs.replace(files.load_order(bench.folder), wish=files.Wish.ABORT))
    await bench.updates.look()
    assert setup.alarms.standing() == []


async def test_a_restart_of_the_service_goes_on(bench: Bench, setup: Setup, tmp_path: Path) -> None:
    bench.connect()
    bench.program()
    await bench.updates.look()
    bench.updates.said(bench.link, Image(v="0.9.0", ok=1, why=""))
    await bench.updates.look()
    await bench.answer(Result.OK)
    await bench.updates.look()
    again = Bench(setup, tmp_path)
    again.connect(fw="0.9.0")
    await again.updates.look()
    progress = files.load_progress(tmp_path)
    assert (progress.started.keys(), progress.done.keys()) == ({"b01"}, {"b01"})


async def test_firmware_that_takes_no_update(bench: Bench) -> None:
    bench.updates.greeted(greet())
    bench.setup.dispatcher.attach(bench.link, greet())
    bench.program()
    await bench.updates.look()
    assert bench.asked() == []
    assert "flash it" in files.load_progress(bench.folder).waits["b01"]


def test_quiet(setup: Setup) -> None:
    live, now = setup.live, setup.clock.utc_s()
    assert not zone_quiet(live, "z03", now), "not heard yet"
    zone = live.zones["z03"]
    zone.online = True

    def quiet(slots: tuple[Slot, ...] = (), *, hazard: bool = False, lying_mm: float = 0.0, **sample: int) -> bool:
        zone.sample = msgspec.structs.replace(SAMPLE, zone="z03", **sample)
        zone.lying_mm = lying_mm
        zone.plan = Plan(zone="z03", issued_utc_s=int(now), start_utc_s=int(now), slots=slots) if slots else None
        live.sky = Sky(None, hazard)
        return zone_quiet(live, "z03", now)

    assert quiet()
    assert quiet(surface_mc=-5_000), "cold and dry"
    assert not quiet(surface_mc=1_000, moisture_permille=500)
    assert quiet(surface_mc=9_000, moisture_permille=500)
    assert not quiet(surface_mc=-273_150, moisture_permille=500), "not known"
    assert not quiet(hazard=True)
    assert not quiet(lying_mm=0.5)
    assert not quiet(duty_permille=100)
    assert not quiet(power_w=20_000)
    assert quiet((Slot(0, 2_000, 0), Slot(3 * 3600, 2_000, 800)))
    assert quiet((Slot(0, 2_000, STANDBY),))
    assert not quiet((Slot(0, 2_000, 0), Slot(3600, 2_000, 800)))
    assert not quiet((Slot(0, 2_000, 500), Slot(1, 2_000, 0)))
    zone.online = False
    assert not quiet()
