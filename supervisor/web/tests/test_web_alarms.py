"""Alarms in the app: every code of the source has words that say what to do; the stream carries those that stand."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any, Final

import pytest

from supervisor.control.intake import FLAG_ALARMS
from supervisor.web.tests.test_web_static import LANGUAGES, words
from supervisor.web.tests.test_web_stream import event

ROOT: Final = Path(__file__).parents[2]
SETTERS: Final = re.compile(r"(\balarms|_alarms)\.set$|\._alarm$|\._raise$|\._settle$")
# Where a code is passed on: who calls these is found by the same search; the flags' names are in their table.
PASSED_ON: Final = {
    ("control/distrust.py", "code"),
    ("control/intake.py", "flag.name.lower().replace('_', '-') if flag.name else ''"),
}
TO_DO_LEAST: Final = {"en": 12, "ko": 8}  # letters of the shortest sentence that says what to do


def codes_in(path: Path) -> tuple[set[str], set[tuple[str, str]]]:
    """Alarm codes that a source file sets; and the first arguments that are no constant."""
    found, other = set(), set()
    where = str(path.relative_to(ROOT))
    module = "supervisor." + where.removesuffix(".py").replace("/", ".")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and node.args and SETTERS.search(ast.unparse(node.func))):
            continue
        code = node.args[0]
        value = code.value if isinstance(code, ast.Constant) else None
        if isinstance(code, ast.Name):
            value = getattr(importlib.import_module(module), code.id, None)
        if isinstance(value, str):
            found.add(value)
        else:
            other.add((where, ast.unparse(code)))
    return found, other


def all_codes() -> set[str]:
    found = {(flag.name or "").lower().replace("_", "-") for flag in FLAG_ALARMS}
    passed_on = set()
    for path in ROOT.rglob("*.py"):
        if "tests" not in path.parts:
            codes, other = codes_in(path)
            found |= codes
            passed_on |= other
    assert passed_on == PASSED_ON
    return found


def test_the_search_finds_codes_by_literal_constant_and_flag() -> None:
    assert {"loop-failed", "prices", "influx-held", "estimate-reset", "not-recorded", "board-absent", "earth-fault",
            "telemetry-refused", "energy-quarantined", "plan-refused"} <= all_codes()  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alarm_code_of_the_source_has_words_that_say_what_to_do(language: str) -> None:
    texts = {key.removeprefix("alarm."): text for key, text in words(language).items() if key.startswith("alarm.")}
    assert set(texts) == all_codes()
    for code, text in texts.items():
        what, *todo = text.split("|")
        assert what.strip(), code
        assert todo, code
        assert all(len(step) >= TO_DO_LEAST[language] and step.endswith(".") for step in todo), code


def test_the_operator_page_names_every_alarm_of_the_service() -> None:
    page = (ROOT.parent / "docs" / "operator.md").read_text(encoding="utf-8")
    assert {code for code in all_codes() if f"`{code}`" not in page} == set()


async def test_the_stream_tells_alarms_on_connect_and_when_one_begins_or_ends(district: Any, sign_in: Any) -> None:
    district.alarms.set("forecast", "", True, "No good forecast")
    viewer = await sign_in("viewer")
    async with viewer.client.get("/api/v1/stream") as answer:
        assert [alarm["code"] for alarm in await event(answer.content, "alarms")] == ["forecast"]
        district.alarms.set("loop-failed", "prices", True, "prices failed")
        district.hear("z04", -3.25, "frost", 0.2)
        assert [alarm["subject"] for alarm in await event(answer.content, "alarms")] == ["", "prices"]
        district.alarms.set("forecast", "", False)
        district.hear("z04", -3.5, "frost", 0.2)
        assert [alarm["code"] for alarm in await event(answer.content, "alarms")] == ["loop-failed"]
