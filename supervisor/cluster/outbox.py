"""What waits to be sent to another process, in its order, and who waits for the answer."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

UNDER_WAY_MAX: Final = 4  # batches: a slow commit holds up its own batch only


class Entry(Generic[T]):
    """An item, and the future of its answer: True or the text of a failure."""

    __slots__ = ("answer", "item", "weight")

    def __init__(self, item: T, weight: int, answer: asyncio.Future[str | None] | None) -> None:
        self.item, self.weight, self.answer = item, weight, answer

    @property
    def given_up(self) -> bool:
        """Whoever waited for it has gone."""
        return self.answer is not None and self.answer.done()


class Outbox(Generic[T]):
    """First in, first out. Its bound is that of what is put: sessions wait for the answer to one item each."""

    def __init__(self) -> None:
        self._entries: deque[Entry[T]] = deque()
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, item: T, weight: int = 1) -> None:
        """Add an item to whose answer nobody waits."""
        self._add(Entry(item, weight, None))

    async def answered(self, item: T, weight: int = 1) -> str | None:
        """Add an item and wait: None once it is done, or why it is not."""
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._add(Entry(item, weight, future))
        return await future

    async def take(self, most: int) -> list[Entry[T]]:
        """Wait for an item; then the oldest ones, together no heavier than `most` (one item may be)."""
        while True:
            taken: list[Entry[T]] = []
            weight = 0
            while self._entries and (not taken or weight + self._entries[0].weight <= most):
                entry = self._entries.popleft()
                if not entry.given_up:
                    taken.append(entry)
                    weight += entry.weight
            if taken:
                return taken
            self._some.clear()
            await self._some.wait()

    def clear(self, why: str) -> None:
        """Drop everything; whoever waits is told `why`."""
        settle(list(self._entries), why)
        self._entries.clear()

    def _add(self, entry: Entry[T]) -> None:
        self._entries.append(entry)
        self._some.set()


def settle(entries: list[Entry[T]], outcome: str | None) -> None:
    """Answer all that still wait."""
    for entry in entries:
        if entry.answer is not None and not entry.answer.done():
            entry.answer.set_result(outcome)
