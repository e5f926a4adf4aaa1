"""Plain English (docs/style.md): no text of the project uses a word of its old dialect."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
# Folders of code (comments, docstrings, texts, names of tests) and pages.
SWEPT: Final = (
    "supervisor", "firmware", "hil_tests", "tools", "docs",
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
)  # fmt: skip
# What is said instead is in the second column.
DIALECT: Final = {
    r"\beach \d+ ?(ms|s|min|h|days?|weeks?)\b": "every 20 s",
    r"(?<!of )(?<!in )(?<!at )(?<!with )(?<!over )\beach (second|minute|quarter of an hour|hour|day|night|week)\b":
        "every minute",
    r"(?<!there )\bis no (number|text|url|address|file|frame|hello|json|http|utf|label|demo|load|good|zone|weather)\b":
        "is not a number",
    r"\bthere is none to believe\b": "is not plausible",
    r"\b(this|that|the web|web) floor\b|\bfloors (below|above)\b|\*\*floors": "layer",
    r"\b(one )?room a file\b|\brooms? (below|above|that|of)\b|\bnext room\b": "module, layer",
    r"\b(other|own|this|our|the) houses?\b(?! number)|\bhouse's\b": "package, project",
    r"\b(at|behind|through|without|open) (the |its )?doors?\b": "sign-in, listener",
    r"\bits keeper\b|\bkeepers\b": "service manager",
    r"\bdice\b": "seed",
    r"\bg(ave|ive|ives|iving|iven) way\b": "was shed",
    r"\bwhole story\b": "(leave it out)",
    r"\bhow .{1,20} fares?\b": "metrics of",
    r"\bhangs? on (a|an|the|it|its)\b": "is connected to",
    r"\breckon(s|ed|ing)?\b": "expected, counted",
    r"\b(would|may|might) pass \S+ kW\b|\bcontract is passed\b": "exceed",
    r"\bto correct\b\"?$": "errors",
    r"\(said once\)": "logged once",
    r"\btold of\b": "logged, reported",
    r"\bthe wall's\b": "wall-clock",
    r"\bwhat is the matter\b": "status and fault bits",
    r"\bmoved on, labelled\b|\blast( plan)? moved on\b": "the last plan continued",
    r"\bfor its keeper\b": "for its service manager",
    r"\bas it shall\b": "as shown",
    r"\bdials? in anew\b|\bdialled in\b|\bboard dials in\b": "connects again",
    r"\bcome and go\b|\bgone astray\b|\bwent astray\b": "deviates",
    r"\bproven (who|itself|themselves|which)\b": "authenticated",
}  # fmt: skip
FORBIDDEN: Final = [(re.compile(pattern, re.IGNORECASE), better) for pattern, better in DIALECT.items()]
# Terms that a Seoul road crew would not use.
KOREAN: Final = (
    "질척눈", "복귀 전까지", "습기", "수동으로 결정", "안전 한계로",
    "학교·병원 길", "다시 하세요", "수락됨", "아무것도 실행",
)  # fmt: skip


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of everything that a person reads in a file: of Python not the code itself."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            for offset, line in enumerate(node.value.splitlines()):
                yield node.lineno + offset, line
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")


def files(place: str) -> list[Path]:
    path = ROOT / place
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    kinds = {".py", ".md", ".json", ".js", ".html", ".toml"}
    return [one for one in found if one.suffix in kinds and not {"vendor", "_build", "test_style.py"} & {*one.parts}]


def findings(path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {found.group(0)!r}: say {better!r}"
        for line, text in sorted(texts(path))
        for pattern, better in FORBIDDEN
        if (found := pattern.search(text))
    ]


@pytest.mark.parametrize("place", SWEPT)
def test_no_text_uses_the_dialect(place: str) -> None:
    paths = files(place)
    assert paths, f"{place} does not exist"
    assert [finding for path in paths for finding in findings(path)] == []


def test_korean_terms() -> None:
    text = (ROOT / "supervisor" / "static" / "i18n" / "ko.json").read_text(encoding="utf-8")
    assert [term for term in KOREAN if term in text] == []


def test_the_search_finds_comments_docstrings_messages_and_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.tests.test_style.ROOT", tmp_path)
    path = tmp_path / "module.py"
    number = 20
    path.write_text(
        f'"""Looks each {number} s."""\n\n# by the dice\nrooms = 1\n\n\n'
        'def test_z01_gives_way() -> None:\n    raise ValueError(f"{rooms} is no'
        ' number")\n',
        encoding="utf-8",
    )
    assert [line.split(":")[1] for line in findings(path)] == ["1", "3", "7", "8"]
