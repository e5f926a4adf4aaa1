"""Right and wrong requests for every operation of the OpenAPI document, made by schemathesis.

No answer is 500 or above, none has a status, a content type or a body that the document does not name.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from supervisor.domain.scope import Scope
from supervisor.web.rates import RATES

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# They end the session with which the others are tried; the matrix test calls them.
ENDING = ("delete_session", "revoke_person", "revoke_session")


async def sign_in_headers(sign_in: Any) -> list[str]:
    person = await sign_in("admin")
    [cookie] = list(person.client.session.cookie_jar)
    return [f"Cookie: {cookie.key}={cookie.value}", f"X-CSRF-Token: {person.csrf}"]


@pytest.mark.parametrize("who", ["person", "program"])
async def test_every_answer_is_one_that_the_document_names(
    who: str, district: Any, aiohttp_server: Any, sign_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await aiohttp_server(district.app)
    if who == "person":
        headers = await sign_in_headers(sign_in)
    else:
        token, _ = await district.sessions.tokens.make("conformance", list(Scope), 90, "test")
        headers = [f"Authorization: Bearer {token}"]
    monkeypatch.setattr(district.app[RATES], "take", lambda _user: True)  # thousands of requests in seconds
    arguments = [text for header in headers for text in ("-H", header)]
    arguments += [text for name in ENDING for text in ("--exclude-operation-id", name)]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"), "run", str(server.make_url("/openapi.json")), *arguments,
        "--exclude-path", "/api/v1/stream", "--phases", "coverage,fuzzing", "--checks", CHECKS, "--max-examples", "5",
        "--continue-on-failure", "--no-color", "--seed", "1", "--generation-database", "none",
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-6000:]
    assert b"Coverage" in output
    assert b"Fuzzing" in output
