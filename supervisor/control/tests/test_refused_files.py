"""A board that goes on with a last good copy of its files is an alarm until it greets without one."""

from __future__ import annotations

import msgspec

from supervisor.control.board_files import BoardFiles
from supervisor.control.tests.conftest import Setup, greet
from supervisor.domain.alarm import AlarmCode


async def test_it_stands_until_the_board_greets_without(setup: Setup) -> None:
    alarms = setup.alarms
    files = BoardFiles(alarms)
    files.greeted(greet("b01"))
    assert not alarms.standing()
    files.greeted(msgspec.structs.replace(greet("b01"), st="limits.json is not signed by a key of this board"))
    (alarm,) = alarms.standing()
    assert (alarm.code, alarm.subject) == (AlarmCode.BOARD_FILES, "b01")
    assert "is not signed" in alarm.text
    files.greeted(greet("b02"))
    assert [one.subject for one in alarms.standing()] == ["b01"]
    files.greeted(greet("b01"))
    assert not alarms.standing()
