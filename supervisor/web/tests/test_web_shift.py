"""The shift over the API: notes are left once and taken over once, by people of the crew."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.web.tests.test_web_api import problem

NOTE = {"text": "돌곶이로는\n순찰차로  확인", "items": ["북악산로 12: 누전"]}


async def test_a_note_is_left_and_taken_over_by_the_first(district: Any, sign_in: Any) -> None:
    crew, engineer = await sign_in("crew"), await sign_in("engineer")
    status, note = await crew.ask("POST", "/api/v1/handovers", json=NOTE)
    assert (status, note["user"], note["text"]) == (201, "kim-crew", "돌곶이로는\n순찰차로 확인")
    status, taken = await engineer.ask("POST", f"/api/v1/handovers/{note['id']}/take")
    assert (status, taken["taken_by"]) == (200, "kim-engineer")
    assert (await crew.ask("POST", f"/api/v1/handovers/{note['id']}/take"))[1] == taken
    _, shift = await crew.ask("GET", "/api/v1/shift")
    assert shift["notes"] == [taken]
    actions = [entry.action for entry in await district.store.audit.entries(0, district.clock.utc_s() + 9)]
    assert actions[-2:] == ["handover", "handover-taken"]
    district.clock.advance(3 * 86_400)
    assert (await crew.ask("GET", "/api/v1/shift"))[1]["notes"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "command"),
        ({"text": " \n\t "}, "command"),
        ({"text": "\u0007"}, "command"),
        ({"text": "x" * 1001}, "invalid"),
        ({"items": [""]}, "invalid"),
        ({"items": ["x"] * 61}, "invalid"),
        ({"to": "Lee"}, "invalid"),
    ],
)
async def test_an_empty_or_endless_note_is_refused(sign_in: Any, body: dict[str, Any], code: str) -> None:
    problem(await (await sign_in("crew")).ask("POST", "/api/v1/handovers", json=body), 422, code)


async def test_who_only_looks_leaves_no_note_and_sees_the_stage(district: Any, sign_in: Any) -> None:
    viewer = await sign_in("viewer")
    problem(await viewer.ask("POST", "/api/v1/handovers", json=NOTE), 403, "forbidden")
    problem(await (await sign_in("crew")).ask("POST", "/api/v1/handovers/77/take"), 404, "no-handover")
    assert (await viewer.ask("GET", "/api/v1/stage"))[1] == {
        "stage": "none", "depth_cm": None, "since_utc_s": None, "probability": None,
        "snow_cm_h": None, "snow_until_utc_s": None,
    }  # fmt: skip
    now = int(district.clock.utc_s())
    for begin in (now + 900, now - 10 * 365 * 86_400):  # ahead of now, and for ever
        status, shift = await viewer.ask("GET", f"/api/v1/shift?from={begin}")
        assert status == 200
        assert now - 7 * 86_400 - 9 <= shift["from_utc_s"] <= shift["until_utc_s"]
    problem(await viewer.ask("GET", "/api/v1/shift?from=then"), 422, "invalid")


async def test_energy_and_its_cost_of_the_time_away(district: Any, sign_in: Any) -> None:
    crew, now = await sign_in("crew"), int(district.clock.utc_s())
    hour = now // 3600 * 3600 - 3600
    rows = [(hour, zone, 10_000, 10_000, 10_000, 10_000) for zone in ("z01", "z02")]
    await district.store.write(
        lambda db: db.executemany("INSERT INTO zone_1h VALUES (?, ?, ?, ?, ?, ?, 3600, 3600, 0, 0, NULL, 0)", rows)
    )
    _, shift = await crew.ask("GET", f"/api/v1/shift?from={hour - 9}")
    assert shift["used"] == {"wh": 80_000, "cost": pytest.approx(80 * 94.3), "currency": "KRW"}  # an off-peak hour
    _, shift = await crew.ask("GET", f"/api/v1/shift?from={hour + 1800}")
    assert shift["used"]["wh"] == 40_000  # its second half
    _, shift = await crew.ask("GET", f"/api/v1/shift?from={now}")
    assert shift["used"]["wh"] == 0
