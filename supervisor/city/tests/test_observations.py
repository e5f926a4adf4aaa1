"""What cameras see: checked, kept where it is new, never a command, an alarm where three agree against the estimate."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.city.documents import Documents
from supervisor.city.observations import Observations
from supervisor.city.registry import City
from supervisor.city.weighing import Weighing
from supervisor.control.estimation import Lying
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.scope import Scope
from supervisor.web.keys import SERVICES

PATH = "/api/v1/observations"
ICE = {"snow_or_ice": 0.9, "wet": 0.08, "dry": 0.02}
WET = {"snow_or_ice": 0.05, "wet": 0.9, "dry": 0.05}


@pytest.fixture
def observations(city: City, district: Any) -> Observations:
    async def record(observer: str, zone: str, text: str) -> None:
        await district.store.events.append("observation", zone, f"{observer}: {text}")
        await district.store.audit.append(observer, "observation", f"{zone}: {text}")

    weighing = Weighing(district.live, Roads(), district.store.values.set, district.clock)
    count = city.counter("observations")
    made = Observations(city.readings, district.alarms, record, count, district.clock, weighing)
    object.__setattr__(district.app[SERVICES], "documents", Documents(observations=made))
    return made


class Roads:
    """An estimate of which nothing is certain, so that no observation moves it; see test_weighing."""

    def lying(self, zone: str) -> Lying:
        return Lying(0.0, 0.0, 0.2, 0.0)

    async def worked(self, zones: list[str], change: Any) -> None:
        raise AssertionError("moved")


class Camera:
    """A program with a token of scope `observe`."""

    def __init__(self, district: Any, client: Any, token: str) -> None:
        self.district, self.client, self.headers = district, client, {"Authorization": f"Bearer {token}"}

    async def see(self, zone: str = "z03", *, age_s: float = 0.0, **seen: Any) -> tuple[int, Any]:
        body = {"zone": zone, "observed_utc_s": int(self.district.clock.utc_s() - age_s), "obstructed": False, **seen}
        async with self.client.post(PATH, json=body, headers=self.headers) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def camera(observations: Observations, district: Any, aiohttp_client: Any) -> Camera:
    token, _ = await district.sessions.tokens.make("camera 3", [Scope.OBSERVE], 1, "test")
    return Camera(district, await aiohttp_client(district.app), token)


async def test_three_that_agree_against_the_estimate_raise_an_alarm_and_command_nothing(
    camera: Camera, district: Any
) -> None:
    for number in (1, 2, 3):
        district.clock.advance(30)
        status, outcome = await camera.see(**ICE)
        assert (status, outcome["ice_seen"]) == (201, number == 3)
    alarm = next(one for one in district.alarms.standing() if one.code is AlarmCode.ICE_SEEN)
    assert (alarm.subject, "token:camera 3 sees snow or ice (90%)" in alarm.text) == ("z03", True)
    assert district.overrides.live_for("z03") is None  # it moves nothing by itself
    assert district.live.zones["z03"].surface_word == "wet"
    district.clock.advance(30)
    assert (await camera.see(**WET))[1]["ice_seen"] is False


async def test_a_burst_an_obstructed_lens_and_a_road_known_to_be_icy_raise_none(camera: Camera, district: Any) -> None:
    for _ in range(5):
        district.clock.advance(1.1)
        assert (await camera.see(**ICE))[1]["ice_seen"] is False
    for _ in range(5):
        district.clock.advance(60)
        assert (await camera.see("z07", **ICE | {"obstructed": True}))[1]["ice_seen"] is False
        assert (await camera.see("z01", **ICE))[1]["ice_seen"] is False  # known: ice lies and it is heated
    assert district.alarms.standing() == []


async def test_it_ends_an_hour_after_the_last(camera: Camera, district: Any, observations: Observations) -> None:
    for _ in range(3):
        district.clock.advance(30)
        await camera.see(**ICE)
    district.clock.advance(3_500)
    observations.look()
    assert district.alarms.stands(AlarmCode.ICE_SEEN, "z03")
    district.clock.advance(200)
    observations.look()
    assert not district.alarms.stands(AlarmCode.ICE_SEEN, "z03")


async def test_what_is_new_is_in_the_record_and_in_the_audit_log(camera: Camera, district: Any) -> None:
    recorded = []
    for seen in (WET, WET, ICE, ICE):
        district.clock.advance(60)
        recorded.append((await camera.see(**seen))[1]["recorded"])
    assert recorded == [True, False, True, False]
    now = district.clock.utc_s() + 1
    events = [one.detail for one in await district.store.events.happened(0, now, "observation")]
    assert events == ["token:camera 3: wet 90%", "token:camera 3: snow_or_ice 90%"]
    entries = [one for one in await district.store.audit.entries(0, now) if one.action == "observation"]
    assert [(one.user, one.detail) for one in entries] == [
        ("token:camera 3", "z03: wet 90%"), ("token:camera 3", "z03: snow_or_ice 90%"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"snow_or_ice": 0.9, "wet": 0.9, "dry": 0.0}, "invalid"),
        ({"snow_or_ice": 1.4, "wet": -0.4, "dry": 0.0}, "invalid"),
        ({"snow_or_ice": 0.0, "wet": 0.0, "dry": 0.0}, "invalid"),
        ({"wet": "much"}, "invalid"),
        ({"fog": 0.1}, "invalid"),
        ({"zone": "z99"}, "unknown-zone"),
        ({"age_s": 901}, "stale"),
        ({"age_s": -61}, "stale"),
    ],
)
async def test_what_cannot_be_is_refused_counted_and_not_kept(
    camera: Camera, metrics: Metrics, district: Any, changes: dict[str, Any], code: str
) -> None:
    status, problem = await camera.see(**ICE | changes)
    assert (status >= 400, problem["code"]) == (True, code)
    assert await district.store.events.happened(0, district.clock.utc_s() + 9, "observation") == []
    by_the_web_layer = "fog" in changes or changes.get("wet") in ("much", -0.4) or code == "unknown-zone"
    assert metrics.city.labels("observations", code)._value.get() == (0 if by_the_web_layer else 1)


async def test_the_same_twice_is_stale(camera: Camera) -> None:
    assert (await camera.see(**ICE))[0] == 201
    status, problem = await camera.see(age_s=5, **ICE)
    assert (status, problem["code"], problem["where"]) == (422, "stale", "observed_utc_s")


async def test_only_tokens_with_the_scope_and_people_on_the_crew(
    camera: Camera, district: Any, sign_in: Any, aiohttp_client: Any
) -> None:
    body = {"zone": "z03", "observed_utc_s": int(district.clock.utc_s()), "obstructed": False, **ICE}
    assert (await (await sign_in("viewer")).ask("POST", PATH, json=body))[0] == 403
    token, _ = await district.sessions.tokens.make("reader", [Scope.READ, Scope.COMMAND], 1, "test")
    stranger = await aiohttp_client(district.app)
    async with stranger.post(PATH, json=body, headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 403


async def test_people_are_named_in_the_audit_log_only(observations: Observations, district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    for _ in range(3):
        district.clock.advance(60)
        body = {"zone": "z03", "observed_utc_s": int(district.clock.utc_s()), "obstructed": False, **ICE}
        assert (await crew.ask("POST", PATH, json=body))[0] == 201
    alarm = next(one for one in district.alarms.standing() if one.code is AlarmCode.ICE_SEEN)
    assert alarm.text.startswith("people sees")
    assert {observer for _, observer in observations._kept} == {"people"}
