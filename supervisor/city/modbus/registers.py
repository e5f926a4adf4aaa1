"""The register map: what stands where, and how a value is written. docs/city.md has the same table.

Addresses are those of the wire, from 0. Input registers (function 4) tell, holding registers (functions 3, 6, 16)
command. A 32-bit value takes two registers, the higher one first. All ones, and for signed values the lowest one, say
that a value is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from supervisor.city.codes import LOOKS, MODES, SEVERITIES, WINNERS
from supervisor.city.readings import Readings, ZoneReading
from supervisor.domain.alarm import Severity

VERSION: Final = 1  # of the map: raised where a register changes its meaning
FIRST_ZONE: Final = 100
STRIDE: Final = 32  # registers from one zone to the next
ID_WORDS: Final = 8  # an id has at most 16 letters
UNKNOWN: Final = {"uint16": 0xFFFF, "int16": 0x8000, "uint32": 0xFFFF_FFFF}


@dataclass(frozen=True)
class Register:
    """One value; `offset` counts from the header's or the zone's first register."""

    offset: int
    kind: str  # uint16, int16, uint32
    name: str
    unit: str
    meaning: str

    @property
    def words(self) -> int:
        return 2 if self.kind == "uint32" else 1


def _coded(names: Sequence[object]) -> str:
    return ", ".join(f"{number} {name or 'none'}" for number, name in enumerate(names))


HEADER: Final = (
    Register(0, "uint16", "map version", "", f"{VERSION}"),
    Register(1, "uint16", "zones", "", "how many follow"),
    Register(2, "uint32", "time", "s", "UTC, since 1970"),
    Register(4, "uint32", "power", "W", "of all zones whose power is known"),
    Register(6, "uint16", "zones heard", "", "whose board is connected"),
    Register(7, "uint16", "critical alarms", "", "of the whole service, like the next two"),
    Register(8, "uint16", "major alarms", "", ""),
    Register(9, "uint16", "minor alarms", "", ""),
)
ZONE: Final = (
    Register(0, "uint16", "state", "", _coded(LOOKS)),
    Register(1, "uint16", "mode", "", "what decides: " + _coded(WINNERS).replace("0 none", "0 not known")),
    Register(2, "int16", "surface temperature", "0.1 °C", "measured"),
    Register(3, "uint32", "power", "W", "measured"),
    Register(5, "uint32", "energy", "Wh", "since the record began, at most 4,294,967,294"),
    Register(7, "uint16", "alarm", "", "the worst of zone, board and feeder: " + _coded(SEVERITIES)),
    Register(8, "uint16", "heated", "", "0 no, 1 yes"),
    Register(9, "uint16", "blocked", "", "1: an interlock, a lock or electric danger keeps it off"),
    Register(10, "uint16", "duty", "‰", "asked for"),
    Register(11, "uint16", "age", "s", "of the telemetry, at most 65,534"),
    Register(12, "uint16", "command", "", _coded(MODES)),
    Register(13, "uint16", "command ends in", "min", "0: there is none"),
)
ID_OFFSET: Final = 16  # 8 registers of two ASCII letters: the zone's id, filled up with zeros
COMMAND: Final = (
    Register(0, "uint16", "command", "", "0 none (ends the interface's own command), " + _coded(MODES)[8:]),
    Register(1, "uint16", "minutes", "min", "written together with the command; else `city.modbus.minutes`"),
)


def words_of(kind: str, value: float | None) -> list[int]:
    """The registers of a value; None is "not known". What does not fit is shown as the nearest that does."""
    if value is None:
        number = UNKNOWN[kind]
    elif kind == "int16":
        number = max(-0x7FFF, min(0x7FFF, round(value))) & 0xFFFF
    else:
        number = max(0, min(UNKNOWN[kind] - 1, round(value)))
    return [number >> 16, number & 0xFFFF] if kind == "uint32" else [number]


def header(readings: Readings, now_utc_s: float) -> list[int]:
    """The registers before the zones."""
    zones = readings.all()
    severities = [alarm.severity for alarm in readings.alarms()]
    known = [one.view.power_w for one in zones if one.view.online and one.view.power_w is not None]
    values: list[float | None] = [
        VERSION, len(zones), now_utc_s, sum(known), sum(one.view.online for one in zones),
        *(severities.count(severity) for severity in Severity),
    ]  # fmt: skip
    return _laid_out(HEADER, values, FIRST_ZONE)


def zone(reading: ZoneReading) -> list[int]:
    """The input registers of a zone. Without contact nothing measured is shown as if it were of now."""
    view, online = reading.view, reading.view.online
    held = reading.view.override

    def now(value: float | None) -> float | None:
        return value if online else None

    values: list[float | None] = [
        LOOKS.index(view.look),
        WINNERS.index(reading.mode),
        None if view.surface_c is None else now(10 * view.surface_c),
        now(view.power_w),
        reading.energy_wh,
        SEVERITIES.index(reading.severity),
        None if view.heated is None else int(view.heated),
        int(view.blocked),
        now(view.duty_permille),
        reading.age_s,
        0 if held is None else MODES.index(held.mode),
        reading.override_left_min,
    ]
    registers = _laid_out(ZONE, values, STRIDE)
    name = reading.zone.id.encode("ascii").ljust(2 * ID_WORDS, b"\0")
    registers[ID_OFFSET : ID_OFFSET + ID_WORDS] = [
        int.from_bytes(name[at : at + 2], "big") for at in range(0, 2 * ID_WORDS, 2)
    ]
    return registers


def command(reading: ZoneReading) -> list[int]:
    """The holding registers of a zone: the command that holds now, whoever gave it."""
    held = reading.view.override
    return [0 if held is None else MODES.index(held.mode), reading.override_left_min]


def _laid_out(registers: Sequence[Register], values: Sequence[float | None], length: int) -> list[int]:
    words = [0] * length
    for register, value in zip(registers, values, strict=True):
        words[register.offset : register.offset + register.words] = words_of(register.kind, value)
    return words


def place(address: int) -> tuple[int, int]:
    """Number of the zone and offset within its registers; −1 for the header."""
    if address < FIRST_ZONE:
        return -1, address
    return divmod(address - FIRST_ZONE, STRIDE)


def tables() -> str:
    """The map as Markdown tables, for docs/city.md."""
    of_zone = f"of zone n (from 0), counted from {FIRST_ZONE} + {STRIDE}·n"
    text = []
    for title, registers in (
        ("Input registers of the district", HEADER), (f"Input registers {of_zone}", ZONE),
        (f"Holding registers {of_zone}", COMMAND),
    ):  # fmt: skip
        text += [f"**{title}**", "", "| register | type | value | unit | meaning |", "|---|---|---|---|---|"]
        text += [f"| {one.offset} | {one.kind} | {one.name} | {one.unit} | {one.meaning} |" for one in registers]
        if registers is ZONE:
            text.append(f"| {ID_OFFSET} | ASCII | id | | of the zone: {ID_WORDS} registers of two letters |")
        text.append("")
    return "\n".join(text)
