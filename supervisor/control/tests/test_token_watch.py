"""A token that is in use and ends within two weeks raises an alarm, until its program has another one."""

from __future__ import annotations

from pathlib import Path

from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics
from supervisor.control.token_watch import TokenWatch
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, tokens

DAY_S = tokens.DAY_S


async def test_a_token_in_use_that_ends_soon_is_said(tmp_path: Path) -> None:
    clock = ManualClock(1_700_000_000.0)
    store, alarms = Store.open(tmp_path / DATABASE_NAME, clock), Alarms(clock, Metrics())
    watch = TokenWatch(store.access, alarms, clock)

    def now() -> int:
        return int(clock.utc_s())

    for secret, name in (("rht_used", "signs"), ("rht_idle", "trial")):
        await store.write(lambda db, s=secret, n=name: tokens.make(db, s, n, ["read"], 90, "Kim", now()))
    clock.advance(77 * DAY_S)
    await watch.look()
    assert alarms.standing() == []  # nobody uses them
    await store.write(lambda db: tokens.touch(db, "rht_used", now()))
    await watch.look()
    [alarm] = alarms.standing()
    assert (alarm.code, alarm.subject, "2024-02-12" in alarm.text) == (AlarmCode.TOKEN_ENDS, "signs", True)
    clock.advance(14 * DAY_S)  # it has ended, and its program is refused
    await watch.look()
    assert alarms.stands(AlarmCode.TOKEN_ENDS, "signs")
    await store.write(lambda db: tokens.revoke(db, "signs", "Kim", now()))
    await watch.look()
    assert alarms.standing() == []
    await store.close()
