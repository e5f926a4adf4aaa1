"""`[city]`: interfaces for other systems of the city. A table that is not there switches its interface off."""

from __future__ import annotations

from msgspec import Struct


class ModbusConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[city.modbus]`: Modbus TCP server for building management."""

    listen: str = "127.0.0.1:5020"
    allow: tuple[str, ...] = ("127.0.0.1",)  # addresses or networks that may read: Modbus itself knows no password
    writers: tuple[str, ...] = ()  # those of them that may command too
    minutes: int = 60  # of a command that gives no time


class CityConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every interface; None: off."""

    modbus: ModbusConfig | None = None
