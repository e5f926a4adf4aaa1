"""A welded contactor on an emulated board reaches people on every channel, and the next one while nobody takes it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from supervisor.notify.tests.servers import SECRET, Others, others
from supervisor.weather.design_storm import design_storm

pytestmark = [pytest.mark.vm, pytest.mark.timeout(240)]
START = 1_768_089_600.0
STEP_S = 5
DAY_S = 86_400


@contextmanager
def in_a_thread() -> Iterator[Others]:
    """The servers of the other side, in real time."""
    ready, stop = threading.Event(), asyncio.Event()
    made: list[Others] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with others() as there:
            made.append(there)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def wait_for(bench: Bench, condition: Callable[[], bool], virtual_s: float) -> None:
    """Let virtual time pass in steps, each with real time in which the servers answer."""
    for _ in range(int(virtual_s / STEP_S)):
        if condition():
            return
        bench.advance(STEP_S)
        time.sleep(0.05)
    assert condition()


def told(messages: list[Any]) -> list[Any]:
    """Those about the welded contactor: a storm raises other alarms, too."""
    return [each for each in messages if "접촉기 융착" in each["title"]]


def test_a_welded_contactor_reaches_people_until_one_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    city = write_city(tmp_path, design_storm(START, hours=48, seed=1))
    with in_a_thread() as there:
        receivers = (
            '[alarms]\nlocal_hosts = ["127.0.0.1"]\nescalate_min = 10\n'
            f'[[notify]]\nname = "dispatch"\nkind = "webhook"\nurl = "{there.url}/hook"\nsecret_env = "SECRET"\n'
            'language = "en"\n'
            f'[[notify]]\nname = "office"\nkind = "mail"\nto = ["a@x.example"]\nsender = "r@x.example"\n'
            f'host = "127.0.0.1"\nport = {there.smtp_port}\nsecurity = "none"\nlanguage = "en"\n'
        )
        for person in ("Kim", "Lee"):
            receivers += (
                f'[[notify]]\nname = "{person}"\nkind = "ntfy"\nurl = "{there.url}/{person}"\nperson = "{person}"\n'
            )
        text = city.read_text()
        city.write_text(text.replace("[[feeder]]", f"{receivers}\n[[feeder]]", 1))
        with Bench(city, start_utc_s=START) as bench:
            bench.flash()
            bench.start_supervisor()
            bench.advance(600)
            crew, zone = bench.crew, bench.zone("z02")
            crew.override("z02", "on", 60)
            me = crew.request("GET", "/api/v1/session")["user"]
            shifts = [{"person": p, "rank": r, "from_utc_s": int(START), "until_utc_s": int(START) + DAY_S}
                      for r, p in ((1, "Kim"), (2, "Lee"), (3, me))]  # fmt: skip
            assert crew.request("POST", "/api/v1/roster", {"shifts": shifts})["on_duty"] == ["Kim", "Lee", me]
            browser = {"endpoint": f"{there.url}/push", "p256dh": there.browser.p256dh, "auth": there.browser.auth}
            crew.request("POST", "/api/v1/push", {**browser, "language": "ko"})
            assert bench.advance(900, until=lambda b: zone.closed)
            zone.weld_contactor()
            crew.override("z02", "off", 60)

            wait_for(bench, lambda: bool(told(there.ntfy) and there.hooks and there.letters), 600)
            raised_s = bench.now_ms / 1000
            assert [each["topic"] for each in told(there.ntfy)] == ["Kim"]
            assert "전기 담당자" in told(there.ntfy)[0]["message"]
            assert "contactor-welded" in [each["code"] for each in there.hooks]
            assert any("Contactor stuck on" in str(each["Subject"]) for each in there.letters)

            wait_for(bench, lambda: len(told(there.ntfy)) == 2, 900)
            assert told(there.ntfy)[1]["topic"] == "Lee"
            assert bench.now_ms / 1000 - raised_s > 500
            wait_for(bench, lambda: len(told(there.pushes)) == 1, 900)

            said = {"code": "contactor-welded", "subject": "z02", "comment": "main breaker open", "assigned_to": "Lee"}
            crew.request("POST", "/api/v1/alarms/acknowledge", said)
            wait_for(bench, lambda: "main breaker open" in there.hooks[-1]["body"], 120)
            wait_for(bench, lambda: len(told(there.ntfy)) == 4, 120)  # both hear that Lee takes care
            counts = len(told(there.ntfy)), len(told(there.pushes))
            bench.advance(1800)
            assert (len(told(there.ntfy)), len(told(there.pushes))) == counts
