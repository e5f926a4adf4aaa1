"""`roadheat board selftest`: what every sensor reads, which probes are new, and a signed report of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from tools.flashing import BoardToolError, flash, mpremote, provisioned, require
from tools.limits_command import passphrase_in, passphrase_option
from tools.on_boards import degrees, measured, on_all, person, ports_argument, tell
from tools.provision_options import pairs

REPORT: Final = b"roadheat selftest"  # what a signature of a report is for
NONE: Final = "none"
# Runs on the board, with main.py stopped and outputs off: which sensors are wired, and what they read.
_SELFTEST = """
import asyncio, json, time, drivers
from machine import ADC, Pin
from binascii import hexlify
from rh import VERSION
from rh.check import load
from rh.hardware import Buses
config, limits = load()
buses = Buses(config)
seen = [hexlify(rom).decode() for rom in buses.onewire.scan()]
for z in config.zones:
    drivers.reader(z.sensors["power"], buses)  # so that the line knows its meters
for z in config.zones if buses.rs485 else ():  # each round asks one register
    asyncio.run(buses.rs485.round(asyncio.sleep_ms))
zones = []
for z in config.zones:
    row = {"zone": z.id}
    for name, sensor in z.sensors.items():
        module = drivers.module(sensor["kind"])
        if hasattr(module, "convert"):
            module.convert(buses); time.sleep_ms(800)
        if sensor["kind"].startswith("adc-"):
            row[name] = "{} mV".format(ADC(Pin(sensor["pin"]), atten=ADC.ATTN_11DB).read_uv() // 1000)
        elif sensor["kind"] == "modbus-meter":
            watt, wh = drivers.reader(sensor, buses)(), drivers.energy(sensor, buses)()
            row[name] = [module.fault(sensor, buses), watt, wh]
        else:
            read = drivers.reader(sensor, buses)
            for _ in range(3):  # a MAX31865 tests its wires first
                row[name] = read()
                if row[name] is not None:
                    break
                time.sleep_ms(100)
    zones.append(row)
named = [s["rom"] for z in config.zones for s in z.sensors.values() if "rom" in s]
lost = [[z.id, place] for z in config.zones for place, s in z.sensors.items() if "rom" in s
        and hexlify(s["rom"]).decode() not in seen]
new = {}
for rom in buses.onewire.scan():
    if bytes(rom) not in [bytes(one) for one in named]:
        read = drivers.reader({"kind": "ds18b20", "rom": bytes(rom)}, buses)
        drivers.module("ds18b20").convert(buses); time.sleep_ms(800)
        new[hexlify(rom).decode()] = read()
print(json.dumps({"board": config.board, "version": VERSION, "probes": seen, "zones": zones, "lost": lost, "new": new}))
"""


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default="city.toml",
    show_default=True,
    help="For --write.",
)
@click.option("--write", is_flag=True, help="Ask for each probe that is missing which new one it is; keep the answers.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="What was read, as a signed file.")
@click.option("--key", "key_path", type=click.Path(path_type=Path), help="Private key that signs the report.")
@passphrase_option
@ports_argument
def selftest(
    config_path: Path,
    write: bool,
    report: Path | None,
    key_path: Path | None,
    passphrase_file: Path | None,
    ports: tuple[str, ...],
) -> None:
    """Stop the application, read every sensor, start again.

    Hold a probe in your hand to see which one it is: --write shows what new ones read. A report has what was read, by
    whom and when; `signed_report` of this module opens it with the public key.
    """
    from tools.signing import load_private

    if (report is None) is not (key_path is None):
        raise BoardToolError("a report is signed", where="--report, --key", remedy="Give both, or neither")
    key = None if key_path is None else load_private(key_path, passphrase_in(passphrase_file))
    found: dict[str, Any] = {}

    def one(name: str, port: str) -> str:
        require(port, name)
        try:
            found[name] = json.loads(mpremote(port, "exec", _SELFTEST).splitlines()[-1])
        finally:
            mpremote(port, "reset")
        return _said(found[name])

    places = pairs(ports, "b01=/dev/ttyUSB0")
    tell(on_all(places, one, "self-test"))
    if report is not None and key is not None:
        _report(report, found, key)
    for name in sorted(found) if write else ():
        _keep(config_path, name, places[name], found[name])


def _said(report: Mapping[str, Any]) -> str:
    rows = [
        f"{z['zone']}: surface {degrees(z['surface'])}, cable {degrees(z['cable'])}, "
        f"moisture {z['moisture']}, {measured(z['power'])}" + (f", leakage {z['leakage']}" if "leakage" in z else "")
        for z in report["zones"]
    ]
    new = "".join(f"\n  new probe {rom}: {degrees(mc)}" for rom, mc in report["new"].items())
    missing = "".join(f"\n  no probe of its number: {zone}.{place}" for zone, place in report["lost"])
    head = f"{report['board']}, firmware {report['version']}, probes {' '.join(report['probes'])}\n  "
    return head + "\n  ".join(rows) + missing + new


def assigned(
    lost: Sequence[Sequence[str]], new: Mapping[str, int | None], ask: Callable[[str, Mapping[str, int | None]], str]
) -> dict[tuple[str, str], str]:
    """(zone, place) → new probe, as `ask` answers for each missing one: a number of those left, or NONE."""
    left, made = dict(new), {}
    for zone, place in lost:
        if left and (rom := ask(f"{zone}.{place}", left)) != NONE:
            made[zone, place] = rom
            del left[rom]
    return made


def with_probes(config: Mapping[str, Any], probes: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """The configuration with these probes at their places."""
    made: dict[str, Any] = json.loads(json.dumps(config))
    for zone in made["zones"]:
        for place in ("surface", "cable"):
            rom = probes.get((zone["id"], place))
            if rom is not None and isinstance(zone.get(place), dict):
                zone[place]["rom"] = rom
            elif rom is not None:
                zone[f"{place}_rom"] = rom
    return made


def _ask(place: str, left: Mapping[str, int | None]) -> str:
    for rom, milli in left.items():
        click.echo(f"  {rom}: {degrees(milli)}")
    choice: str = click.prompt(f"{place} is", type=click.Choice([*left, NONE]), default=NONE)
    return choice


def _keep(config_path: Path, name: str, port: str, report: Mapping[str, Any]) -> None:
    """Ask, write the board's folder, and bring it to the board."""
    from supervisor.config import load

    probes = assigned(report["lost"], report["new"], _ask)
    if not probes:
        click.echo(f"{name}: nothing to write")
        return
    folder = provisioned(load(config_path, without_data=True), name)
    file = folder / "config.json"
    before = file.read_text(encoding="utf-8")
    file.write_text(json.dumps(with_probes(json.loads(before), probes), indent=1), encoding="utf-8")
    try:
        flash(port, folder, firmware=None)
    except Exception:
        file.write_text(before, encoding="utf-8")  # folder and board say the same
        raise
    for (zone, place), rom in probes.items():
        click.echo(f"{name}: {zone}.{place} is {rom}")


def _report(path: Path, found: Mapping[str, Any], key: Any) -> None:
    from datetime import UTC, datetime

    from tools.signing import signed

    said = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "by": person(), "boards": found}
    path.write_bytes(signed(json.dumps(said, indent=1).encode(), REPORT, key))
    click.echo(f"{path}: signed")


def signed_report(content: bytes, modulus: bytes) -> dict[str, Any] | None:
    """What a report says, None where it was not signed with the private key of `modulus`."""
    from tools.signing import opened

    text = opened(content, REPORT, [modulus])
    if text is None:
        return None
    found: dict[str, Any] = json.loads(text)
    return found
