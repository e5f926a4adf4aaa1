"""The crew app's files: read once at start, compressed once, served from memory.

Only names found at start can be asked for, so no path from a request ever reaches the file system.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True)
class StaticFile:
    """One file, ready to be sent."""

    body: bytes
    packed: bytes | None
    content_type: str
    etag: str

    def response(self, request: web.Request) -> web.Response:
        """200, or 304 when the browser already has these bytes."""
        headers = {"ETag": self.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        body = self.body
        if self.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = self.packed
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers, content_type=self.content_type, charset="utf-8")


def load(directory: Path = STATIC) -> dict[str, StaticFile]:
    """Files below `directory` that a browser may ask for, by their path relative to it."""
    files: dict[str, StaticFile] = {}
    for path in sorted(directory.rglob("*")):
        content_type = TYPES.get(path.suffix)
        if content_type is None or not path.is_file():
            continue
        body = path.read_bytes()
        packed = gzip.compress(body, mtime=0) if len(body) >= COMPRESS_MIN_BYTES else None
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        files[path.relative_to(directory).as_posix()] = StaticFile(body, packed, content_type, etag)
    return files
