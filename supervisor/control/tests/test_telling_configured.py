"""Keys of `[alarms]` where the service uses them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from supervisor.config import AlarmsConfig, read
from supervisor.config.source import MISSING_DATA
from supervisor.config.tests.examples import EXAMPLE
from supervisor.control.alarm_recorder import keep_alarms
from supervisor.control.metrics import Metrics
from supervisor.control.notify.opening import Telling, open_telling
from supervisor.control.tests.telling import START, configured
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import NotifyError
from supervisor.gateway.tests.board_client import until
from supervisor.notify.tests.servers import Others, others
from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store


async def test_times_of_the_configuration_decide_when_others_are_told(tmp_path: Path) -> None:
    """escalate_min, remind_h, heartbeat_url, local_hosts and push_contact."""
    clock = ManualClock(START)
    store = Store.open(tmp_path / "db", clock)
    async with others() as there:
        base = configured(there, tmp_path, [{"name": "phones", "kind": "ntfy", "url": f"{there.url}/crew"}])
        alarms_config = AlarmsConfig(
            escalate_min=3, remind_h=1.0, heartbeat_url=f"{there.url}/beat", local_hosts=("127.0.0.1",),
            push_contact="mailto:roads@x.example",
        )  # fmt: skip
        config = msgspec.structs.replace(base, alarms=alarms_config)
        async with (
            keep_alarms(store, clock, Metrics()) as (alarms, _),
            open_telling(config, store, alarms, clock) as telling,
        ):
            await _reminded(telling, there, clock, alarms)
            assert telling.heartbeat is not None
            await telling.heartbeat.beat()
            assert (there.beats, telling.heartbeat.sent) == (1, 1)
        closed = msgspec.structs.replace(config, alarms=AlarmsConfig())
        async with (
            keep_alarms(store, clock, Metrics()) as (alarms, _),
            open_telling(closed, store, alarms, clock) as telling,
        ):
            assert telling.heartbeat is None
            with pytest.raises(NotifyError, match="plain http"):
                await telling.test("phones")
    await store.close()


async def _reminded(telling: Telling, there: Others, clock: ManualClock, alarms: object) -> None:
    alarms.set(AlarmCode.EARTH_FAULT, "z01", True)  # type: ignore[attr-defined]
    await until(lambda: len(there.ntfy) == 1)
    clock.advance(3600)
    telling.notifier.look(clock.utc_s())
    await until(lambda: len(there.ntfy) == 2)
    assert "계속됨" in there.ntfy[1]["title"]


NOTIFY = '\n[[notify]]\nname = "n"\nkind = "{kind}"\n{rest}\n'


@pytest.mark.parametrize(
    ("text", "where", "remedy"),
    [
        (NOTIFY.format(kind="pager", rest=""), "notify[0].kind", "ntfy, webhook, mail"),
        (NOTIFY.format(kind="ntfy", rest='url = "https://ntfy.sh"'), "notify[0].url", "topic"),
        (NOTIFY.format(kind="ntfy", rest='url = "http://10.0.0.1/x"'), "notify[0].url", "local_hosts"),
        (NOTIFY.format(kind="webhook", rest='url = "https://w.example"'), "notify[0]", "secret_env"),
        (NOTIFY.format(kind="ntfy", rest='url = "https://n.example/x"\nquiet = ["25:00-06:00"]'), "notify[0].quiet[0]",
         "22:00-06:00"),
        (NOTIFY.format(kind="mail", rest='to = ["x"]\nsender = "r@x.example"\nhost = "m"'), "notify[0].to[0]", "crew@"),
        ('\n[alarms]\nheartbeat_url = "https://127.0.0.1/x"\n', "alarms.heartbeat_url", "local_hosts"),
        ("\n[alarms]\nescalate_min = 0\n", "alarms.escalate_min", "10"),
        ('\n[alarms]\npush_contact = "me"\n', "alarms.push_contact", "mailto:"),
    ],
)  # fmt: skip
def test_bad_keys_are_named_with_what_to_do(tmp_path: Path, text: str, where: str, remedy: str) -> None:
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text(encoding="utf-8") + text, encoding="utf-8")
    found = [one for one in read(tmp_path / "city.toml")[1] if one.code != MISSING_DATA]
    (problem,) = found
    assert where in problem.where
    assert remedy in f"{problem.message} {problem.remedy}"
