"""What is on a board's flash: torn, altered or gone while it has no power, or changed under the running board."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from hil_tests.bench.flash_check import flash
from hil_tests.inject.action import Action, Place
from hil_tests.vm.flash_image import read_image, write_image
from tools.sealing import sealed, sealed_file

OFF_S = 5.0
_INPUT_ONLY_PIN = 34
_POWER_CAME = 1  # machine.PWRON_RESET
_SEAL = b"\n#roadheat "
Files = dict[str, bytes]


def _offline(change: Callable[[Files, Place], None]) -> Action:
    """Cut the power, change the files, give power again."""

    def action(at: Place) -> None:
        at.bench.power_cycle(at.board_id, OFF_S)
        image = at.board.image
        files = read_image(image)
        change(files, at)
        write_image(image, files, image.stat().st_size)

    return action


def _tear(files: Files, at: Place) -> None:
    """`value`: the file. Its end is missing."""
    content = files[at.value]
    files[at.value] = content[: random.Random(at.bench.now_ms).randrange(1, len(content))]


def _impossible_pin(files: Files, at: Place) -> None:
    """A sealed configuration that the chip cannot carry out: the last good copy heats."""
    config = json.loads(files["config.json"].rpartition(_SEAL)[0])
    config["zones"][0]["relay_pin"] = _INPUT_ONLY_PIN
    files["config.json"] = sealed(json.dumps(config).encode())


def _as_provisioned(files: Files, at: Place) -> None:
    """An engineer puts the right one there."""
    files["config.json"] = sealed_file(at.bench.config.state_dir / "boards" / at.board_id / "config.json")


def _replace_board(files: Files, _at: Place) -> None:
    """Another board with the same program and key: boots and life begin anew."""
    for name in list(files):
        if name == "state.json" or name.startswith("journal/"):
            del files[name]


def _flip(at: Place) -> None:
    """One bit of a file changes under the running board. `value`: the file.

    The same text stands in older blocks and in the last good copy, which stays, and a small file may lie among the file
    system's own records, whose checks a changed bit would break: such places are left as they were.
    """
    image = at.board.image
    content = read_image(image)[at.value]
    rng = random.Random(at.bench.now_ms)
    part = content[: min(len(content), 64)]
    start = image.read_bytes().find(part)
    while start >= 0:
        place = start + rng.randrange(len(part))
        _invert(image, place)
        try:
            changed = flash(image)[at.value] != content
        except OSError:
            changed = False
        if changed:
            return
        _invert(image, place)
        start = image.read_bytes().find(part, start + 1)


def _invert(image: Path, place: int) -> None:
    with image.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes((byte ^ 1,)))


ACTIONS: dict[str, Action] = {
    "tear_file": _offline(_tear),
    "impossible_pin": _offline(_impossible_pin),
    "as_provisioned": _offline(_as_provisioned),
    "replace_board": _offline(_replace_board),
    "flip_bit": _flip,
}
