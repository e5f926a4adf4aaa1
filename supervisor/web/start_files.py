"""What pages begin with: start files whose address changes with their content, so that a browser keeps them for good.

Made once, when the service starts, from the files as they are in `supervisor/static/`. All addresses begin with a
digest of all these files; so no page ever mixes files of two versions. What a module's plain address gives is the
module inside the start file, so that whoever looks into the running app from a browser's console finds its state and
not a copy.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from supervisor.web.assembling import Assembly
from supervisor.web.files import KEEP, StaticFile

VERSION_LETTERS: Final = 12
PAGES: Final = ("wall.html", "index.html")  # what both have stands for the app's, which comes last
WORKER: Final = "shell.js"
_SHEET: Final = re.compile(r'<link rel="stylesheet" href="/static/([^"]+)">\n')
_SCRIPT: Final = re.compile(r'<script type="module" src="/static/([^"]+)"></script>')
_CSS_COMMENT: Final = re.compile(r"/\*(?:(?!\*/)[\s\S])*\*/\n?")
_WORDS: Final = re.compile(r"i18n/(\w+)\.json")
# What the page /wall needs beside itself; open to everybody, as that page is.
WALL: Final = re.compile(rf"/static/[0-9a-f]{{{VERSION_LETTERS}}}/(?:wall\.js|wall\.css|i18n/(?:en|ko)\.json)")


def _version(files: Mapping[str, StaticFile]) -> str:
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        digest.update(f"{name} {file.etag}\n".encode())
    return digest.hexdigest()[:VERSION_LETTERS]


def _words(files: Mapping[str, StaticFile]) -> dict[str, bytes]:
    """Words of each language by the name of its file; English stands in for what is missing."""
    read = {
        name: msgspec.json.decode(file.body, type=dict[str, str]) for name, file in files.items() if _WORDS.match(name)
    }
    return {name: msgspec.json.encode(read["i18n/en.json"] | words) for name, words in read.items()}


class StartFiles:
    """The files as they are served: those of `supervisor/static/`, and what is made from them."""

    def __init__(self, files: Mapping[str, StaticFile]) -> None:
        """`files`: as `files.load()` gives them. Raises AssemblyError for a module that cannot be put together."""
        self._read = files
        self._sources = {name: file.body.decode() for name, file in files.items() if name.endswith((".js", ".mjs"))}
        self.folder = f"/static/{_version(files)}"
        self.files = dict(files)
        for page in PAGES:
            self._page(page)
        for name, words in _words(files).items():
            self._keep(name, words)
        self._worker()

    def _keep(self, name: str, body: bytes) -> None:
        self.files[f"{self.folder.removeprefix('/static/')}/{name}"] = StaticFile.of(name, body, Cache_Control=KEEP)

    def _page(self, page: str) -> None:
        """One style sheet and one module in the place of many; both are the page's own."""
        text = self._read[page].body.decode()
        stem = page.removesuffix(".html").replace("index", "app")
        sheets = [self._read[name].body.decode() for name in _SHEET.findall(text)]
        self._keep(f"{stem}.css", _CSS_COMMENT.sub("", "".join(sheets)).encode())
        first, *_ = _SHEET.finditer(text)
        text = (
            text[: first.start()] + f'<link rel="stylesheet" href="{self.folder}/{stem}.css">\n' + text[first.start() :]
        )
        text = _SHEET.sub(lambda found: "" if found[1] in self._read else found[0], text)
        (entry,) = _SCRIPT.findall(text)
        assembly = Assembly(self._sources, entry)
        for name, body in assembly.files().items():
            self._keep(name, body.encode())
        for name in assembly.modules:
            self.files[name] = StaticFile.of(name, assembly.plain(name, self.folder).encode())
        text = _SCRIPT.sub(rf'<script type="module" src="{self.folder}/{entry}"></script>', text)
        self.files[page] = StaticFile.of(page, text.encode())
        self._keep(page, text.encode())

    def _worker(self) -> None:
        """The service worker that keeps the crew app's shell, with the shell's version and files in front."""
        own = self.folder.removeprefix("/static/") + "/"
        names = (name.removeprefix(own) for name in self.files if name.startswith(own))
        kept = [f"{self.folder}/{name}" for name in names if not name.startswith("wall") and not name.endswith(".html")]
        shell = {"version": own[:-1], "page": f"{self.folder}/index.html", "files": [*sorted(kept), "/static/icon.svg"]}
        text = f"self.SHELL = {json.dumps(shell)};\n{self._sources[WORKER]}"
        self.files[WORKER] = StaticFile.of(WORKER, text.encode(), Service_Worker_Allowed="/")
