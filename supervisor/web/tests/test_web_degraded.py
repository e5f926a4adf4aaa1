"""Degraded operation: every code has a line, steps and a section; its details fill the braces; API, stream, metrics."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import generate_latest

from supervisor.control.degraded import DegradedCode, show_degraded
from supervisor.control.metrics import Metrics
from supervisor.web.tests.test_web_static import LANGUAGES, words
from supervisor.web.tests.test_web_stream import event

ROOT: Final = Path(__file__).parents[3]
TO_DO_LEAST: Final = {"en": 12, "ko": 8}  # letters of the shortest sentence that says what to do
AROUND: Final = {"label", "since", "more", "fewer"}  # words of the place, not of a line


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_line_with_its_details_and_says_what_to_do(language: str) -> None:
    texts = {
        key.removeprefix("degraded."): text for key, text in words(language).items() if key.startswith("degraded.")
    }
    assert set(texts) == {code.value for code in DegradedCode} | AROUND
    for code in DegradedCode:
        line, *todo = texts[code].split("|")
        assert line.strip(), code
        assert todo, code
        assert all(len(step) >= TO_DO_LEAST[language] and step.endswith(".") for step in todo), code
        assert set(re.findall(r"{(\w+)}", texts[code])) == set(code.names), code


def test_every_code_has_a_section_that_names_its_details() -> None:
    page = (ROOT / "docs" / "degraded.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `([\w-]+)`\n\n(.*?)(?=\n\n## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections) == [code.value for code in DegradedCode]
    for code in DegradedCode:
        assert all(f"`{name}`" in sections[code] for name in code.names), code


def details_set() -> Iterator[tuple[str, str, set[str]]]:
    """Place, code and names of each literal detail that the service sets."""
    for path in (ROOT / "supervisor").rglob("*.py"):
        if "tests" in path.parts:
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and len(call.args) == 2 and isinstance(call.args[0], ast.Attribute)):
                continue
            if not (isinstance(call.args[0].value, ast.Name) and call.args[0].value.id == "DegradedCode"):
                continue
            for detail in (node for node in ast.walk(call.args[1]) if isinstance(node, ast.Dict)):
                names = {str(key.value) for key in detail.keys if isinstance(key, ast.Constant)}
                yield f"{path.name}:{call.lineno}", call.args[0].attr, names


def test_the_details_that_are_set_are_those_that_the_texts_name() -> None:
    for place, code, names in details_set():
        assert names == set(DegradedCode[code].names), place


async def test_api_and_stream_tell_what_is_degraded_and_when_it_changes(district: Any, sign_in: Any) -> None:
    district.degradations.set(DegradedCode.PRICES, {"hours": 3})
    viewer = await sign_in("viewer")
    status, [line] = await viewer.ask("GET", "/api/v1/degraded")
    assert (status, line["code"], line["detail"]) == (200, "prices", {"hours": 3})
    async with viewer.client.get("/api/v1/stream") as answer:
        assert [each["code"] for each in await event(answer.content, "degraded")] == ["prices"]
        parts = {"issued_utc_s": 1_703_808_000, "missing": 1, "members": 20, "estimated": 4, "dropped": 1}
        district.degradations.set(DegradedCode.FORECAST_PARTS, parts)
        district.hear("z04", -3.25, "frost", 0.2)
        assert [each["code"] for each in await event(answer.content, "degraded")] == ["forecast-parts", "prices"]
        district.degradations.set(DegradedCode.PRICES, {"hours": 5})
        district.hear("z04", -3.5, "frost", 0.2)
        assert (await event(answer.content, "degraded"))[1]["detail"] == {"hours": 5}
        district.degradations.set(DegradedCode.FORECAST_PARTS, None)
        district.degradations.set(DegradedCode.PRICES, None)
        district.hear("z04", -3.0, "frost", 0.2)
        assert await event(answer.content, "degraded") == []


async def test_metrics_count_what_is_degraded(district: Any) -> None:
    metrics = Metrics()
    show_degraded(district.degradations, metrics)
    district.degradations.set(DegradedCode.SENSORS, {"zones": 2})
    shown = generate_latest(metrics.registry).decode()
    assert 'roadheat_degraded{code="sensors"} 1.0' in shown
    assert 'roadheat_degraded{code="clock"} 0.0' in shown
    district.degradations.set(DegradedCode.SENSORS, None)
    assert 'roadheat_degraded{code="sensors"} 0.0' in generate_latest(metrics.registry).decode()
