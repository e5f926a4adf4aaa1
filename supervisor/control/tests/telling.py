"""People to be told by real servers, with the clock in the test's hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from supervisor.config import AlarmsConfig, Config, load
from supervisor.control.alarm_desk import AlarmDesk
from supervisor.control.alarm_recorder import keep_alarms
from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics
from supervisor.control.notify import outbox
from supervisor.control.notify.opening import Telling, open_telling
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


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setattr(outbox, "RETRY_S", (0.01,))


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
