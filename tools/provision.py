"""What a board carries besides the firmware, made from city.toml: config.json, limits.json and the pinned authority.

The files are in `state_dir/boards/<board>/` until they are flashed; config.json holds the board's key. They are plain
there, so that an engineer can change them, and get their seal when they are flashed (`tools.sealing`).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from supervisor.config import Config
from supervisor.config.listen import split_listen
from supervisor.domain.board_profile import PROFILE, BoardSlot, Limits
from supervisor.domain.errors import ConfigError
from supervisor.wire.keys import load_or_create_key, write_private
from supervisor.wire.pki import ensure_pki
from tools.chip_slots import CHIPS, LAN_SLOTS, check_as_board
from tools.label import LABEL, label_svg
from tools.sealing import SIGNERS
from tools.signing import load_modulus
from tools.wiring import CHIP, DS18B20, Platinum, Wiring, check, crc8, kept, merged

FULL_LOAD_MV = 2000  # the current transformer at rated power, above its 150 mV offset: inside the ADC's straight part

# limits.json of a board whose city says nothing else.
LIMITS: Mapping[str, int] = {
    name: default for name, (_, _, default) in PROFILE.limits.items() if name not in PROFILE.optional
}
AS_WRITTEN = "limits.provisioned.json"  # beside limits.json: what was last written there, to tell edits from it
RELEASE_0_1 = {"period_s": 1200}  # its default, from before AS_WRITTEN
Values = dict[str, Any]

_UNREADABLE = "Correct it, or provision with --reset-limits"
_logger = logging.getLogger("roadheat.provision")


def placeholder_rom(zone: str, place: str) -> str:
    """A valid DS18B20 ROM derived from the zone, for emulated boards and until the real probes are known."""
    body = bytes([DS18B20]) + sha256(f"{zone}.{place}".encode()).digest()[:6]
    return (body + bytes([crc8(body)])).hex()


def board_config(config: Config, board_id: str, wiring: Wiring) -> dict[str, Any]:
    """config.json of a board; placeholders for probes that are not known.

    Raises ConfigError for an unknown board, a relay that no board has, or a wiring that the board would refuse.
    """
    if board_id not in {board.id for board in config.board}:
        known = ", ".join(board.id for board in config.board)
        raise ConfigError(f"unknown board `{board_id}`", where=str(config.path), remedy=f"Known: {known}")
    check(wiring)
    listen_host, listen_port = split_listen(config.boards.listen)
    lan, wifi = wiring.get("lan"), wiring.get("wifi")
    chip = CHIPS[wiring.get("chip", "ESP32")]
    slots = LAN_SLOTS if lan else chip.slots
    elements = wiring.get("platinum", {})
    roms = wiring.get("roms", {})
    zones = []
    for zone in config.zones_of(board_id):
        if zone.relay >= len(slots):
            raise ConfigError(
                f"zone `{zone.id}` is on relay {zone.relay}, a board has relays 0 to {len(slots) - 1}",
                where=f"{config.path}: zone.relay",
                remedy="Give the zone to another board",
            )
        slot = slots[zone.relay]
        zones.append(
            {
                "id": zone.id,
                "relay_pin": slot.relay_pin,
                "relay_active": wiring.get("relay_active", 1),
                **{
                    key: value
                    for place in PROFILE.probes
                    for key, value in _thermometer(zone.id, place, roms, elements).items()
                },
                **_moisture(slot, wiring.get("moisture", {}).get(zone.id)),
                **_power(
                    slot, zone.power_w, wiring.get("meters", {}).get(zone.id), wiring.get("pulses", {}).get(zone.id)
                ),
                "power_w": zone.power_w,
                **_protection(zone.id, wiring),
            }
        )
    optional = {
        "earth_pin": wiring.get("earth_pin"),
        "lock_pin": wiring.get("lock_pin"),
        "beat_pin": wiring.get("beat_pin"),
        "lan": lan,
        "rs485": wiring.get("rs485"),
        "spi": wiring.get("spi"),
    }
    return {
        "board": board_id,
        "key": load_or_create_key(config.board_key_path(board_id)).hex(),
        "host": wiring.get("host") or listen_host,
        "port": wiring.get("port") or listen_port,
        "server_name": config.boards.server_name,
        "ca": "ca.der",
        "wifi": {"ssid": wifi[0], "password": wifi[1]} if wifi else None,
        "ow_pin": chip.ow_pin,
        **({"console_lock": 1} if wiring.get("console_lock") else {}),
        "zones": zones,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _thermometer(zone: str, place: str, roms: Mapping[str, str], elements: Mapping[str, Platinum | None]) -> Values:
    """A zone's DS18B20 at a place, or its platinum element."""
    where = f"{zone}.{place}"
    if element := elements.get(where):
        fields = {name: value for name, value in element._asdict().items() if name != "offset_mk" or value}
        return {place: {"kind": "max31865", **fields}}
    return {f"{place}_rom": roms.get(where) or placeholder_rom(zone, place)}


def _moisture(slot: BoardSlot, points: tuple[int, int] | None) -> Values:
    """A zone's moisture probe, with its two points where it has been calibrated."""
    if points is None:
        return {"moist_pin": slot.moist_pin}
    return {"moisture": {"kind": "adc-moisture", "pin": slot.moist_pin, "dry_mv": points[0], "wet_mv": points[1]}}


