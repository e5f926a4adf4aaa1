"""Boards get another program over the link: whole or not at all, proved or left, one board at first."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.bench.programs import changed_firmware
from hil_tests.bench.wiring import Fit
from hil_tests.vm.emulated_board import FLASH_BYTES
from hil_tests.vm.flash_image import firmware_files, read_image, write_image
from supervisor.cli import main
from supervisor.weather.design_storm import design_storm
from supervisor.wire.update_files import FOLDER, Progress, load_progress
from tools.flashing import FIRMWARE, PROVISIONED
from tools.limits_files import limits_text
from tools.program_file import make_program
from tools.sealing import sealed, sealed_file
from tools.signing import LIMITS, generate, modulus, signed

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]
START = 1_768_089_600.0
SNOW_START_H = 44.0  # no road needs heat meanwhile
BOARDS = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 4


class District:
    """A bench whose boards know an engineer's signing key."""

    def __init__(
        self,
        folder: Path,
        boards: int,
        zones: int = 1,
        fit: Fit | None = None,
        firmware: dict[str, bytes] | None = None,
    ) -> None:
        """firmware: files of the program that boards have; default the sources."""
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.key = generate(folder / "engineer.pem")
        weather = design_storm(START, hours=60, seed=1, snow_start_h=SNOW_START_H)
        city = write_city(folder, weather, boards=boards, zones_per_board=zones)
        self.bench = Bench(city, start_utc_s=START, fit=fit or Fit())
        for name, board in self.bench.boards.items():
            place = self.bench.config.state_dir / "boards" / name
            files = {kind: sealed_file(place / kind) for kind in PROVISIONED}
            files["signers.bin"] = sealed(modulus(self.key.public_key()))
            files["limits.json"] = sealed(signed(limits_text(place / "limits.json", name, 1), LIMITS, self.key))
            write_image(board.image, {**(firmware or firmware_files(FIRMWARE)), **files}, FLASH_BYTES)
        self.bench.power_on()
        self.bench.start_supervisor()

    def order(self, firmware: Path) -> None:
        program = self.folder / f"{firmware.name}.zip"
        make_program(program, self.key, firmware)
        self.command("start", str(program))

    def command(self, *arguments: str) -> str:
        done = CliRunner().invoke(main, ["board", "update", *arguments, "--config", str(self.bench.config.path)])
        assert done.exit_code == 0, done.output
        return done.output

    @property
    def progress(self) -> Progress:
        return load_progress(self.bench.config.state_dir / FOLDER)

    def record(self, board: str) -> dict[str, object]:
        """What a board's flash says of its program."""
        files = read_image(self.bench.boards[board].image)
        found: dict[str, object] = json.loads(files["slot.rec"][32:]) if "slot.rec" in files else {"run": ""}
        return found


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    made = District(tmp_path, BOARDS)
    with made.bench:
        yield made


def test_a_bad_program_then_a_good_one(district: District, tmp_path: Path) -> None:
    bench = district.bench
    everybody = set(bench.boards)
    bench.advance(300)
    bench.boards["b03"].power_off(bench.now_ms)

    district.order(changed_firmware(tmp_path, "0.9.0", board=("def tick(self)", "def tock(self)")))
    assert bench.advance(3_600, until=lambda _: bool(district.progress.halted))
    (canary,) = district.progress.failed
    assert district.progress.started.keys() == {canary}, "the others were not touched"
    assert "0.9.0" in district.command("status")
    district.command("abort")

    district.order(changed_firmware(tmp_path, "0.9.1"))
    bench.advance(60)
    bench.power_cycle("b01", 20)  # while it fetches
    assert bench.advance(3_600, until=lambda _: bool(district.progress.started))
    (canary,) = district.progress.started
    bench.advance(20)
    bench.power_cycle(canary, 20)  # before it is proved
    assert bench.advance(7_200, until=lambda _: district.progress.done.keys() == everybody - {"b03"})
    assert district.record("b03")["run"] == ""
    assert "b03" in district.progress.waits
    bench.kill_supervisor()
    bench.start_supervisor()
    bench.power_on()
    assert bench.advance(3_600, until=lambda _: district.progress.finished)
    assert district.progress.done.keys() == everybody
    assert {district.record(board)["run"] for board in everybody} == {"a"}

    bench.crew.login()
    for zone in bench.zones:
        bench.crew.override(zone, "on", 60)
    assert bench.advance(900, until=lambda _: all(zone.closed for zone in bench.zones.values()))
    assert bench.violations == []
