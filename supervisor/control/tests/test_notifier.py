"""Alarms to people by real servers: told, taken over, handed on by the roster, and said elsewhere when one is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from supervisor.config import AlarmsConfig, Config, load
from supervisor.control.alarm_desk import AlarmDesk
from supervisor.control.alarm_recorder import keep_alarms
from supervisor.control.alarms import Alarms
from supervisor.control.live import LiveState
from supervisor.control.metrics import Metrics
from supervisor.control.notify import outbox
from supervisor.control.notify.duty import NEXT_S, check_shifts, read_roster
from supervisor.control.notify.notifier import ROUND_S
from supervisor.control.notify.opening import Telling, open_telling
from supervisor.control.notify.rules import SETTLED_S
from supervisor.control.overrides import Overrides
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.duty import Maintenance, Shift
from supervisor.domain.errors import CommandError, ForbiddenError, StoreError
from supervisor.domain.role import Role
from supervisor.gateway.tests.board_client import until
from supervisor.notify import CHANNELS
from supervisor.notify.push import Subscription
from supervisor.notify.tests.servers import SECRET, Others, others
from supervisor.runtime.clock import ManualClock
from supervisor.store import access
from supervisor.store.notices import Notice
from supervisor.store.people import digest
from supervisor.store.store import Store

START = 1_768_500_000.0
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"


@dataclass
class Bench:
    there: Others
    alarms: Alarms
    desk: AlarmDesk
    telling: Telling
    store: Store
    clock: ManualClock

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.telling.notifier.look(self.clock.utc_s())

    async def noted(self, count: int) -> list[Notice]:
        """What the record says was told, once there is that much of it."""
        found: list[Notice] = []
        async with asyncio.timeout(60):
            while len(found) < count:
                await asyncio.sleep(0.01)
                found = await self.store.notices.newest(100)
        return found

    async def sign_in(self, user: str) -> str:
        token = f"token of {user}"

        def job(db: object) -> None:
            access.invite(db, f"link of {user}", user, "crew", "", int(START), int(START) + 9999)  # type: ignore[arg-type]
            access.sign_in(db, f"link of {user}", token, "csrf", int(START), int(START) + 99_999, "phone")  # type: ignore[arg-type]

        await self.store.write(job)
        return token

    async def push_to(self, user: str, language: str = "ko") -> str:
        token = await self.sign_in(user)
        browser = self.there.browser
        to = Subscription(f"{self.there.url}/push", browser.p256dh, browser.auth, language)  # type: ignore[arg-type]
        await self.telling.push.subscribe(user, digest(token), to)
        return token


def configured(there: Others, tmp_path: Path, receivers: list[dict[str, object]]) -> Config:
    config = load(EXAMPLE, without_data=True)
    notify = tuple(msgspec.convert(one, CHANNELS[str(one["kind"])].settings) for one in receivers)
    return msgspec.structs.replace(
        config, path=tmp_path / "city.toml", notify=notify, alarms=AlarmsConfig(local_hosts=("127.0.0.1",))
    )


def all_kinds(there: Others) -> list[dict[str, object]]:
    return [
        {"name": "phones", "kind": "ntfy", "url": f"{there.url}/crew", "severity": "minor"},
        {"name": "dispatch", "kind": "webhook", "url": f"{there.url}/hook", "secret_env": "SECRET", "language": "en"},
        {"name": "office", "kind": "mail", "to": ["a@x.example"], "sender": "r@x.example", "host": "127.0.0.1",
         "port": there.smtp_port, "security": "none", "language": "en", "severity": "minor"},
    ]  # fmt: skip


@asynccontextmanager
async def bench(tmp_path: Path, chosen: object = all_kinds) -> AsyncIterator[Bench]:
    clock = ManualClock(START)
    store = Store.open(tmp_path / "db", clock)
    try:
        async with others() as there:
            config = configured(there, tmp_path, chosen(there))  # type: ignore[operator]
            async with (
                keep_alarms(store, clock, Metrics()) as (alarms, _),
                open_telling(config, store, alarms, clock) as telling,
            ):
                desk = AlarmDesk(alarms, store.audit, clock)
                yield Bench(there, alarms, desk, telling, store, clock)
    finally:
        await store.close()


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setattr(outbox, "RETRY_S", (0.01,))


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


ROSTER = "from,until,person,rank\n2026-12-01 18:00,2026-12-02 06:00,김철수,1\n2026-12-01 18:00,2026-12-02 06:00,Lee,2\n"


def test_a_roster_is_read_in_the_time_of_the_site() -> None:
    first, second = read_roster("\ufeff" + ROSTER, ZoneInfo("Asia/Seoul"))
    assert (first.person, first.rank, second.rank) == ("김철수", 1, 2)
    assert first.until_utc_s - first.from_utc_s == 12 * 3600
    assert (
        read_roster("From,Until,Person\n2026-12-01T18:00+00:00,2026-12-02T06:00+00:00,A", ZoneInfo("UTC"))[0].rank == 1
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "from,until\n",
        ROSTER + "x,y,Kim,1\n",
        ROSTER + "2026-12-01,2026-12-02,A,first\n",
        'from,until,person\n"2026',
    ],
)
def test_a_bad_roster_names_its_row(text: str) -> None:
    with pytest.raises(CommandError, match="row"):
        read_roster(text, ZoneInfo("UTC"))


def test_a_time_that_is_none_of_a_roster_is_refused() -> None:
    (shift,) = read_roster("from,until,person\n9999-12-31 18:00,9999-12-31 23:00,Kim", ZoneInfo("UTC"))
    with pytest.raises(CommandError, match="shift 1"):
        check_shifts([shift])
