"""Who is on duty, and what maintenance keeps from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import load
from supervisor.control.notify.duty import NEXT_S
from supervisor.control.notify.notifier import ROUND_S
from supervisor.control.tests.telling import EXAMPLE, START, bench, secrets  # noqa: F401
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.duty import Maintenance, Shift
from supervisor.domain.errors import CommandError, ForbiddenError
from supervisor.domain.role import Role
from supervisor.gateway.tests.board_client import until


async def test_shifts_that_overlap(tmp_path: Path) -> None:
    """Of several people all are on duty, in one order; of one person the second is refused whole, audit and all."""
    async with bench(tmp_path, lambda there: []) as b:
        duty, now = b.telling.duty, int(START)
        hand_over = [Shift(0, "Kim", 1, now - 7200, now + 600), Shift(0, "Lee", 1, now - 60, now + 7200),
                     Shift(0, "Park", 2, now - 9000, now + 7200)]  # fmt: skip
        assert await duty.add_shifts(hand_over, "Choi") == 3
        assert duty.chain(now) == ["Kim", "Lee", "Park"]
        assert duty.chain(now + 600) == ["Lee", "Park"]
        for begin, end, rank in ((now + 300, now + 900, 1), (now - 7200, now + 600, 2), (now - 9000, now + 9000, 1)):
            moved = [Shift(0, "Choi", 3, now, now + 60), Shift(0, "Kim", rank, begin, end)]
            with pytest.raises(CommandError, match="on duty at that time already") as refused:
                await duty.add_shifts(moved, "Choi")
            assert (refused.value.code, refused.value.where) == ("on-duty", "shift 2")
        with pytest.raises(CommandError, match="already"):  # within one file
            await duty.add_shifts([Shift(0, "Yoon", 1, now, now + 60), Shift(0, "Yoon", 1, now + 30, now + 90)], "Choi")
        assert await duty.add_shifts([Shift(0, "Kim", 1, now + 600, now + 900)], "Choi") == 1  # right after
        assert len(duty.shifts()) == 4
        entries = [e for e in await b.store.audit.entries(0, START + 9) if e.action == "roster-add"]
        assert len(entries) == 2


async def test_maintenance_holds_back_all_but_dangers_until_it_ends(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        board = next(iter(load(EXAMPLE, without_data=True).zone))
        made = await b.telling.duty.add_window(
            Maintenance(0, board.board, int(START), int(START) + 3600, "new cable", ""), "Kim", Role.CREW
        )
        b.alarms.set(AlarmCode.CABLE_BROKEN, board.id, True)
        b.alarms.set(AlarmCode.ELECTRIC_DANGER, board.id, True)
        await until(lambda: len(b.there.hooks) == 1)
        assert b.there.hooks[0]["code"] == "electric-danger"
        await b.telling.duty.end_window(made.id, "Kim")
        b.later(ROUND_S)
        await until(lambda: len(b.there.hooks) == 2)
        for bad in (
            Maintenance(0, "no such", int(START), int(START) + 99_999, "x", ""),
            Maintenance(0, "", int(START), int(START) - 1, "x", ""),
            Maintenance(0, "", int(START), int(START) + 9_999, " ", ""),
            Maintenance(0, "", int(START), int(START) + 99 * 86_400, "x", ""),
        ):
            with pytest.raises(CommandError):
                await b.telling.duty.add_window(bad, "Kim", Role.ENGINEER)


async def test_a_crew_silences_the_road_it_works_at_and_no_district(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        zone, now = next(iter(load(EXAMPLE, without_data=True).zone)), int(START)
        for subject, days in (("", 0.1), (zone.feeder, 0.1), (zone.id, 2), (zone.board, 2)):
            wide = Maintenance(0, subject, now, now + int(days * 86_400), "all quiet", "")
            with pytest.raises(ForbiddenError):
                await b.telling.duty.add_window(wide, "Kim", Role.CREW)
            assert b.telling.duty.windows() == []
            made = await b.telling.duty.add_window(wide, "Lee", Role.ENGINEER)
            assert made.subject == subject
            await b.telling.duty.end_window(made.id, "Kim")  # back to more alarms: anybody at work may
            b.later(2 * 86_400)
            now += 2 * 86_400
            await b.telling.duty.load()


async def test_an_unfilled_shift_is_alarmed_the_day_before(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        duty, now = b.telling.duty, int(START)
        duty.look(b.alarms)
        assert not b.alarms.stands(AlarmCode.DUTY_GAP, "")  # no roster is kept
        await duty.add_shifts([Shift(0, "Kim", 1, now, now + NEXT_S + 3600)], "Choi")
        duty.look(b.alarms)
        assert not b.alarms.stands(AlarmCode.DUTY_GAP, "")
        b.clock.advance(3700)
        duty.look(b.alarms)
        assert b.alarms.stands(AlarmCode.DUTY_GAP, "")
        await duty.add_shifts([Shift(0, "Lee", 1, now + NEXT_S, now + 3 * NEXT_S)], "Choi")
        duty.look(b.alarms)
        assert not b.alarms.stands(AlarmCode.DUTY_GAP, "")
