"""`roadheat board calibrate`: probes against what an engineer knows, into the board's sealed config.json."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from tools.flashing import BoardToolError, flash, mpremote, provisioned, require
from tools.on_boards import config_option, tell
from tools.provision_options import pairs

POINTS = {"dry": "dry_mv", "wet": "wet_mv"}
DEFAULTS = {"dry_mv": 200, "wet_mv": 2200}  # of drivers.analog; a test compares
OFFSET_MAX_MK = 2_000
SPREAD_MAX_MV = 40  # between readings of one second: more is a loose wire

# With main.py stopped and outputs off: 16 readings of each probe within two seconds.
_READ = """
import json, time, drivers
from machine import ADC, Pin
from rh.check import load
from rh.hardware import Buses
config, _ = load()
buses = Buses(config)
found = {}
for z in config.zones:
    pin = ADC(Pin(z.sensors["moisture"]["pin"]), atten=ADC.ATTN_11DB)
    found[z.id + ".moisture"] = [pin.read_uv() // 1000 for _ in range(16) if not time.sleep_ms(60)]
    for place in ("surface", "cable"):
        if z.sensors[place]["kind"] == "max31865":
            read = drivers.reader(z.sensors[place], buses)
            said = [read() for _ in range(19) if not time.sleep_ms(100)]
            found[z.id + "." + place] = [mc for mc in said if mc is not None]
print("read:" + json.dumps(found))
"""


@click.command()
@config_option
@click.argument("port", metavar="BOARD=PORT")
@click.argument("known", nargs=-1, required=True, metavar="ZONE.moisture=dry|wet  ZONE.PLACE=CELSIUS…")
def calibrate(config_path: Path, port: str, known: tuple[str, ...]) -> None:
    """Read the probes named and keep what they should have said: a moisture probe dry or wet, a platinum thermometer
    beside a reference. The board starts again with it.
    """
    from supervisor.config import load

    ((name, place),) = pairs([port], "b01=/dev/ttyUSB0").items()
    wanted = pairs(known, "z01.moisture=dry or z01.surface=1.25")
    folder = provisioned(load(config_path, without_data=True), name)
    file = folder / "config.json"
    before = file.read_text(encoding="utf-8")
    made = json.loads(before)
    require(place, name)
    try:
        found = json.loads(mpremote(place, "exec", _READ).rpartition("read:")[2])
        said = {probe: apply(made, probe, value, found.get(probe, [])) for probe, value in wanted.items()}
    except Exception:
        mpremote(place, "reset")
        raise
    file.write_text(json.dumps(made, indent=1), encoding="utf-8")
    try:
        flash(place, folder, firmware=None)
    except Exception:
        file.write_text(before, encoding="utf-8")  # folder and board say the same
        raise
    tell(said)


def apply(config: dict[str, Any], probe: str, value: str, readings: list[int]) -> str:
    """Write one probe's calibration into `config`; what was done. Raises BoardToolError where it cannot be."""
    zone_id, _, place = probe.rpartition(".")
    zone = next((one for one in config["zones"] if one["id"] == zone_id), None)
    if zone is None or place not in ("moisture", "surface", "cable"):
        raise BoardToolError("no such probe", where=probe, remedy="Name it as z01.moisture, z01.surface or z01.cable")
    if place == "moisture":
        return _moisture(zone, probe, value, readings)
    return _platinum(zone, probe, value, readings)


def _moisture(zone: dict[str, Any], probe: str, value: str, readings: list[int]) -> str:
    if value not in POINTS:
        raise BoardToolError(f"not a point: {value}", where=probe, remedy="Give dry or wet")
    if not readings or min(readings) < 100 or max(readings) - min(readings) > SPREAD_MAX_MV:
        raise BoardToolError(f"no steady reading: {readings} mV", where=probe, remedy="Check the probe and its wire")
    sensor = zone.get("moisture") or {"kind": "adc-moisture", "pin": zone["moist_pin"]}
    if sensor["kind"] != "adc-moisture":
        raise BoardToolError(f"a {sensor['kind']} has no points", where=probe, remedy="Leave it out")
    sensor = {**sensor, **{name: sensor.get(name, default) for name, default in DEFAULTS.items()}}
    sensor[POINTS[value]] = mean = round(sum(readings) / len(readings))
    zone.pop("moist_pin", None)
    zone["moisture"] = sensor
    return f"{value} at {mean} mV"


def _platinum(zone: dict[str, Any], probe: str, value: str, readings: list[int]) -> str:
    sensor = zone.get(probe.rpartition(".")[2], {})
    if sensor.get("kind") != "max31865":
        remedy = "A DS18B20 is exact to 0.5 °C and has no calibration: replace one that is not"
        raise BoardToolError("not a platinum thermometer", where=probe, remedy=remedy)
    if not re.fullmatch(r"-?\d{1,3}(\.\d{1,3})?", value):
        raise BoardToolError(f"not a temperature: {value}", where=probe, remedy="Give that of the reference in °C")
    if len(readings) < 8:
        raise BoardToolError("no reading", where=probe, remedy="`selftest` says what is wrong with it")
    mean_mc = sum(readings) / len(readings)
    offset_mk = sensor.get("offset_mk", 0) + round(float(value) * 1000 - mean_mc)
    if abs(offset_mk) > OFFSET_MAX_MK:
        raise BoardToolError(
            f"it would need {offset_mk / 1000:.2f} K, at most {OFFSET_MAX_MK / 1000:.0f} K are a tolerance",
            where=probe,
            remedy="Check element, wires and reference resistor",
        )
    sensor["offset_mk"] = offset_mk
    return f"offset {offset_mk / 1000:+.3f} K"
