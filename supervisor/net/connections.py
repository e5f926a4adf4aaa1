"""All connections of one listener: how far each has come, how long it has, and which one is dropped at the cap.

At a cap the connection at the earliest stage is dropped: first one that has sent nothing, then an unidentified one,
then an idle one. Among equals it is the oldest one of the address with the most, so that an address that opens many
displaces its own. A connection that serves a board or a person at this moment is never dropped.
"""

from __future__ import annotations

import asyncio
import heapq
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

IPV6_PREFIX: Final = 64  # one subscriber; single addresses of it cost nothing
HEAP_SLACK: Final = 1000  # outdated deadlines kept before they are cleared


class Stage(IntEnum):
    """How far a connection has come, in the order in which connections are dropped."""

    SILENT = 0  # no ClientHello, no request yet
    UNPROVEN = 1  # speaks the protocol; no signed-in person, no verified board
    IDLE = 2  # of a signed-in person, between requests
    KEPT = 3  # of a verified board, or amid a signed-in person's request


@dataclass(frozen=True)
class Caps:
    """How many connections at a time."""

    total: int
    silent_per_address: int
    unproven_per_address: int  # including those that have sent nothing
    exempt: Callable[[str], bool] = lambda address: False  # addresses without caps of their own, such as a proxy's


@dataclass(eq=False)
class Connection:
    """One connection; `drop` ends it at once."""

    address: str
    drop: Callable[[], object]
    stage: Stage = Stage.SILENT
    deadline: int = 0  # number of the one that holds; 0: none
    late: str = ""  # what has not happened by the deadline; "": not counted
    proven: bool = False  # for its listener: the peer has identified itself
    arrived: Callable[[int], object] | None = None  # told how many bytes came, once they have been passed on


def address_group(host: str) -> str:
    """What counts as one address: IPv4 as it is, IPv6 by its /64."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


class Connections:
    """The table. `now_s` and `to_loop_s` say which time deadlines are in; `refuse(reason, peer, detail)` is called."""

    def __init__(
        self,
        caps: Caps,
        refuse: Callable[[str, str, str], None],
        now_s: Callable[[], float],
        to_loop_s: Callable[[float], float] = lambda left_s: left_s,
    ) -> None:
        self.caps = caps
        self._refuse = refuse
        self._now_s = now_s
        self._to_loop_s = to_loop_s
        self._stages: tuple[dict[str, dict[Connection, None]], ...] = ({}, {}, {}, {})
        self._count = 0
        self._deadlines: list[tuple[float, int, Connection]] = []
        self._pushed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = float("inf")

    def __len__(self) -> int:
        return self._count

    def count(self, stage: Stage, address: str | None = None) -> int:
        """Connections at a stage, of all addresses or of one."""
        by_address = self._stages[stage]
        return sum(map(len, by_address.values())) if address is None else len(by_address.get(address, ()))

    def enter(self, host: str, drop: Callable[[], object], left_s: float, late: str) -> Connection | None:
        """Add a new connection, dropping another at a cap; None where none can be dropped."""
        address = address_group(host)
        if not self.caps.exempt(host):
            silent = self.count(Stage.SILENT, address)
            if silent >= self.caps.silent_per_address:
                self._evict(Stage.SILENT, address, f"{silent} silent connections")
            unproven = self.count(Stage.SILENT, address) + self.count(Stage.UNPROVEN, address)
            if unproven >= self.caps.unproven_per_address:
                stage = Stage.SILENT if self.count(Stage.SILENT, address) else Stage.UNPROVEN
                self._evict(stage, address, f"{unproven} unidentified connections")
        if self._count >= self.caps.total and not self.make_room():
            self._refuse("full", address, f"{self._count} connections are in use")
            return None
        connection = Connection(address, drop)
        self._stages[Stage.SILENT].setdefault(address, {})[connection] = None
        self._count += 1
        self.move(connection, Stage.SILENT, left_s, late)
        return connection

    def make_room(self) -> bool:
        """Drop the connection at the earliest stage; False where all are in use."""
        for stage in (Stage.SILENT, Stage.UNPROVEN, Stage.IDLE):
            by_address = self._stages[stage]
            if by_address:
                most = max(by_address, key=lambda address: len(by_address[address]))
                return self._evict(stage, most, f"dropped for a new one, {self._count} connections")
        return False

    def move(self, connection: Connection, stage: Stage, left_s: float | None, late: str = "") -> None:
        """Note how far a connection has come and how long it may stay so; `left_s` None: without limit."""
        if connection not in self._stages[connection.stage].get(connection.address, ()):
            return  # dropped or closed meanwhile
        if stage != connection.stage:
            self._remove(connection)
            connection.stage = stage
            self._stages[stage].setdefault(connection.address, {})[connection] = None
        connection.late = late
        connection.deadline = 0
        if left_s is not None:
            self._pushed += 1
            connection.deadline = self._pushed
            heapq.heappush(self._deadlines, (self._now_s() + left_s, self._pushed, connection))
            if len(self._deadlines) > 4 * self._count + HEAP_SLACK:
                self._deadlines = [each for each in self._deadlines if each[2].deadline == each[1]]
                heapq.heapify(self._deadlines)
            self._arm()

    def leave(self, connection: Connection) -> None:
        """The connection has ended, from either side; may be called repeatedly."""
        if connection in self._stages[connection.stage].get(connection.address, ()):
            self._remove(connection)
            self._count -= 1
        connection.deadline = 0

    def close(self) -> None:
        """Drop everything."""
        if self._timer is not None:
            self._timer.cancel()
        for by_address in self._stages:
            for connection in [each for those in by_address.values() for each in those]:
                self.leave(connection)
                connection.drop()

    def _remove(self, connection: Connection) -> None:
        by_address = self._stages[connection.stage]
        those = by_address[connection.address]
        del those[connection]
        if not those:
            del by_address[connection.address]

    def _evict(self, stage: Stage, address: str, detail: str) -> bool:
        connection = next(iter(self._stages[stage][address]))
        self._refuse("crowded", address, detail)
        self.leave(connection)
        connection.drop()
        return True

    def _arm(self) -> None:
        if not self._deadlines or self._deadlines[0][0] >= self._timer_s:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = self._deadlines[0][0]
        wait_s = max(self._to_loop_s(max(self._timer_s - self._now_s(), 0.0)), 0.001)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._sweep)

    def _sweep(self) -> None:
        self._timer, self._timer_s = None, float("inf")
        now_s = self._now_s()
        while self._deadlines and self._deadlines[0][0] <= now_s:
            _, number, connection = heapq.heappop(self._deadlines)
            if connection.deadline == number:
                if connection.late:  # the end of an idle connection is no refusal
                    self._refuse("silent", connection.address, connection.late)
                self.leave(connection)
                connection.drop()
        self._arm()