def _protection(zone: str, wiring: Wiring) -> Values:
    """What protects a zone beside the board's own inputs."""
    made: Values = {}
    if zone in (trips := wiring.get("trip_pins", {})):
        made["trip_pin"] = trips[zone]
    if zone in (cut_outs := wiring.get("thermal_pins", {})):
        made["thermal_pin"] = cut_outs[zone]
    if monitor := wiring.get("leakage", {}).get(zone):
        pin, ua_per_mv, zero_mv = monitor
        made["leakage"] = {"kind": "adc-leakage", "pin": pin, "ua_per_mv": ua_per_mv, "zero_mv": zero_mv}
    return made


def _power(slot: BoardSlot, power_w: int, meter: tuple[str, int] | None, pulses: tuple[int, int] | None) -> Values:
    """A zone's current transformer, or its register meter, or one with a pulse output."""
    if pulses:
        return {"power": {"kind": "s0-pulse", "pulse_pin": pulses[0], "imp_per_kwh": pulses[1]}}
    if meter:
        return {"power": {"kind": "modbus-meter", "model": meter[0], "address": meter[1]}}
    return {"ct_pin": slot.ct_pin, "ct_w_per_mv": -(-power_w // FULL_LOAD_MV)}


def board_limits(config: Config, board_id: str, replaced: Mapping[str, int] | None = None) -> Values:
    """limits.json of a board: the city's `[limits]`, and by zone what differs. `replaced` stands for single values of
    the city.
    """
    city = config.limits
    made: Values = {"v": LIMITS["v"], **{name: getattr(city, name) for name in PROFILE.limits if name != "v"}}
    for name in PROFILE.optional:  # earlier firmware does not know them
        if made[name] == PROFILE.limits[name][2]:
            del made[name]
    made.update(replaced or {})
    zones = {zone.id: _own_limits(zone.limits, city) for zone in config.zones_of(board_id)}
    own = {zone_id: values for zone_id, values in zones.items() if values}
    return {**made, "zones": own} if own else made


def _own_limits(zone: Limits, city: Limits) -> dict[str, int]:
    return {name: getattr(zone, name) for name in PROFILE.zone_limits if getattr(zone, name) != getattr(city, name)}


def provision(
    config: Config,
    board_id: str,
    limits: Mapping[str, int] | None = None,
    *,
    wiring: Wiring | None = None,
    reset_limits: bool = False,
    as_board: bool = False,
    tell: Callable[[str], None] = _logger.warning,
) -> Path:
    """Write a board's files; the folder. What `wiring` does not name stays; `limits` replace single values of the city.

    A value that was edited in limits.json since it was last written stays, and `tell` is called with a line about it;
    `reset_limits`: it is overwritten. `as_board`: run the board's own check first. Raises ConfigError where limits.json
    cannot be read, or the board would refuse its config.json.
    """
    folder = config.state_dir / "boards" / board_id
    pki = ensure_pki(config.pki_dir, config.boards.server_name)
    named = merged(kept(folder), wiring or Wiring())
    keys = b"".join(load_modulus(path) for path in named.get("signers", ()))
    made = board_config(config, board_id, named)
    if as_board:
        check_as_board(made, named.get("chip", "ESP32"), tell)
    text = json.dumps(made, indent=1)
    wanted = board_limits(config, board_id, limits)
    limits_json = wanted if reset_limits else _with_edits(folder, wanted, tell)
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    write_private(folder / "config.json", text.encode())
    (folder / "limits.json").write_text(json.dumps(limits_json, indent=1))
    (folder / AS_WRITTEN).write_text(json.dumps(wanted, indent=1))
    (folder / "ca.der").write_bytes(pki.ca_der.read_bytes())
    zones = [f"{zone.id} {zone.name}" for zone in config.zones_of(board_id)]
    (folder / LABEL).write_text(label_svg(config.site.name, board_id, zones), encoding="utf-8")
    if "chip" in named:
        (folder / CHIP).write_text(named["chip"] + "\n", encoding="utf-8")
    if keys:
        (folder / SIGNERS).write_bytes(keys)
    return folder


def _with_edits(folder: Path, wanted: Values, tell: Callable[[str], None]) -> Values:
    """`wanted` with what was edited in the folder's limits.json."""
    path = folder / "limits.json"
    if not path.exists():
        return wanted
    now, new = _flat(_read(path)), _flat(wanted)
    record = folder / AS_WRITTEN
    before = _flat(_read(record) if record.exists() else dict(LIMITS))
    for name, value in RELEASE_0_1.items():
        if not record.exists() and now.get((name,)) == value:
            before[(name,)] = value
    kept = dict(new)
    for key in sorted({*now, *before}, key=str):
        if now.get(key) in (before.get(key), new.get(key)):
            continue
        said = f"{'.'.join(key)} = {now[key]}" if key in now else f"{'.'.join(key)} was removed"
        tell(
            f"{path}: {said}: edited, and kept. city.toml gives {new.get(key, 'none')}. "
            "Write the value to city.toml, or provision with --reset-limits"
        )
        if key in now:
            kept[key] = now[key]
        else:
            kept.pop(key, None)
    return _nested(kept)


def _read(path: Path) -> Values:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigError(f"not JSON: {error}", where=str(path), remedy=_UNREADABLE) from None
    if not isinstance(found, dict):
        raise ConfigError("not a JSON object", where=str(path), remedy=_UNREADABLE)
    return found


def _flat(values: Values, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Nested objects as one, by path."""
    out: dict[tuple[str, ...], Any] = {}
    for name, value in values.items():
        out.update(_flat(value, (*before, name)) if isinstance(value, dict) else {(*before, name): value})
    return out


def _nested(flat: dict[tuple[str, ...], Any]) -> Values:
    out: Values = {}
    for key, value in flat.items():
        here = out
        for name in key[:-1]:
            here = here.setdefault(name, {})
        here[key[-1]] = value
    return out
