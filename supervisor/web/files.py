"""The crew app's files: read once at start, compressed once, served from memory.

Only names found at start can be asked for, so no path from a request ever reaches the file system.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from aiohttp import web

STATIC: Final = Path(__file__).resolve().parents[1] / "static"

# By suffix and not by the machine's mime table, which differs between systems.
TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
COMPRESS_MIN_BYTES: Final = 600  # below this the gzip header eats the gain
ASK_AGAIN: Final = "no-cache"
# A year, which browsers take as the longest: the address of such a file changes with its content.
KEEP: Final = "private, max-age=31536000, immutable"


def takes_gzip(request: web.Request) -> bool:
    """Whether the client takes compressed answers."""
    return "gzip" in request.headers.get("Accept-Encoding", "")


@dataclass(frozen=True)
class StaticFile:
    """One file, ready to be sent."""

    body: bytes
    packed: bytes | None
    content_type: str
    etag: str
    headers: Mapping[str, str] = field(default_factory=lambda: {"Cache-Control": ASK_AGAIN})

    @classmethod
    def of(cls, name: str, body: bytes, **headers: str) -> StaticFile:
        """The file of that name; `headers` with `_` for `-`, in addition to how long it may be kept."""
        packed = gzip.compress(body, mtime=0) if len(body) >= COMPRESS_MIN_BYTES else None
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        extra = {key.replace("_", "-"): value for key, value in headers.items()}
        content_type = TYPES[PurePosixPath(name).suffix]
        return cls(body, packed, content_type, etag, {"Cache-Control": ASK_AGAIN} | extra)

    def response(self, request: web.Request) -> web.Response:
        """200, or 304 when the browser already has these bytes."""
        headers = {"ETag": self.etag, "Vary": "Accept-Encoding", **self.headers}
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        body = self.body
        if self.packed is not None and takes_gzip(request):
            body = self.packed
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers, content_type=self.content_type, charset="utf-8")


def load(directory: Path = STATIC) -> dict[str, StaticFile]:
    """Files below `directory` that a browser may ask for, by their path relative to it."""
    found = (path for path in sorted(directory.rglob("*")) if path.suffix in TYPES and path.is_file())
    names = ((path.relative_to(directory).as_posix(), path.read_bytes()) for path in found)
    return {name: StaticFile.of(name, body) for name, body in names}
