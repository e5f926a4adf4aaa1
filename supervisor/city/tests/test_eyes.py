"""Storm drains below heated slopes, and snow upwind: alarms, over HTTP, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from supervisor.city.documents import Documents
from supervisor.city.eyes import Drains, Upwind
from supervisor.city.tests.test_city_service import config_of
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.scope import Scope
from supervisor.web.keys import SERVICES

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "camera.py"


class Eyes:
    """A token of scope `observe`, the air, and both use cases."""

    def __init__(self, district: Any, client: Any, token: str) -> None:
        self.district, self.client, self.token = district, client, token
        self.air_c: float | None = -2.0
        self.drains = Drains(district.live, lambda: self.air_c, district.alarms, district.clock)
        self.upwind = Upwind({"Incheon": 75}, ZoneInfo("Asia/Seoul"), district.alarms, district.clock)
        documents = Documents(drains=self.drains, upwind=self.upwind)
        object.__setattr__(district.app[SERVICES], "documents", documents)

    async def send(self, path: str, *, age_s: float = 0.0, **body: Any) -> tuple[int, Any]:
        sent = {"observed_utc_s": int(self.district.clock.utc_s() - age_s), **body}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.client.post(f"/api/v1/{path}", json=sent, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    def stands(self, code: AlarmCode, subject: str) -> bool:
        return bool(self.district.alarms.stands(code, subject))


@pytest.fixture
async def eyes(district: Any, aiohttp_client: Any) -> Eyes:
    token, _ = await district.sessions.tokens.make("drain 4", [Scope.OBSERVE], 1, "test")
    return Eyes(district, await aiohttp_client(district.app), token)


async def full(eyes: Eyes, minutes: int = 15) -> bool:
    """The drain of z03 is full for so long."""
    outcome: Any = {}
    for _ in range(minutes):
        eyes.district.clock.advance(60)
        _, outcome = await eyes.send("drain-readings", zone="z03", level_permille=900)
    return bool(outcome["refreezing"])


async def test_melt_water_before_a_full_drain_freezes_at_the_foot(eyes: Eyes) -> None:
    live = eyes.district.live.zones["z03"]
    live.heated_s = None
    assert not await full(eyes)  # nobody has melted anything
    live.heated_s = eyes.district.clock.monotonic_s()
    eyes.air_c = 4.0
    assert not await full(eyes)
    eyes.air_c = 0.5
    eyes.drains.look()
    assert eyes.stands(AlarmCode.REFREEZING_AT_FOOT, "z03")
    text = next(one.text for one in eyes.district.alarms.standing() if one.code is AlarmCode.REFREEZING_AT_FOOT)
    assert "Clear the drain" in text
    eyes.district.clock.advance(60)
    assert (await eyes.send("drain-readings", zone="z03", level_permille=300))[1] == {"refreezing": False}
    assert not await full(eyes, 5)  # the first gush
    assert await full(eyes, 10)
    eyes.district.clock.advance(3 * 3600 + 1)
    eyes.drains.look()  # a sensor that says no more
    assert not eyes.stands(AlarmCode.REFREEZING_AT_FOOT, "z03")


async def test_snow_upwind_says_when_it_may_be_here(eyes: Eyes) -> None:
    now = int(eyes.district.clock.utc_s())
    status, outcome = await eyes.send("upwind", place="Incheon", snowing=True)
    assert (status, outcome) == (201, {"here_utc_s": now + 75 * 60})
    assert eyes.stands(AlarmCode.SNOW_UPWIND, "Incheon")
    eyes.district.clock.advance(600)
    assert (await eyes.send("upwind", place="Incheon", snowing=False))[1] == {"here_utc_s": None}
    assert not eyes.stands(AlarmCode.SNOW_UPWIND, "Incheon")
    eyes.district.clock.advance(60)
    await eyes.send("upwind", place="Incheon", snowing=True)
    eyes.district.clock.advance(2 * 3600 + 1)
    eyes.upwind.look()
    assert not eyes.stands(AlarmCode.SNOW_UPWIND, "Incheon")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("drain-readings", {"zone": "z99", "level_permille": 1}, "unknown-zone"),
        ("drain-readings", {"zone": "z03", "level_permille": 1001}, "invalid"),
        ("drain-readings", {"zone": "z03", "level_permille": 1, "age_s": 901}, "stale"),
        ("drain-readings", {"zone": "z03", "level_permille": 1, "age_s": -61}, "stale"),
        ("upwind", {"place": "Busan", "snowing": True}, "invalid"),
        ("upwind", {"place": "Incheon", "snowing": "maybe"}, "invalid"),
        ("upwind", {"place": "Incheon", "snowing": True, "age_s": 901}, "stale"),
    ],
)
async def test_what_cannot_be_is_refused(eyes: Eyes, path: str, body: dict[str, Any], code: str) -> None:
    status, problem = await eyes.send(path, **body)
    assert (status >= 400, problem["code"]) == (True, code)
    assert problem["detail"]
    assert eyes.district.alarms.standing() == []


def test_places_upwind_are_checked(tmp_path: Path) -> None:
    config, problems = config_of(tmp_path, "[city]\nupwind = { Incheon = 75, Yeongjong = 85 }")
    assert problems == []
    assert config is not None
    assert config.city.upwind == {"Incheon": 75, "Yeongjong": 85}
    for wrong in ('{ "" = 75 }', "{ Incheon = 1 }", "{ Incheon = 400 }"):
        _, problems = config_of(tmp_path, f"[city]\nupwind = {wrong}")
        assert len(problems) == 1
        assert "city.upwind" in problems[0]


async def test_the_example_client_sends_what_a_camera_sees(eyes: Eyes, tmp_path: Path) -> None:
    import asyncio

    seen = {"snow_or_ice": 0.1, "wet": 0.8, "dry": 0.1}
    lines = ["nothing", json.dumps({"wet": 1}), json.dumps(seen)]
    url = str(eyes.client.make_url("")).rstrip("/")

    def run() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ROADHEAT_URL": url, "ROADHEAT_TOKEN": eyes.token}
        return subprocess.run(
            [sys.executable, str(EXAMPLE), "z03"], input="\n".join(lines) + "\n", capture_output=True, text=True,
            env=environment, check=True, timeout=20,
        )  # fmt: skip

    done = await asyncio.to_thread(run)
    assert done.stderr.count("left out") == 2
    assert "z03: 4" in done.stderr  # this service takes no observations: said, and not tried for ever
