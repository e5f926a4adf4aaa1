"""`roadheat board status` and `unlock`: boards in operation, whose console is locked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tools import console_line
from tools.flashing import mpremote, provisioned
from tools.on_boards import config_option, degrees, on_all, ports_argument, tell
from tools.provision_options import pairs

LOG_LAST, LOG_ALL = 8_192, 90_000  # bytes
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
@click.option("--all", "whole", is_flag=True, help="All that is kept, some 1,000 lines; default: the last 8 KB.")
@ports_argument
def logs(whole: bool, ports: tuple[str, ...]) -> None:
    """Show what boards in operation have reported, and their last crash. The heat goes on."""

    def one(_: str, port: str) -> str:
        lines = [_dated(line) for line in console_line.log(port, LOG_ALL if whole else LOG_LAST).splitlines()]
        crashed = console_line.crash(port).rstrip().splitlines()
        if crashed:
            lines += ["last crash:", *crashed]
        return "\n  ".join(["", *lines]) if lines else "nothing reported"

    tell(on_all(pairs(ports, "b01=/dev/ttyUSB0"), one, "logs"))


def _dated(line: str) -> str:
    """A line of the log with its UTC as a date; as it is where it is none."""
    boot, _, rest = line.partition(" ")
    up_s, _, rest = rest.partition(" ")
    utc, _, what = rest.partition(" ")
    if not (boot.isdigit() and up_s.isdigit() and utc.isdigit()):
        return line
    when = datetime.fromtimestamp(int(utc), UTC).strftime("%Y-%m-%d %H:%M:%SZ") if int(utc) else "time not known"
    return f"{when}, start {boot} + {up_s} s: {what}"


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
