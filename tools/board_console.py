"""`roadheat board status` and `unlock`: boards in operation, whose console is locked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tools import console_line
from tools.flashing import mpremote, provisioned
from tools.on_boards import config_option, degrees, on_all, ports_argument, tell
from tools.provision_options import pairs

# Works on a board whose firmware does not know seals, too.
_STATUS = """
import json, rh
stale = ""
try:
    from rh import seal
    text, why, old = seal.pick("config.json")
    stale = ", last good copy: config.json " + why if old else ""
except ImportError:
    text = open("config.json").read()
c = json.loads(text)
print(c["board"], rh.VERSION, "calls", c["host"], str(c["port"]) + stale)
"""


@click.command()
@ports_argument
def status(ports: tuple[str, ...]) -> None:
    """Show id and firmware of boards. A locked one is not disturbed; the program of others starts again."""

    def one(_: str, port: str) -> str:
        if (found := console_line.now(port, wait_s=1.5)) is not None:
            return _running(found)
        text = mpremote(port, "resume", "exec", _STATUS).strip()
        mpremote(port, "resume", "soft-reset")
        return text

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "status"))


def _running(found: Mapping[str, Any]) -> str:
    """What a board in operation says of itself."""
    lock = f"console unlocked for {found['open_s'] // 60} min" if found["open_s"] else "console locked"
    zones = [f"{zone}: {degrees(surface)}, {power} W, flags {flags}" for zone, surface, power, _, flags in found["z"]]
    return f"{found['b']} {found['fw']}, up {found['up'] // 3600} h, {lock}\n  " + "\n  ".join(zones)


@click.command()
@config_option
@click.option("--minutes", type=click.IntRange(1, 120), default=15, show_default=True)
@ports_argument
def unlock(config_path: Path, minutes: int, ports: tuple[str, ...]) -> None:
    """Let Ctrl-C and mpremote through to boards in operation, by their keys. The heat goes on meanwhile."""
    from supervisor.config import load
    from supervisor.wire.keys import load_or_create_key

    config = load(config_path, without_data=True)

    def one(name: str, port: str) -> str:
        provisioned(config, name)
        console_line.unlock(port, name, load_or_create_key(config.board_key_path(name)), minutes)
        return f"unlocked for {minutes} min"

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "unlock"))
