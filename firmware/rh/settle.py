"""At boot: which file is in force, is it complete; afterwards it is sealed and kept as last good copy.

program.py drops this module with `rh.check`. A file without a seal is taken once, while the board has no last good copy
of it; later only by a person: `rh.maintenance.accept_files()`.
"""

import json

from . import seal, strict
from .check import ConfigError

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

REASON_MAX = 100  # characters, of 1,024 in a frame
_REMEDY = "run `roadheat board configure` to write it again"
_REMEDY_NEW = "run `roadheat board provision` and `roadheat board flash`"


class Settled:
    """One file in force. `content`: its bytes; `text`: without a signature; `stale`: why the newest is not used, ""
    where it is.
    """

    def __init__(self, path: str, accept: bool = False) -> None:
        """accept: a person says that a newest file without a seal is meant. Raises ConfigError."""
        self._path = path
        content, why, old = seal.pick(path)
        if accept and why == seal.UNSEALED:
            content, why = seal.load(path)
            old = False
        if content is None:
            raise self._error(why)
        self.content = self.text = content
        self.stale = why if old else ""

    def json(self) -> "Any":
        """Parsed; raises ConfigError where it is not one complete object."""
        fault = strict.fault(self.text)
        if fault:
            raise self._error(fault)
        try:
            return json.loads(self.text)
        except ValueError:  # of a text within it: escapes, UTF-8
            raise self._error("is not JSON")

    def certificate(self) -> None:
        """Raises ConfigError where it is not one complete DER sequence."""
        raw = self.content
        try:
            length, head = raw[1], 2
            if length > 127:
                head = 2 + (length & 127)
                length = int.from_bytes(raw[2:head], "big")
            if raw[0] == 0x30 and len(raw) == head + length:
                return
        except IndexError:
            pass
        raise self._error("is not one whole certificate")

    def has_copy(self) -> bool:
        """Whether there is a last good copy that differs from the newest."""
        content, damage = seal.load(self._path + seal.OLD)
        return content is not None and not damage and content != self.content

    def reason(self) -> str:
        """Which file is not in force, and why: one line of ASCII for the link."""
        said = "{} {}".format(self._path, self.stale)
        return "".join([c if " " <= c <= "~" else "?" for c in said[:REASON_MAX]])

    def fall_back(self, why: str) -> None:
        """The newest must not be used: take the last good copy. Raises ConfigError where there is none."""
        content, damage = seal.load(self._path + seal.OLD)
        if content is None or damage:
            raise self._error(why)
        self.content = self.text = content
        self.stale = why

    def _error(self, why: str) -> ConfigError:
        return ConfigError(self._path, "file", "…", why + "; " + (_REMEDY_NEW if why == seal.MISSING else _REMEDY))

    def keep(self) -> None:
        """It has passed the check: seal it, keep it as last good copy. Writes only what differs; never raises."""
        if self.stale:
            print("{} {}: the last good copy is used; {}".format(self._path, self.stale, _REMEDY))
            return
        try:
            for path in (self._path + seal.OLD, self._path):  # in this order: a cut between leaves the same content
                content, why = seal.load(path)
                if why or content != self.content:
                    seal.replace(path, seal.sealed(self.content))
        except OSError as e:
            print("{} could not be sealed: {}".format(self._path, e))
