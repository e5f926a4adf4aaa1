"""The examples of docs/api.md, run as they stand against a running service."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from supervisor.domain.scope import Scope

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
# A block of code, and the output that the page shows for it; "…" stands for anything.
EXAMPLES = re.findall(
    r"^```(sh|python)\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
)


def test_every_block_of_code_has_its_output() -> None:
    assert len(EXAMPLES) == len(re.findall(r"^```(?:sh|python)$", PAGE.read_text("utf-8"), re.MULTILINE)) >= 6


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_an_example_does_what_the_page_says(
    number: int, district: Any, aiohttp_server: Any, tmp_path: Path
) -> None:
    language, code, shown = EXAMPLES[number]
    server = await aiohttp_server(district.app)
    address = str(server.make_url("")).rstrip("/")
    token, _ = await district.sessions.tokens.make("Road signs", [Scope.READ, Scope.COMMAND], 90, "test")
    link, _ = await district.sessions.invite("Kim", "crew", "test")
    environment = os.environ | {
        "ROADHEAT_URL": address, "ROADHEAT_TOKEN": token, "ROADHEAT_LINK": f"{address}/login?token={link}",
        "TMPDIR": str(tmp_path),
    }  # fmt: skip
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        output, errors = (text.decode() for text in await process.communicate())
    assert process.returncode == 0, errors
    wanted = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    assert re.match(wanted, output.strip(), re.DOTALL), output
