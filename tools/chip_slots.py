"""Default pins of the boards by their chip; `firmware/rh/chips.py` has what each pin can do, and a test compares."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from supervisor.domain.board_profile import PROFILE, BoardSlot
from supervisor.domain.errors import ConfigError

FIRMWARE: Final = Path(__file__).resolve().parents[1] / "firmware"


class Pins(NamedTuple):
    ow_pin: int
    slots: tuple[BoardSlot, ...]


def _slots(*rows: tuple[int, int, int]) -> tuple[BoardSlot, ...]:
    return tuple(BoardSlot(relay_pin=relay, moist_pin=moist, ct_pin=ct) for relay, moist, ct in rows)


# Relays on pins that are no strapping pins, and that no module with PSRAM takes; moisture and current on the first
# converter. A C3 has five analogue inputs, one of them a strapping pin: two zones. A C6 has seven; GPIO 5 is read at
# reset for SDIO alone, which no board uses.
CHIPS: Final[Mapping[str, Pins]] = {
    "ESP32": Pins(PROFILE.ow_pin, PROFILE.slots),
    "ESP32S2": Pins(21, _slots((36, 1, 4), (37, 2, 5), (38, 3, 6))),
    "ESP32S3": Pins(8, _slots((17, 1, 5), (18, 2, 6), (21, 4, 7))),
    "ESP32C3": Pins(7, _slots((5, 0, 3), (6, 1, 4))),
    "ESP32C6": Pins(7, _slots((18, 0, 3), (19, 1, 6), (20, 2, 5))),
}
# An Ethernet PHY has the pins 19, 21, 22 and 25 to 27 of an ESP32, and one of 0, 16 and 17 for its clock. The third
# zone's current is on the second converter, which is free without a radio.
LAN_SLOTS: Final = _slots((13, 34, 36), (14, 35, 39), (33, 32, 15))

# The board's own check, by its own code; a chip that is not this machine's.
_CHECK = """
import json, sys
from rh import check, chips
chips.chosen = sys.argv[1]
try:
    check.config(json.load(sys.stdin))
except check.ConfigError as e:
    print(json.dumps([str(part) for part in e.args]), file=sys.stderr)
    sys.exit(1)
"""


def check_as_board(config: Mapping[str, Any], chip: str, tell: Callable[[str], None]) -> None:
    """Raise ConfigError where a board with this chip would refuse its config.json; `tell` gets what it would note."""
    run = subprocess.run(
        [sys.executable, "-c", _CHECK, chip],
        input=json.dumps(config),
        capture_output=True,
        text=True,
        check=False,
        cwd=FIRMWARE,
        env={"PYTHONPATH": str(FIRMWARE), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    for line in run.stdout.splitlines():
        tell(line)
    if run.returncode:
        try:
            file, key, value, remedy = json.loads(run.stderr.splitlines()[-1])
        except (ValueError, IndexError):
            raise ConfigError(run.stderr.strip(), where="config.json", remedy="Report this") from None
        raise ConfigError(f"{key} = {value} on an {chip}", where=file, remedy=remedy)
