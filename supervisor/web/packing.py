"""What a stream's client is sent: only what changed in a zone, where it asks for that, and compressed.

A phone with bad signal has some kilobytes a second. Of a zone seldom more than temperature, power and time change.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiohttp import web

from supervisor.control.view import ZoneView

# 8 kB of what was sent before is kept for comparison, at about 50 kB of memory a stream; 32 kB would save 3 % more.
_WINDOW_BITS: Final = 13
_MEMORY_LEVEL: Final = 6
_GZIP: Final = 16  # added to the window bits: with gzip's header


def event(name: str, data: object) -> bytes:
    """A server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


class Packing:
    """How one stream is written: whole zones or changes, plain or compressed."""

    def __init__(self, changes: bool, packed: bool) -> None:
        self.packed = packed
        self._known: dict[str, ZoneView] | None = {} if changes else None
        self._press = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS + _GZIP, _MEMORY_LEVEL) if packed else None

    @classmethod
    def wanted(cls, request: web.Request) -> Packing:
        """As the client asks: `?changes=1`, and gzip among the encodings that it takes."""
        return cls(request.query.get("changes") == "1", "gzip" in request.headers.get("Accept-Encoding", ""))

    def all(self, views: list[ZoneView]) -> bytes:
        """Every zone, from which changes are counted on."""
        if self._known is not None:
            self._known = {view.id: view for view in views}
        return event("zones", views)

    def zones(self, views: Iterable[ZoneView]) -> bytes:
        """Zones that changed: `zone`, or `change` with its id and those fields that differ."""
        return b"".join(map(self._zone, views))

    def _zone(self, view: ZoneView) -> bytes:
        before = self._known.get(view.id) if self._known is not None else None
        if self._known is not None:
            self._known[view.id] = view
        if before is None:
            return event("zone", view)
        changed: dict[str, Any] = {
            name: now for name in view.__struct_fields__ if (now := getattr(view, name)) != getattr(before, name)
        }
        return event("change", {"id": view.id, **changed}) if changed else b""

    def pack(self, data: bytes) -> bytes:
        """The bytes for the connection, complete up to here."""
        if self._press is None:
            return data
        return self._press.compress(data) + self._press.flush(zlib.Z_SYNC_FLUSH)
