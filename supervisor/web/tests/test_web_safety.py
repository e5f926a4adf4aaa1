"""Electric danger, broken cables and OFF on a full disk, over HTTP; and that help texts say what flags do."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from supervisor.control.condition import BLOCKING, CODES, NEEDS_PERSON, STOPS, NotHeating
from supervisor.control.intake import FLAG_ALARMS
from supervisor.control.reach import Reach
from supervisor.domain.danger import Danger, DangerKind
from supervisor.store import danger as kept
from supervisor.web import files
from supervisor.web.keys import SERVICES
from supervisor.wire.messages import Flag, Winner

LATCHED_EARTH = Flag.EARTH_FAULT | Flag.LATCHED
OFF = {"mode": "off", "minutes": 60, "reason": "Work on the road " * 10}
ON = {"mode": "on", "minutes": 60, "reason": "Ice reported"}


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((files.STATIC / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
async def three(sign_in: Any) -> tuple[Any, Any, Any]:
    """Crew, engineer and administrator: three people."""
    return await sign_in("crew"), await sign_in("engineer"), await sign_in("admin")


async def test_danger_of_a_feeder_is_reported_once_and_cleared_by_two_people(district: Any, three: Any) -> None:
    kim, lee, _ = three
    path = "/api/v1/feeders/f1/danger"
    both = await asyncio.gather(kim.ask("POST", path), kim.ask("POST", path))
    assert {status for status, _ in both} == {200}
    danger = both[0][1]
    assert [zone["zone"] for zone in danger["zones"]] == [f"z0{n}" for n in range(1, 9)]
    assert {zone["reach"] for zone in danger["zones"]} == {"unreachable"}
    assert (danger["stands"], danger["user"], danger["recorded"]) == (True, "kim-crew", True)
    _, view = await lee.ask("GET", "/api/v1/zones/z03")
    assert (view["not_heating"], view["offered"], view["dangers"][0]["subject"]) == ("electric-danger", ["off"], "f1")
    status, problem = await lee.ask("POST", "/api/v1/zones/z03/overrides", json=ON)
    assert (status, problem["code"]) == (422, "electric-danger")
    assert problem["remedy"]
    _, alarms = await lee.ask("GET", "/api/v1/alarms")
    assert [(alarm["code"], alarm["subject"]) for alarm in alarms] == [("electric-danger", "f1")]
    for person, stands in ((kim, True), (kim, True), (lee, False)):
        status, answer = await person.ask("POST", f"{path}/clear")
        assert (status, answer["stands"]) == (200, stands)
    assert (answer["cleared_by"], answer["confirmed_by"]) == ("kim-crew", "kim-engineer")
    assert (await lee.ask("POST", f"{path}/clear"))[0] == 404
    assert (await lee.ask("POST", "/api/v1/zones/z03/overrides", json=ON))[0] == 201


async def test_danger_needs_the_crew_s_role_and_an_own_page(district: Any, sign_in: Any) -> None:
    viewer = await sign_in("viewer")
    for path in ("zones/z01/danger", "zones/z01/danger/clear", "feeders/f1/danger", "feeders/f1/danger/clear",
                 "zones/z01/broken-cable/clear"):  # fmt: skip
        assert (await viewer.ask("POST", f"/api/v1/{path}"))[0] == 403
        assert (await viewer.ask("POST", f"/api/v1/{path}", headers={"X-CSRF-Token": "no"}))[0] == 403
    crew = await sign_in("crew")
    for path, code in (("zones/z99/danger", "unknown-zone"), ("feeders/z01/danger", "unknown-feeder"),
                       ("zones/z01/danger/clear", "no-danger"),
                       ("zones/z01/broken-cable/clear", "no-broken-cable")):  # fmt: skip
        status, problem = await crew.ask("POST", f"/api/v1/{path}")
        assert (status, problem["code"]) == (404, code)
    assert district.alarms.standing() == []


async def test_a_danger_of_a_zone_that_has_left_the_configuration_can_still_be_cleared(
    district: Any, three: Any
) -> None:
    kim, lee, _ = three
    gone = Danger(id=7, kind=DangerKind.ZONE, subject="z99", user="kim", raised_utc_s=5)
    await district.store.write(lambda db: kept.put(db, gone))
    await district.app[SERVICES].safety.dangers.load()
    assert [(alarm.code, alarm.subject) for alarm in district.alarms.standing()] == [("electric-danger", "z99")]
    assert (await kim.ask("POST", "/api/v1/zones/z99/danger/clear"))[1]["stands"]
    assert not (await lee.ask("POST", "/api/v1/zones/z99/danger/clear"))[1]["stands"]
    assert district.alarms.standing() == []
    assert (await lee.ask("POST", "/api/v1/zones/z99/danger/clear"))[0] == 404


async def test_off_with_a_full_disk_is_carried_out_and_said_to_be_not_recorded(district: Any, three: Any) -> None:
    kim, lee, _ = three
    await district.store.write(lambda db: db.execute("PRAGMA max_page_count = 1").fetchall())
    for _ in range(60):
        status, off = await kim.ask("POST", "/api/v1/zones/z04/overrides", json=OFF)
        assert status == 201
        if not off["recorded"]:
            break
    assert not off["recorded"]
    status, problem = await kim.ask("POST", "/api/v1/zones/z05/overrides", json=ON)
    assert (status, problem["code"]) == (503, "store-full")
    _, view = await lee.ask("GET", "/api/v1/zones/z04")
    assert (view["override"]["id"], view["override"]["recorded"]) == (off["id"], False)
    status, danger = await kim.ask("POST", "/api/v1/zones/z05/danger")
    assert (status, danger["stands"], danger["recorded"]) == (200, True, False)
    await district.store.read(lambda db: None)
    district.store._writer._connection.execute("PRAGMA max_page_count = 1000000")
    await district.overrides.expire()
    assert (await lee.ask("GET", f"/api/v1/overrides/{off['id']}"))[1]["recorded"]
    assert (await district.store.audit.verify())[0] > 0


async def test_an_on_that_a_fault_stops_is_answered_with_the_reason(district: Any, three: Any) -> None:
    kim = three[0]
    district.hear("z02", -1.0, "snow", 5.0, who=Winner.INTERLOCK, flags=LATCHED_EARTH)
    status, made = await kim.ask("POST", "/api/v1/zones/z02/overrides", json=ON)
    assert (status, made["not_heating"]) == (201, "earth-fault")
    status, made = await kim.ask("POST", "/api/v1/zones/z03/overrides", json=ON)
    assert (status, made["not_heating"]) == (201, None)


async def test_a_person_clears_a_broken_cable(district: Any, three: Any) -> None:
    kim = three[0]
    district.hear("z02", -1.0, "snow", 5.0)
    district.live.zones["z02"].cable_broken = True
    assert (await kim.ask("GET", "/api/v1/zones/z02"))[1]["not_heating"] == "cable-broken"
    status, view = await kim.ask("POST", "/api/v1/zones/z02/broken-cable/clear")
    assert (status, view["blocked"]) == (200, False)
    assert [e.action for e in await district.store.audit.entries(0, 4e9)][-1] == "cable-mended"


# Words

HEATING_IS_OFF = {"en": re.compile(r"\bheating is off\b", re.I), "ko": re.compile("가동을 멈췄")}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_help_of_a_blocking_flag_says_that_heating_is_off_and_no_other_does(language: str) -> None:
    for flag in Flag:
        name = (flag.name or "").lower().replace("_", "-")
        text = words(language)[f"flag-help.{name}"]
        assert bool(HEATING_IS_OFF[language].search(text)) == bool(flag & BLOCKING), text


BOTH_SENSORS = {"en": re.compile(r"surface.*cable", re.I | re.S), "ko": re.compile("노면.*열선", re.S)}
ENDS_BY_ITSELF = {"en": re.compile(r"\buntil it has\b|\bfor a while\b|\buntil the board\b|automatically"),
                  "ko": re.compile("식을 때까지|잠시|마칠 때까지")}  # fmt: skip
TO_DO = {"en": re.compile(r"\bcall an electrician\b|\bsalt\b|\bon site\b"), "ko": re.compile("부르세요|뿌리세요|현장")}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_help_of_a_flag_says_what_ends_it(language: str) -> None:
    for flag in Flag:
        if not flag & BLOCKING:
            continue
        code = NotHeating[str(flag.name)]
        text = words(language)[f"flag-help.{code}"]
        needs_person = code in NEEDS_PERSON
        assert bool(TO_DO[language].search(text)) == needs_person, text
        assert bool(ENDS_BY_ITSELF[language].search(text)) != needs_person, text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_sensor_flag_names_surface_and_cable_sensor_since_it_stands_for_both(language: str) -> None:
    for family in ("flag", "flag-help", "stop", "todo", "alarm"):
        text = words(language)[f"{family}.sensor-implausible"]
        assert BOTH_SENSORS[language].search(text), text
    assert BOTH_SENSORS["en"].search(FLAG_ALARMS[Flag.SENSOR_IMPLAUSIBLE])
    safety = (files.STATIC.parents[1] / "firmware" / "rh" / "safety.py").read_text(encoding="utf-8")
    assert "if not (surface.valid and cable.valid):\n            flags |= SENSOR_IMPLAUSIBLE" in safety


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_reason_and_reach_has_words_and_every_stop_says_what_to_do(language: str) -> None:
    found = words(language)
    needed = {f"stop.{code}" for code in CODES} | {f"todo.{code}" for code in STOPS}
    needed |= {f"danger.reach.{reach}" for reach in Reach}
    assert needed - set(found) == set()
    assert {key for key in found if key.startswith(("stop.", "todo."))} <= needed
    for code in NEEDS_PERSON:
        assert len(found[f"todo.{code}"].split("|")) >= 2


def test_nothing_says_any_more_that_a_board_without_temperature_heats() -> None:
    text = "".join((files.STATIC / "i18n" / f"{language}.json").read_text() for language in ("en", "ko"))
    assert "carefully" not in text
    assert "조심스럽게" not in text
