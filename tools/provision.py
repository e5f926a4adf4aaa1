"""What a board carries besides the firmware, made from city.toml: config.json, limits.json and the pinned authority.

The files stand in `state_dir/boards/<board>/` until they are flashed; config.json holds the board's key. They are plain
here, so that an engineer can change them, and get their seal on the way to the board (`tools.sealing`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from supervisor.config import Config
from supervisor.config.rules import split_listen
from supervisor.domain.errors import ConfigError
from supervisor.wire.keys import load_or_create_key, write_private
from supervisor.wire.pki import ensure_pki

# ESP32-DevKitC: outputs free of strapping duties; analogue inputs on ADC1, because the radio owns ADC2.
RELAY_PINS = (25, 26, 27)
ANALOGUE_PINS = ((34, 36), (35, 39), (32, 33))  # moisture, current transformer
ONE_WIRE_PIN = 4
FULL_LOAD_MV = 2000  # the current transformer at rated power, above its 150 mV offset: inside the ADC's straight part

# See DOMAIN and docs/hardware; firmware/rh/check.py refuses what lies outside its own bounds.
LIMITS: Mapping[str, int] = {
    "v": 1,
    "t_max_mc": 15_000,
    "cable_max_mc": 80_000,
    "lockout_mc": 6_000,
    "cold_cutoff_mc": -10_000,
    "min_on_s": 300,
    "min_off_s": 300,
    "period_s": 900,
    "max_on_s": 43_200,
    "max_on_day_s": 72_000,
    "override_max_s": 28_800,
    "lease_max_s": 86_400,
    "power_return_min_s": 30,
    "power_return_max_s": 180,
}


def placeholder_rom(zone: str, place: str) -> str:
    """A valid DS18B20 ROM derived from the zone, for emulated boards and until the real probes are known."""
    body = b"\x28" + sha256(f"{zone}.{place}".encode()).digest()[:6]
    crc = 0
    for byte in body:
        for bit in range(8):
            crc = (crc >> 1) ^ 0x8C if (crc ^ byte >> bit) & 1 else crc >> 1
    return (body + bytes([crc])).hex()


def board_config(
    config: Config,
    board_id: str,
    *,
    host: str | None = None,
    port: int | None = None,
    wifi: tuple[str, str] | None = None,
    roms: Mapping[str, str] | None = None,
    earth_pin: int | None = None,
    lock_pin: int | None = None,
    relay_active: int = 1,
) -> dict[str, Any]:
    """config.json of a board. `roms`: "z01.surface" → ROM as 16 hex digits; placeholders where it says nothing.
    `earth_pin`, `lock_pin`: inputs of an earth-leakage relay and of a maintenance key switch, if there are any.
    `relay_active`: level that closes the contactors, 0 for modules with inverted inputs.

    Raises ConfigError for an unknown board or more zones than a board has terminals.
    """
    if board_id not in {board.id for board in config.board}:
        known = ", ".join(board.id for board in config.board)
        raise ConfigError(f"unknown board `{board_id}`", where=str(config.path), remedy=f"Known: {known}")
    listen_host, listen_port = split_listen(config.boards.listen)
    zones = []
    for zone in config.zones_of(board_id):
        if zone.relay >= len(RELAY_PINS):
            raise ConfigError(
                f"zone `{zone.id}` is on relay {zone.relay}, a board has relays 0…{len(RELAY_PINS) - 1}",
                where=f"{config.path}: zone.relay",
                remedy="Give the zone to another board",
            )
        moisture, current = ANALOGUE_PINS[zone.relay]
        zones.append(
            {
                "id": zone.id,
                "relay_pin": RELAY_PINS[zone.relay],
                "relay_active": relay_active,
                "surface_rom": (roms or {}).get(f"{zone.id}.surface") or placeholder_rom(zone.id, "surface"),
                "cable_rom": (roms or {}).get(f"{zone.id}.cable") or placeholder_rom(zone.id, "cable"),
                "moist_pin": moisture,
                "ct_pin": current,
                "ct_w_per_mv": -(-zone.power_w // FULL_LOAD_MV),
                "power_w": zone.power_w,
            }
        )
    optional = {"earth_pin": earth_pin, "lock_pin": lock_pin}
    return {
        "board": board_id,
        "key": load_or_create_key(config.board_key_path(board_id)).hex(),
        "host": host or listen_host,
        "port": port or listen_port,
        "server_name": config.boards.server_name,
        "ca": "ca.der",
        "wifi": {"ssid": wifi[0], "password": wifi[1]} if wifi else None,
        "ow_pin": ONE_WIRE_PIN,
        "zones": zones,
        **{name: pin for name, pin in optional.items() if pin is not None},
    }


def provision(config: Config, board_id: str, limits: Mapping[str, int] | None = None, **options: Any) -> Path:
    """Write a board's files; the folder. `options` as in `board_config`; `limits` replace single defaults."""
    folder = config.state_dir / "boards" / board_id
    pki = ensure_pki(config.pki_dir, config.boards.server_name)
    text = json.dumps(board_config(config, board_id, **options), indent=1)
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    write_private(folder / "config.json", text.encode())
    (folder / "limits.json").write_text(json.dumps({**LIMITS, **(limits or {})}, indent=1))
    (folder / "ca.der").write_bytes(pki.ca_der.read_bytes())
    return folder
