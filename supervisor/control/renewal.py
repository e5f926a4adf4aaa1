"""Authority, server certificate and keys of the boards are renewed over the link, with an overlap (decision 0059).

`roadheat pki rotate` puts the new authority into `pki/next`. Boards are given it beside the one they have; once all of
them trust both, the service's certificate is the new authority's. A board that has come by it is told to forget the old
one. What a board trusts is what it says in its hello. Keys: a board is given the next one, and the old one ends when
the board has come with the new.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

import msgspec

from supervisor.control.alarms import Alarms
from supervisor.control.dispatch import Dispatcher
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import ConfigError
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.wire import renewal_files as files
from supervisor.wire.keys import load_key, next_path
from supervisor.wire.messages import Hello, TrustCommand
from supervisor.wire.pki import NEXT, PREVIOUS, switch

logger = logging.getLogger(__name__)

LOOK_EACH_S: Final = 30.0
AT_ONCE: Final = 20  # boards a look that are asked to connect again: each handshake costs a board a second


class Audit(Protocol):
    async def append(self, user: str, action: str, detail: str) -> None: ...


def short(content: bytes) -> str:
    """By what boards name an authority (firmware/rh/trust.py)."""
    return sha256(content).hexdigest()[:8]


class Renewal:
    """`greeted` and `attached` take what boards say; `run` looks at the files, which the command line changes."""

    def __init__(
        self,
        pki_dir: Path,
        keys: Mapping[str, Path],
        dispatcher: Dispatcher,
        renew_certificate: Callable[[], None],
        audit: Audit,
        clock: Clock,
        alarms: Alarms,
    ) -> None:
        """`keys`: path of each configured board's key; `renew_certificate`: the listener reads it again."""
        self._dir = pki_dir
        self._keys = keys
        self._dispatcher = dispatcher
        self._renew_certificate = renew_certificate
        self._audit = audit
        self._clock = clock
        self._alarms = alarms
        self._trusts = files.load_trusts(pki_dir)
        self._served = b""  # the certificate that the listener has
        self._asked: dict[str, TrustCommand] = {}  # by board: what it was asked last in this session
        self._since_switch: set[str] = set()  # boards that have come by the certificate in force

    def greeted(self, hello: Hello) -> None:
        """A board says which authorities it trusts."""
        if hello.b in self._keys and self._trusts.get(hello.b) != hello.ca:
            self._trusts[hello.b] = hello.ca
            try:
                files.save_trusts(self._dir, self._trusts)
            except OSError as error:  # `pki status` is behind; the renewal goes by memory
                logger.error("what boards trust is not recorded: %s", error)

    def attached(self, board: str) -> None:
        """A session has begun, by the certificate that is served now."""
        self._asked.pop(board, None)
        self._since_switch.add(board)
        self._offer(board)

    async def run(self) -> None:
        """Until cancelled."""
        await self.look()
        async for _ in each(self._clock, LOOK_EACH_S):
            await self.look()

    async def look(self) -> None:
        """Go on with what is under way. Raises OSError and ConfigError where a file cannot be read."""
        await self._serve_newest()
        following = files.authority(self._dir / NEXT)
        if following and (not self._without(short(following)) or files.hurried(self._dir)):
            left = self._without(short(following))
            switch(self._dir)
            await self._serve_newest()
            note = f"; without {', '.join(left)}, which must be provisioned again" if left else ""
            await self._audit.append("service", "pki-switched", f"boards' authority {short(following)}{note}")
        previous = files.authority(self._dir / PREVIOUS)
        if previous and not following and not self._with(short(previous)):
            files.forget_previous(self._dir)
            await self._audit.append("service", "pki-retired", f"boards' authority {short(previous)}")
        room = AT_ONCE
        for board in self._keys:
            if room and self._dispatcher.commands(board) and self._offer(board):
                room -= 1

    async def _serve_newest(self) -> None:
        newest = (self._dir / "server.pem").read_bytes()
        if newest != self._served:
            if self._served:
                try:
                    self._renew_certificate()
                except OSError as error:  # half of a new pair; the next look finds the other half
                    logger.error("the boards' new certificate is not used yet: %s", error)
                    return
                self._since_switch.clear()
                await self._audit.append("service", "pki-certificate", "boards are served with a new certificate")
            self._served = newest

    def _without(self, authority: str) -> list[str]:
        """Configured boards that do not trust it."""
        return [board for board in self._keys if authority not in self._trusts.get(board, ())]

    def _with(self, authority: str) -> list[str]:
        """Boards that trust it and another one, and so can be told to forget it."""
        return [board for board, trusts in self._trusts.items() if authority in trusts and len(trusts) > 1]

    def _offer(self, board: str) -> bool:
        """Ask a board for what it lacks; whether there was something that it has not been asked in this session."""
        try:
            ca, only, key = self._lacking(board)
        except (OSError, ConfigError) as error:
            logger.error("nothing offered to %s: %s", board, error)
            return False
        if not ca and not key:
            return False
        made = TrustCommand(b=board, ep=0, q=0, ca=b64encode(ca).decode(), only=only, key=key)
        if self._asked.get(board) == made:
            return False
        self._asked[board] = made
        epoch = self._dispatcher.epoch
        return self._dispatcher.send(board, lambda q: msgspec.structs.replace(made, ep=epoch, q=q), None, "trust")

    def _lacking(self, board: str) -> tuple[bytes, int, str]:
        """Authority (DER), whether it shall be the only one, and next key, as far as `board` lacks them."""
        trusts = self._trusts.get(board, ())
        if not trusts:  # firmware that cannot be told; `pki status` says so
            return b"", 0, ""
        key = next_path(self._keys[board])
        # Of two boards with one key one is a stranger: whichever took the next key would lock the other out.
        twice = self._alarms.stands(AlarmCode.BOARD_KEY_TWICE, board)
        new_key = load_key(key).hex() if key.exists() and not twice else ""
        following, now = files.authority(self._dir / NEXT), files.authority(self._dir)
        if following and short(following) not in trusts:
            return following, 0, new_key
        previous = files.authority(self._dir / PREVIOUS)
        if previous and short(previous) in trusts and short(now) in trusts:
            # Only after it has come by the new one; before, the same command makes it connect again.
            return now, int(board in self._since_switch), new_key
        return b"", 0, new_key
