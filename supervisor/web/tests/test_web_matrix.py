"""Who may call what: every operation of the OpenAPI document, for every role and scope, and signed out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from supervisor.domain.role import Role
from supervisor.domain.scope import Scope
from supervisor.web.openapi import document

DOCUMENT = document("test")
ROLES = [role.value for role in Role]
# Signing out ends the session that is tested with: last.
OPERATIONS = sorted(
    ((method, path, told) for path, item in DOCUMENT["paths"].items() for method, told in item.items()),
    key=lambda operation: operation[1] == "/api/v1/session",
)
VALUES = {"zone": "z01", "feeder": "f1", "override": "1", "person": "nobody", "session": "s-none", "link": "l-none",
          "token": "t-none"}  # fmt: skip


def address(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda match: VALUES.get(match[1], "none"), path)


async def status_of(client: Any, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    async with client.request(method, address(path), headers=headers) as answer:
        if answer.content_type != "application/problem+json":
            return answer.status, ""
        return answer.status, (await answer.json(content_type=None))["code"]


def is_open(told: dict[str, Any]) -> bool:
    return told.get("security") == []


def test_every_operation_says_who_may_call_it() -> None:
    assert len(OPERATIONS) > 25
    for method, path, told in OPERATIONS:
        assert is_open(told) or told["x-role"] in ROLES, (method, path)
        assert is_open(told) or {"session": []} in told["security"], (method, path)
    scopes = {
        scope for _, _, told in OPERATIONS for need in told.get("security", []) for scope in need.get("token", [])
    }
    assert scopes <= set(Scope)


async def test_what_a_person_may_not_is_logged_with_who_and_what(sign_in: Any, caplog: Any) -> None:
    person = await sign_in("viewer")
    await status_of(person.client, "GET", "/api/v1/people", {})
    (said,) = [record.getMessage() for record in caplog.records if "not allowed" in record.getMessage()]
    assert said.startswith("not allowed: GET /api/v1/people: ")
    assert "is viewer; this needs admin" in said


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_the_document_says_and_no_more(sign_in: Any, role: str) -> None:
    person = await sign_in(role)
    for method, path, told in OPERATIONS:
        status, code = await status_of(person.client, method, path, {"X-CSRF-Token": person.csrf})
        allowed = is_open(told) or ROLES.index(told["x-role"]) <= ROLES.index(role)
        assert (code == "forbidden") is not allowed, (role, method, path, status, code)
        assert status != 401, (role, method, path)
        assert status < 500, (role, method, path)
        assert not code or str(status) in told["responses"], (role, method, path, status, code)


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_token_may_do_what_its_scope_says_and_no_more(district: Any, aiohttp_client: Any, scope: Scope) -> None:
    client = await aiohttp_client(district.app)
    token, made = await district.sessions.tokens.make(f"program {scope}", [scope], 90, "test")
    headers = {"Authorization": f"Bearer {token}"}
    for method, path, told in OPERATIONS:
        status, code = await status_of(client, method, path, headers)
        allowed = is_open(told) or {"token": [scope]} in told["security"]
        assert (code == "forbidden") is not allowed, (scope, method, path, status, code)
        assert status != 401, (scope, method, path)
        assert status < 500, (scope, method, path)
        assert not code or str(status) in told["responses"], (scope, method, path, status, code)
    await district.sessions.tokens.revoke(made.id, "test")
    for method, path, told in OPERATIONS:
        status, _ = await status_of(client, method, path, headers)
        assert (status == 401) is not is_open(told), (scope, method, path)


async def test_nobody_may_do_anything_without_signing_in(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)
    for method, path, told in OPERATIONS:
        status, _ = await status_of(client, method, path, {})
        assert (status == 401) is not is_open(told), (method, path, status)
