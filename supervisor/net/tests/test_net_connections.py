"""Which connection is dropped at a cap, deadlines, and how file handles are divided."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from supervisor.domain.errors import ConfigError
from supervisor.net.connections import Caps, Connection, Connections, Stage, address_group
from supervisor.net.handles import LIMIT_MAX, RESERVED, WEB_MAX, WEB_MIN, needed, share_out
from supervisor.runtime.clock import ManualClock


@dataclass
class Table:
    """A table on a stopped clock, and what it dropped."""

    caps: Caps
    clock: ManualClock = field(default_factory=ManualClock)
    refused: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connections = Connections(
            self.caps, lambda reason, peer, _: self.refused.append((reason, peer)), self.clock.monotonic_s
        )

    def enter(self, host: str, stage: Stage = Stage.SILENT, name: str = "") -> Connection | None:
        self.clock.advance(0.001)
        made = self.connections.enter(host, lambda: self.dropped.append(name or host), 5.0, "nothing was sent")
        if made is not None:
            self.connections.move(made, stage, None)
        return made


async def test_at_the_cap_the_address_with_most_loses_its_least_advanced() -> None:
    table = Table(Caps(total=10, silent_per_address=99, unproven_per_address=99))
    for n in range(3):
        table.enter("10.0.0.1", Stage.KEPT, f"board {n}")
    table.enter("10.0.0.2", Stage.UNPROVEN)
    table.enter("10.0.0.3")
    for n in range(50):
        assert table.enter("10.0.0.9", name=f"flood {n}") is not None
    assert table.dropped == [f"flood {n}" for n in range(45)]
    assert len(table.connections) == 10
    for n in range(9):
        table.enter("10.0.0.8", Stage.UNPROVEN, f"hello {n}")
    assert set(table.dropped[45:50]) <= {*(f"flood {n}" for n in range(45, 50)), "10.0.0.3"}  # the silent first
    assert table.dropped[45:49] == [f"flood {n}" for n in range(45, 49)]
    assert not any(name.startswith("board") for name in table.dropped)


async def test_kept_connections_are_never_dropped() -> None:
    table = Table(Caps(total=3, silent_per_address=9, unproven_per_address=9))
    for n in range(3):
        table.enter("10.0.0.1", Stage.KEPT if n else Stage.IDLE, f"kept {n}")
    assert table.enter("10.0.0.2", Stage.KEPT) is not None
    assert table.dropped == ["kept 0"]  # the idle one
    assert table.enter("10.0.0.3") is None
    assert table.refused[-1] == ("full", "10.0.0.3")
    assert len(table.connections) == 3


async def test_caps_of_an_address_drop_its_own_oldest() -> None:
    table = Table(Caps(100, 2, 4, exempt=lambda host: host == "127.0.0.1"))
    for n in range(5):
        table.enter("10.0.0.1", name=f"silent {n}")
    assert table.dropped == ["silent 0", "silent 1", "silent 2"]
    for n in range(6):
        table.enter("10.0.0.2", Stage.UNPROVEN, f"hello {n}")
    assert table.dropped[3:] == ["hello 0", "hello 1"]
    for _ in range(20):
        table.enter("127.0.0.1")
    assert len(table.dropped) == 5
    assert len(table.connections) == 2 + 4 + 20


async def test_a_deadline_drops_a_connection_that_has_not_advanced() -> None:
    table = Table(Caps(10, 9, 9))
    loop = asyncio.get_running_loop()
    table.connections = Connections(table.caps, lambda reason, peer, _: table.refused.append((reason, peer)), loop.time)
    late = table.connections.enter("10.0.0.1", lambda: table.dropped.append("late"), 0.02, "nothing was sent")
    moved = table.connections.enter("10.0.0.2", lambda: table.dropped.append("moved"), 0.02, "nothing was sent")
    idle = table.connections.enter("10.0.0.3", lambda: table.dropped.append("idle"), 0.02, "nothing was sent")
    assert late is not None
    assert moved is not None
    assert idle is not None
    table.connections.move(moved, Stage.KEPT, None)
    table.connections.move(idle, Stage.IDLE, 0.04, "")
    await asyncio.sleep(0.1)
    assert table.dropped == ["late", "idle"]
    assert table.refused == [("silent", "10.0.0.1")]  # the end of an idle one is no refusal
    table.connections.leave(late)  # a second time
    assert len(table.connections) == 1


async def test_outdated_deadlines_are_cleared_out() -> None:
    table = Table(Caps(10, 9, 9))
    connection = table.enter("10.0.0.1")
    assert connection is not None
    for _ in range(20_000):
        table.connections.move(connection, Stage.IDLE, 60.0)
    assert len(table.connections._deadlines) < 2_000
    table.connections.close()


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_address_is_what_one_subscriber_has(host: str, group: str) -> None:
    assert address_group(host) == group


@pytest.mark.parametrize("boards", [1, 50, 2_000, 10_000])
def test_handles_are_divided_so_that_both_listeners_work(boards: int) -> None:
    for limit in (needed(boards), 2 * needed(boards), LIMIT_MAX):
        budgets = share_out(limit, boards)
        assert budgets.boards + budgets.web + RESERVED <= limit
        assert budgets.boards > boards
        assert WEB_MIN <= budgets.web <= WEB_MAX
    with pytest.raises(ConfigError) as refused:
        share_out(needed(boards) - 1, boards)
    assert str(boards) in refused.value.message
    assert "LimitNOFILE" in refused.value.remedy
