"""What runs beside the safety loop: meters, link, telemetry, integrity check, updates, console.

Each restarts; none stops the heat.
"""

import asyncio

from .keep import keep

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Awaitable, Callable

    from drivers.modbus import Line

    from .board import Board
    from .config import Config
    from .link import Link

BUILT_UTC = 1_767_225_600  # 2026-01-01: certificates are checked against no earlier date


class Tasks:
    """config: checked; cold: power came back, as opposed to a reset of this board alone; pause: `asyncio.sleep_ms`."""

    def __init__(self, config: "Config", board: "Board", cold: bool, pause: "Callable[[int], Any]") -> None:
        self._config = config
        self._board = board
        self._pause = pause
        self._spread_s = config.connect_spread_s if cold else 0
        self._running: "list[Any]" = []
        self.link: "Link | None" = None

    def start(self, meters: "Line | None" = None) -> None:
        """Begin all of them; in safe mode not before the safety loop has run alone for `board.alone_s`.

        The safety loop wants the meters' power, and an engineer has to be let in: these two begin at once.
        """
        if meters is not None:
            self._running.append(asyncio.create_task(keep(self._board, "meters", self._measure(meters), self._pause)))
        for name, run in (
            ("link", self.talk),
            ("telemetry", self.report),
            ("integrity", self.check),
            ("update", self.tend),
        ):
            self._running.append(asyncio.create_task(self._later(name, run)))
        if self._config.console_lock:
            self._running.append(asyncio.create_task(keep(self._board, "console", self.listen, self._pause)))

    def _measure(self, meters: "Line") -> "Callable[[], Awaitable[Any]]":
        return lambda: meters.run(self._pause)

    async def _later(self, name: str, run: "Callable[[], Awaitable[Any]]") -> None:
        board = self._board
        while board.t < board.alone_s:
            await self._pause(1000)
        await keep(board, name, run, self._pause)

    async def talk(self) -> None:
        """The link. Its modules are imported here, so that what is wrong with them concerns the link alone."""
        if self.link is None:
            self.link = self._make_link()
        spread_s, self._spread_s = self._spread_s, 0
        await self.link.run(spread_s, self._pause)

    def _make_link(self) -> "Link":
        from . import hardware, net, trust
        from .link import Link
        from .wire import Mac

        config, board = self._config, self._board
        hardware.minimum_date(BUILT_UTC)
        uplink = net.Uplink(config.wifi, config.lan)
        authorities = net.Trust(config.ca)

        async def dial() -> asyncio.StreamReader:
            if not uplink.up():
                raise OSError("no network")
            if board.commands.renewed:
                board.commands.renewed = False
                authorities.forget()
                link.mac = Mac(trust.key(config))
            stream = await net.connect(config.host, config.port, authorities, config.server_name)
            link.trusts = authorities.known
            return stream

        link = Link(config, board, Mac(trust.key(config)), dial)
        return link

    async def report(self) -> None:
        """A record every 10 s while the link is up, else one a minute into the journal."""
        board = self._board
        while True:
            link = self.link
            left = board.recorder.left(board.t, link is not None and link.ready)
            if left > 0:
                await self._pause(1000 * min(left, 10))  # the link may come up meanwhile
            elif link is None:
                board.journal.put(board.recorder.take(board.t, 0))
            else:
                await link.report(board.recorder.take(board.t, link.bad))

    async def listen(self) -> None:
        """The locked console."""
        from .console import Console

        await Console(self._config, self._board).run(self._pause)

    async def tend(self) -> None:
        """The running program proved, another one fetched."""
        from .tending import tend

        await tend(self._board, lambda: self.link, self._pause)

    async def check(self) -> None:
        """Every hour: whether flash still holds what was there at boot."""
        from .integrity import watch

        await watch(self._board, self._pause)
