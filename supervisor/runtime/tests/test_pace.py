from __future__ import annotations

import asyncio

from supervisor.runtime.pace import in_turns


async def test_others_run_between_two_turns_and_nothing_is_left_out() -> None:
    ran: list[str] = []

    async def other() -> None:
        ran.append("other")

    seen: list[list[int]] = []
    task = asyncio.create_task(other())
    async for some in in_turns(range(5), 2):
        ran.append(f"turn {some[0]}")
        seen.append(some)
    await task
    assert seen == [[0, 1], [2, 3], [4]]
    assert ran == ["turn 0", "other", "turn 2", "turn 4"]


async def test_of_nothing_there_is_no_turn() -> None:
    assert [some async for some in in_turns(())] == []
