"""Alarms to people by real servers: told, taken over, handed on by the roster, and said elsewhere when one is dead."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import load
from supervisor.control.live import LiveState
from supervisor.control.notify import outbox
from supervisor.control.notify.rules import SETTLED_S
from supervisor.control.overrides import Overrides
from supervisor.control.tests.telling import EXAMPLE, START, bench, secrets  # noqa: F401
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.duty import Shift
from supervisor.domain.errors import CommandError, StoreError
from supervisor.gateway.tests.board_client import until
from supervisor.notify.push import Subscription
from supervisor.notify.tests.servers import Others
from supervisor.store import access


async def test_every_channel_tells_in_its_language_and_all_hear_who_takes_care(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.push_to("Kim")
        b.alarms.set(AlarmCode.CONTACTOR_WELDED, "z01", True, "12 A although off")
        await until(lambda: bool(b.there.ntfy and b.there.hooks and b.there.letters and b.there.pushes))
        assert "접촉기 융착" in b.there.ntfy[0]["title"]
        assert "Contactor stuck on" in b.there.hooks[0]["title"]
        assert "12 A although off" in b.there.letters[0].get_content()
        assert "접촉기 융착" in b.there.pushes[0]["title"]
        await b.desk.acknowledge("contactor-welded", "z01", "Kim", "main breaker open")
        await until(lambda: len(b.there.ntfy) == 2 and len(b.there.hooks) == 2 and len(b.there.letters) == 2)
        assert "Kim" in b.there.ntfy[1]["message"]
        assert "main breaker open" in b.there.hooks[1]["body"]
        b.later(7 * 3600)
        await asyncio.sleep(0.05)
        assert len(b.there.pushes) == 1  # Kim knows
        b.alarms.set(AlarmCode.CONTACTOR_WELDED, "z01", False)
        b.later(SETTLED_S)
        await until(lambda: len(b.there.hooks) == 3 and len(b.there.pushes) == 2)
        assert b.there.hooks[2]["event"] == "over"
        kinds = {(notice.receiver, notice.event) for notice in await b.noted(11)}
        assert ("dispatch", "raised") in kinds
        assert ("push: Kim", "over") in kinds


async def test_nobody_takes_it_and_the_next_of_the_roster_is_told(tmp_path: Path) -> None:
    def people(there: Others) -> list[dict[str, object]]:
        base = {"kind": "ntfy", "severity": "critical"}
        return [{**base, "name": who, "person": who, "url": f"{there.url}/{who}"} for who in ("Kim", "Lee", "Park")]

    async with bench(tmp_path, people) as b:
        now = int(START)
        shifts = [Shift(0, "Lee", 2, now - 60, now + 3600), Shift(0, "Kim", 1, now - 60, now + 3600),
                  Shift(0, "Park", 1, now + 3600, now + 9000)]  # fmt: skip
        assert await b.telling.duty.add_shifts(shifts, "Choi") == 3
        assert await b.telling.duty.add_shifts(shifts, "Choi") == 0
        b.alarms.set(AlarmCode.EARTH_FAULT, "z01", True)
        await until(lambda: [m["topic"] for m in b.there.ntfy] == ["Kim"])
        b.later(600)
        await until(lambda: [m["topic"] for m in b.there.ntfy] == ["Kim", "Lee"])
        b.later(600)
        await until(lambda: [m["topic"] for m in b.there.ntfy] == ["Kim", "Lee", "Park"])
        assert [entry.action for entry in await b.store.audit.entries(0, START + 9)][:1] == ["roster-add"]


async def test_a_dead_receiver_is_said_elsewhere_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path) as b:
        b.there.status = 503
        b.alarms.set(AlarmCode.CABLE_BROKEN, "z02", True)
        await until(lambda: len(b.there.hooks) == 1)
        await asyncio.sleep(0.05)
        assert not b.alarms.stands(AlarmCode.NOTIFIER_FAILED, "phones")
        b.clock.advance(outbox.DEAD_AFTER_S)
        await until(lambda: b.alarms.stands(AlarmCode.NOTIFIER_FAILED, "phones"))
        await until(lambda: len(b.there.letters) == 2)
        assert "cannot be reached" in str(b.there.letters[1]["Subject"])
        b.there.status = 200
        await until(lambda: len(b.there.ntfy) == 1)
        await until(lambda: not b.alarms.stands(AlarmCode.NOTIFIER_FAILED, "phones"))


async def test_a_restart_tells_nothing_twice(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.alarms.set(AlarmCode.EARTH_FAULT, "z01", True)
        await until(lambda: len(b.there.ntfy) == 1 and len(b.there.letters) == 1 and len(b.there.hooks) == 1)
        await b.noted(3)
    async with bench(tmp_path) as b:
        assert b.alarms.stands(AlarmCode.EARTH_FAULT, "z01")
        b.later(60)
        await asyncio.sleep(0.1)
        assert (b.there.ntfy, b.there.hooks, b.there.letters) == ([], [], [])


async def test_many_at_once_are_one_message(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        for number in range(20):
            b.alarms.set(AlarmCode.BOARD_ABSENT, f"b{number:02d}", True)
        await until(lambda: len(b.there.ntfy) == 1)
        assert "20" in b.there.ntfy[0]["title"]
        assert b.there.ntfy[0]["message"].count("\n") == 6


async def test_what_comes_and_goes_is_told_once(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        for _ in range(10):
            b.alarms.set(AlarmCode.BOARD_ABSENT, "b01", True)
            b.later(20)
            b.alarms.set(AlarmCode.BOARD_ABSENT, "b01", False)
            b.later(20)
        await until(lambda: bool(b.there.hooks))
        await asyncio.sleep(0.1)
        assert len(b.there.hooks) == 1
        b.later(SETTLED_S)
        await until(lambda: len(b.there.hooks) == 2)


async def test_a_phone_that_is_signed_out_is_told_nothing_more(tmp_path: Path) -> None:
    async with bench(tmp_path, lambda there: []) as b:
        token = await b.push_to("Kim", "en")
        b.alarms.set(AlarmCode.EARTH_FAULT, "z01", True)
        await until(lambda: len(b.there.pushes) == 1)
        assert "Earth fault" in b.there.pushes[0]["title"]
        await b.store.write(lambda db: access.sign_out(db, token, "Kim", int(START), keep_an_admin=False))
        await b.telling.push.load()
        b.alarms.set(AlarmCode.EARTH_FAULT, "z02", True)
        await asyncio.sleep(0.1)
        assert len(b.there.pushes) == 1


async def test_a_browser_that_is_gone_is_forgotten_and_no_alarm(tmp_path: Path) -> None:
    async with bench(tmp_path, lambda there: []) as b:
        await b.push_to("Kim")
        b.there.status = 410
        b.alarms.set(AlarmCode.EARTH_FAULT, "z01", True)
        await until(lambda: not b.telling.push.receivers)
        assert await b.store.notices.subscriptions() == []
        inside = Subscription("https://[::1]/x", b.there.browser.p256dh, b.there.browser.auth)
        with pytest.raises(CommandError, match="this machine"):
            await b.telling.push.subscribe("Kim", b"", inside)


async def test_a_mail_of_its_own_for_each_time_and_each_bundle(tmp_path: Path) -> None:
    """Mail servers drop a second letter with the same id."""
    async with bench(tmp_path) as b:
        for day in range(2):
            b.alarms.set(AlarmCode.EARTH_FAULT, "z01", True)
            await until(lambda day=day: len(b.there.letters) == 2 * day + 1)  # type: ignore[misc]
            b.alarms.set(AlarmCode.EARTH_FAULT, "z01", False)
            b.later(SETTLED_S)
            await until(lambda day=day: len(b.there.letters) == 2 * day + 2)  # type: ignore[misc]
            b.later(86_400)
        for day in range(2):
            for number in range(9):
                b.alarms.set(AlarmCode.BOARD_ABSENT, f"b{day}{number}", True)
            await until(lambda day=day: len(b.there.letters) == 5 + day)  # type: ignore[misc]
            b.later(86_400 / 24)
        ids = [str(letter["Message-ID"]) for letter in b.there.letters if letter["Message-ID"]]
        assert len(ids) == len(set(ids)) == 4


async def test_a_record_that_cannot_be_read_stops_no_escalation(tmp_path: Path) -> None:
    def people(there: Others) -> list[dict[str, object]]:
        return [{"kind": "ntfy", "name": "late", "url": f"{there.url}/late", "after_min": 10}]

    async with bench(tmp_path, people) as b:

        async def fails() -> None:
            raise StoreError("the disk does not answer")

        b.telling.notifier.refreshes[:] = [fails]
        b.alarms.set(AlarmCode.EARTH_FAULT, "z01", True)
        b.clock.advance(600)
        await b.telling.notifier.round(b.clock.utc_s())
        await until(lambda: len(b.there.ntfy) == 1)
        assert b.alarms.stands(AlarmCode.LOOP_FAILED, "telling people: people and roster")


async def test_thousands_of_alarms_at_once_hold_up_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        looked = 0
        maintained = b.telling.duty.maintained_until

        def counted(*given: Any) -> float | None:
            nonlocal looked
            looked += 1
            return maintained(*given)

        b.telling.duty.maintained_until = counted  # type: ignore[method-assign]
        for number in range(2000):
            b.alarms.set(AlarmCode.BOARD_ABSENT, f"b{number}", True)
        assert looked == 2000  # each alarm once, not all of them for each
        await until(lambda: bool(b.there.ntfy))
        assert "2000" in b.there.ntfy[0]["title"]


async def test_one_person_is_told_that_a_command_was_replaced(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.push_to("Kim")
        assert not b.telling.person("Lee", "notify.test", site="s", name="n")
        assert b.telling.person("Kim", "notify.test", site="s", name="n")
        await until(lambda: len(b.there.pushes) == 1)


async def test_who_is_replaced_hears_by_whom(tmp_path: Path) -> None:
    zone = load(EXAMPLE, without_data=True).zone[0]
    async with bench(tmp_path) as b:
        await b.push_to("Kim", "ko")
        overrides = Overrides(b.store.overrides, LiveState([zone], b.clock), b.clock)
        await overrides.load()
        overrides.displaced.append(b.telling.displaced)
        await overrides.request(zone.id, "on", 60, "ice reported", "Kim")
        await overrides.request(zone.id, "boost", 60, "more ice", "Kim")
        last = await overrides.request(zone.id, "off", 60, "cable works", "Lee")
        await until(lambda: len(b.there.pushes) == 1)
        assert b.there.pushes[0]["title"] == f"{zone.name_ko or zone.name}: 내 명령이 바뀌었습니다"
        assert b.there.pushes[0]["body"] == "Lee 님이 껐습니다."
        await overrides.cancel(last.id, "Lee")
        again = await overrides.request(zone.id, "on", 60, "ice reported", "Kim")
        await overrides.cancel(again.id, "Lee")
        await until(lambda: len(b.there.pushes) == 2)
        assert "Lee" in b.there.pushes[1]["body"]
