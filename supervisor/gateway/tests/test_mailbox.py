"""Frames come out in their order, a few at a time; a full box takes no more, and one who stops waiting loses none."""

from __future__ import annotations

import asyncio

from supervisor.gateway.mailbox import Mailbox


async def test_in_their_order_and_no_more_than_fit() -> None:
    box = Mailbox(3)
    assert [box.put(bytes([n])) for n in range(5)] == [True, True, True, False, False]
    assert await box.take(2) == [b"\x00", b"\x01"]
    assert box.put(b"new")
    assert await box.take(9) == [b"\x02", b"new"]


async def test_a_frame_wakes_the_one_who_waits_and_is_not_lost_where_that_one_has_gone() -> None:
    box = Mailbox(3)
    waiting = asyncio.create_task(box.take(1))
    await asyncio.sleep(0)
    assert box.put(b"first")
    assert box.put(b"second")
    assert await waiting == [b"first"]
    assert await box.take(1) == [b"second"]
    gone = asyncio.create_task(box.take(1))
    await asyncio.sleep(0)
    box.put(b"third")
    gone.cancel()
    await asyncio.wait({gone})
    assert gone.cancelled()
    assert await box.take(1) == [b"third"]
