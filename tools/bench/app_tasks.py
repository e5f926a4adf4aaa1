"""What a crew member does on the first day, played from the list: touches of each task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from tools.bench.energy import Figure

TOUCHES_MAX: Final = 4  # from the list, with a glove and in a car
SOON_MS: Final = 15_000


class Hand:
    """Touches a page, and counts."""

    def __init__(self, page: Any, road: str = "") -> None:
        """`road`: the one commanded before."""
        self.page, self.touches, self.road = page, 0, road

    async def touch(self, selector: str) -> None:
        await self.page.locator(selector).first.click(timeout=SOON_MS)
        self.touches += 1

    async def sees(self, selector: str) -> str:
        """The words there, once they are on the screen."""
        found = self.page.locator(selector).first
        await found.wait_for(timeout=SOON_MS)
        return str(await found.inner_text())


async def worst(hand: Hand) -> None:
    """Find the worst road: the first of the list."""
    await hand.sees(".danger-cards .card .name")


async def why(hand: Hand) -> None:
    """Why is it not heated: its page says so."""
    await hand.touch(".danger-cards .card")
    await hand.sees(".stop h3")
    await hand.sees(".todo li")


async def force(hand: Hand) -> None:
    """Force a road on for an hour."""
    await _open_road(hand)
    await hand.touch(".mode-on")
    await hand.touch(".minutes-60")
    if not await hand.page.locator(".pick-reason input:checked").count():
        await hand.touch(".reason-snow")
    await hand.touch("form.command button[type=submit]")
    await hand.sees(".running .countdown")


async def undo(hand: Hand) -> None:
    """Undo that command."""
    await _open_road(hand)
    await hand.touch(".running .pair .big")
    await hand.touch(".running .danger")
    await hand.sees("form.command")


async def hand_over(hand: Hand) -> None:
    """Hand the shift over."""
    await hand.touch(".nav-shift")
    await hand.touch(".shift form button[type=submit]")
    await hand.sees(".note")


async def _open_road(hand: Hand) -> None:
    """The road commanded before, else the first that can be heated, by what stands first in the list."""
    wanted = f'.card[data-zone="{hand.road}"]' if hand.road else ":is(.watch-cards, .fine-cards) .card[data-zone]"
    if not await hand.page.locator(wanted).count():
        await hand.touch(".fold")
    hand.road = str(await hand.page.locator(wanted).first.get_attribute("data-zone"))
    await hand.touch(wanted)


TASKS: Final[dict[str, Callable[[Hand], Awaitable[None]]]] = {
    "find the worst road": worst,
    "why is it not heated": why,
    "force one on for an hour": force,
    "undo it": undo,
    "hand over": hand_over,
}


async def play(open_list: Callable[[], Awaitable[Any]]) -> list[Figure]:
    """Every task in turn, each on a list newly opened by `open_list`; raises where one cannot be done."""
    figures: list[Figure] = []
    road = ""
    for name, task in TASKS.items():
        hand = Hand(await open_list(), road)
        await hand.sees(".link.live")
        await task(hand)
        road = hand.road
        figures.append(Figure(f"touches: {name}", hand.touches, "", TOUCHES_MAX))
        await hand.page.close()
    return figures
