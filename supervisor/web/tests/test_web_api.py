"""Reading and commanding: every endpoint and every error it may give, through the real application and store."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from supervisor.control.view import ZoneView
from supervisor.web.api import BODY_MAX_BYTES
from supervisor.web.schema import OverrideAnswer, PlanAnswer, SessionAnswer

OVERRIDE = {"mode": "on", "minutes": 60, "reason": "Ice reported"}


def problem(answer: tuple[int, Any], status: int, code: str) -> dict[str, Any]:
    """The problem, after checking its form."""
    got, body = answer
    assert (got, body["code"]) == (status, code), body
    assert body["type"] == f"urn:roadheat:problem:{code}"
    assert body["status"] == status
    assert body["title"]
    return dict(body)


# Reading


async def test_answers_are_what_the_document_says(sign_in: Any) -> None:
    crew = await sign_in("crew")
    _, zones = await crew.ask("GET", "/api/v1/zones")
    views = msgspec.convert(zones, list[ZoneView])
    assert [view.id for view in views] == [f"z0{n}" for n in range(1, 9)]
    assert views[0].surface_c == -2.3
    assert views[2].plan is not None
    assert (views[2].plan.why[0].code, views[2].plan.why[0].probability) == ("preheat-snow", 0.7)
    assert views[2].plan.why[0].hazard_utc_s == 1_703_880_000  # 05:00 in Seoul
    _, zone = await crew.ask("GET", "/api/v1/zones/z08")
    assert msgspec.convert(zone, ZoneView).online is False
    session = msgspec.convert((await crew.ask("GET", "/api/v1/session"))[1], SessionAnswer)
    assert session.site == "Seongbuk-gu"
    assert [(one.source, one.licence) for one in session.attributions] == [("MET Norway", "CC BY 4.0, NLOD 2.0")]


async def test_a_plan_is_answered_with_absolute_times(district: Any, sign_in: Any) -> None:
    crew = await sign_in("viewer")
    status, body = await crew.ask("GET", "/api/v1/zones/z03/plan")
    plan = msgspec.convert(body, PlanAnswer)
    assert status == 200
    start = district.live.zones["z03"].plan.start_utc_s
    assert [(slot.start_s - start, slot.end_s - start, slot.duty_permille) for slot in plan.slots[:2]] == [
        (0, 7 * 3600, 600),
        (7 * 3600, 24 * 3600, -1),
    ]
    assert plan.why[1].start_s == start + 2400
    district.live.zones["z03"].plan = None
    problem(await crew.ask("GET", "/api/v1/zones/z03/plan"), 404, "no-plan")


@pytest.mark.parametrize("path", ["/api/v1/zones/z99", "/api/v1/zones/z99/plan", "/api/v1/zones/%2e%2e%2f"])
async def test_an_unknown_zone_is_not_found(sign_in: Any, path: str) -> None:
    problem(await (await sign_in("crew")).ask("GET", path), 404, "unknown-zone")


async def test_an_unknown_address_or_method(sign_in: Any) -> None:
    crew = await sign_in("crew")
    problem(await crew.ask("GET", "/api/v2/zones"), 404, "not-found")
    problem(await crew.ask("GET", "/static/../web/site.py"), 404, "not-found")
    problem(await crew.ask("GET", "/static/%2e%2e/web/site.py"), 404, "not-found")
    problem(await crew.ask("POST", "/api/v1/zones"), 405, "method-not-allowed")


# Commanding


async def test_an_override_is_recorded_and_cancelled(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    status, body = await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE)
    made = msgspec.convert(body, OverrideAnswer)
    assert (status, made.mode, made.user, made.state) == (201, "on", "kim-crew", "requested")
    assert made.expires_utc_s - made.created_utc_s == 3600
    _, zone = await crew.ask("GET", "/api/v1/zones/z03")
    assert zone["override"]["id"] == made.id
    status, ended = await crew.ask("DELETE", f"/api/v1/overrides/{made.id}")
    assert (status, ended["state"]) == (200, "cancelled")
    assert (await crew.ask("GET", f"/api/v1/overrides/{made.id}"))[1]["state"] == "cancelled"
    assert await district.store.overrides.live(district.clock.utc_s()) == []
    entries = await district.store.audit.entries(0, 4e9)
    assert [entry.action for entry in entries if entry.user == "kim-crew"] == ["sign-in", "override", "cancel"]


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"reason": None}, "invalid", "reason"),
        ({"reason": ""}, "invalid", "reason"),
        ({"reason": "    "}, "command", "reason"),
        ({"reason": "x" * 201}, "invalid", "reason"),
        ({"minutes": None}, "invalid", "minutes"),
        ({"minutes": 0}, "invalid", "minutes"),
        ({"minutes": 1.5}, "invalid", "minutes"),
        ({"minutes": "60"}, "invalid", "minutes"),
        ({"minutes": 481}, "command", "minutes"),
        ({"minutes": 10**30}, "invalid", "minutes"),
        ({"mode": "full"}, "invalid", "mode"),
        ({"surprise": 1}, "invalid", "surprise"),
    ],
)
async def test_a_bad_override_is_refused_by_field(
    district: Any, sign_in: Any, change: dict[str, Any], code: str, where: str
) -> None:
    crew = await sign_in("crew")
    body = {key: value for key, value in {**OVERRIDE, **change}.items() if value is not None}
    refused = problem(await crew.ask("POST", "/api/v1/zones/z03/overrides", json=body), 422, code)
    assert refused["where"] == where
    assert await district.store.overrides.live(0) == []


async def test_a_zone_with_a_shorter_limit_keeps_it(sign_in: Any) -> None:
    crew = await sign_in("crew")
    refused = problem(
        await crew.ask("POST", "/api/v1/zones/z05/overrides", json={**OVERRIDE, "minutes": 241}), 422, "command"
    )
    assert "240" in refused["detail"]


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad-json"),
        (b"\xff\xfe", "application/json", 400, "bad-json"),
        (b"[" * 15_000, "application/json", 422, "invalid"),
        (b'{"mode":"on","minutes":60,"reason":' + b"[" * 15_000, "application/json", 422, "invalid"),
        (b'{"surprise":' + b"[" * 15_000, "application/json", 422, "invalid"),
        (b"[]", "application/json", 422, "invalid"),
        (b'{"mode":"on","minutes":60,"reason":"\\ud800ice"}', "application/json", 400, "bad-json"),
        (b"mode=on", "application/x-www-form-urlencoded", 415, "not-json"),
        (b" " * (BODY_MAX_BYTES + 1), "application/json", 413, "too-large"),
    ],
)
async def test_a_damaged_body(sign_in: Any, data: bytes, kind: str, status: int, code: str) -> None:
    crew = await sign_in("crew")
    answer = await crew.ask("POST", "/api/v1/zones/z03/overrides", data=data, headers={"Content-Type": kind})
    problem(answer, status, code)


async def test_unknown_zone_and_override_to_command(sign_in: Any) -> None:
    crew = await sign_in("crew")
    problem(await crew.ask("POST", "/api/v1/zones/z99/overrides", json=OVERRIDE), 404, "unknown-zone")
    problem(await crew.ask("DELETE", "/api/v1/overrides/77"), 404, "not-found")
    problem(await crew.ask("DELETE", "/api/v1/overrides/x"), 404, "unknown-override")
    problem(await crew.ask("DELETE", f"/api/v1/overrides/{'9' * 40}"), 404, "unknown-override")


async def test_only_our_own_page_may_command(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    path = "/api/v1/zones/z03/overrides"
    own = str(crew.client.make_url("/")).rstrip("/")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        problem(await crew.ask("POST", path, json=OVERRIDE, headers=headers), 403, "bad-origin")
    for token in ("", "wrong", "ünicode"):
        refused = await crew.ask("POST", path, json=OVERRIDE, headers={"Origin": own, "X-CSRF-Token": token})
        problem(refused, 403, "bad-csrf")
    assert await district.store.overrides.live(0) == []
    assert (await crew.ask("POST", path, json=OVERRIDE, headers={"Origin": own}))[0] == 201


async def test_roles(sign_in: Any) -> None:
    viewer, crew, admin = await sign_in("viewer"), await sign_in("crew"), await sign_in("admin")
    problem(await viewer.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE), 403, "forbidden")
    problem(await viewer.ask("DELETE", "/api/v1/overrides/1"), 403, "forbidden")
    problem(await crew.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "crew"}), 403, "forbidden")
    status, link = await admin.ask("POST", "/api/v1/links", json={"user": "이민수", "role": "crew"})
    assert status == 201
    problem(await admin.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "root"}), 422, "invalid")
    crew.client.session.cookie_jar.clear()
    assert (await crew.client.get(link["path"])).status == 200
    assert (await crew.ask("GET", "/api/v1/session"))[1]["user"] == "이민수"


async def test_the_same_command_twice_is_one(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    headers = {"Idempotency-Key": "a1b2c3d4e5f6"}
    both = [crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers=headers) for _ in range(2)]
    answers = [
        *await asyncio.gather(*both),
        await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers=headers),
    ]
    assert {(status, body["id"]) for status, body in answers} == {(201, answers[0][1]["id"])}
    assert len(await district.store.overrides.made("z03", 0, 4e9)) == 1
    refused = await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers={"Idempotency-Key": "no!"})
    problem(refused, 400, "bad-request")


async def test_what_failed_may_be_tried_again_under_its_key(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    headers = {"Idempotency-Key": "a1b2c3d4e5f6"}
    too_long = {**OVERRIDE, "minutes": 481}
    problem(await crew.ask("POST", "/api/v1/zones/z03/overrides", json=too_long, headers=headers), 422, "command")
    assert (await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers=headers))[0] == 201


async def test_a_full_disk_is_said_and_commands_nothing(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    await district.store.write(lambda db: db.execute("PRAGMA max_page_count = 1").fetchall())  # no page more than now
    long = {**OVERRIDE, "reason": "snow " * 40}
    for _ in range(100):
        status, body = await crew.ask("POST", "/api/v1/zones/z04/overrides", json=long)
        if status != 201:
            break
    refused = problem((status, body), 503, "store-full")
    assert ".db" not in str(refused)  # no paths of the machine
    held = district.overrides.live_for("z04")
    assert held in [None, *await district.store.overrides.live(district.clock.utc_s())]
