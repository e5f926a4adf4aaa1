"""The history and the audit log over the API: who may see what, and what a wrong question gets."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.web.tests.test_web_api import OVERRIDE, problem


async def test_the_history_of_a_road_and_of_all(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE)
    await crew.ask("POST", "/api/v1/works", json={"zones": ["z02"], "kind": "ploughed"})
    status, found = await crew.ask("GET", "/api/v1/history?zone=z03")
    assert (status, [(one["kind"], one["user"]) for one in found["entries"]]) == (200, [("command", "kim-crew")])
    status, found = await crew.ask("GET", "/api/v1/history?kind=work&kind=command")
    assert {one["subject"] for one in found["entries"]} == {"z02", "z03"}
    later = int(district.clock.utc_s()) + 100
    assert (await crew.ask("GET", f"/api/v1/history?from={later}&to={later + 9}"))[1]["entries"] == []


async def test_sign_ins_and_the_audit_log_are_for_administrators(district: Any, sign_in: Any) -> None:
    crew, admin = await sign_in("crew"), await sign_in("admin")
    assert (await crew.ask("GET", "/api/v1/history?kind=sign-in"))[1]["entries"] == []
    names = {one["user"] for one in (await admin.ask("GET", "/api/v1/history?kind=sign-in"))[1]["entries"]}
    assert names == {"kim-crew", "kim-admin"}
    for path in ("/api/v1/audit", "/api/v1/audit/verdict"):
        problem(await crew.ask("GET", path), 403, "forbidden")
    status, page = await admin.ask("GET", "/api/v1/audit")
    ids = [one["id"] for one in page["entries"]]
    assert (status, ids) == (200, sorted(ids, reverse=True))
    _, older = await admin.ask("GET", f"/api/v1/audit?before={ids[0]}")
    assert [one["id"] for one in older["entries"]] == ids[1:]
    _, verdict = await admin.ask("GET", "/api/v1/audit/verdict")
    assert (verdict["unaltered"], verdict["length"]) == (True, ids[0])
    await district.store.write(lambda db: db.execute("DROP TRIGGER audit_stands"))
    await district.store.write(lambda db: db.execute("UPDATE audit SET user = 'nobody' WHERE id = 2"))
    _, verdict = await admin.ask("GET", "/api/v1/audit/verdict")
    assert (verdict["unaltered"], verdict["where"]) == (False, "entry 2")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("kind=gossip", 422, "invalid"),
        ("from=yesterday", 422, "invalid"),
        ("from=-5", 422, "invalid"),
        ("to=99999999999999999999", 422, "invalid"),
        ("zone=nowhere", 404, "unknown-zone"),
        ("from=0", 422, "command"),
        ("from=1800000000&to=1700000000", 422, "command"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(sign_in: Any, query: str, status: int, code: str) -> None:
    problem(await (await sign_in("viewer")).ask("GET", f"/api/v1/history?{query}"), status, code)
