"""docs/claims.toml: every claim is still on its page, and what proves it still exists."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tools.tests.doc_files import ROOT, command_fault

CLAIMS: list[dict[str, str]] = tomllib.loads((ROOT / "docs" / "claims.toml").read_text(encoding="utf-8"))["claim"]
KEYS = {"claim", "page", "quote"}


@cache
def functions(path: Path) -> frozenset[str]:
    """`test_x`, and `Class::test_x` of classes, that a file defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}::{each.name}" for each in inner}
    return frozenset(found)


@cache
def squeezed(path: Path) -> str:
    """A page with every run of white space as one space, so that a quote may run over the end of a line."""
    return re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))


def fault(row: dict[str, Any]) -> str:
    """What is wrong with a row; "" where nothing is."""
    proofs = row.keys() & {"test", "command"}
    if row.keys() - proofs != KEYS or len(proofs) != 1 or not all(isinstance(v, str) and v for v in row.values()):
        return "a row has claim, page, quote, and either test or command"
    page = ROOT / row["page"]
    if not page.is_file():
        return f"{row['page']} does not exist"
    if re.sub(r"\s+", " ", row["quote"]) not in squeezed(page):
        return f"{row['page']} no longer says {row['quote']!r}: correct page or row"
    if "command" in row:
        return command_fault(row["command"])
    file, _, name = row["test"].partition("::")
    if not (ROOT / file).is_file():
        return f"{file} does not exist"
    if name not in functions(ROOT / file):
        return f"{file} has no test {name}"
    return "" if name.rpartition("::")[2].startswith("test_") else f"{name} is not a test"


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row.get("claim", "?"))
def test_claim_and_proof_exist(row: dict[str, str]) -> None:
    assert fault(row) == ""


def test_each_claim_has_one_row() -> None:
    names = [row["claim"] for row in CLAIMS]
    assert len(names) == len(set(names))
    assert len(names) >= 40


GOOD = {
    "claim": "x",
    "page": "docs/style.md",
    "quote": "Style of text",
    "test": "tools/tests/test_claims.py::test_each_claim_has_one_row",
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"page": "docs/none.md"}, "does not exist"),
        ({"quote": "no such words"}, "no longer says"),
        ({"test": "tools/tests/none.py::test_x"}, "does not exist"),
        ({"test": "tools/tests/test_claims.py::test_none"}, "has no test"),
        ({"test": "tools/tests/test_claims.py::fault"}, "is not a test"),
        ({"quote": ""}, "a row has"),
        ({"command": "roadheat serve"}, "a row has"),
    ],
)
def test_a_dead_row_fails(change: dict[str, str], reason: str) -> None:
    assert fault(GOOD) == ""
    assert reason in fault({**GOOD, **change})


@pytest.mark.parametrize("command", ["roadheat nothing", "roadheat bench nothing", "roadheat serve --nothing"])
def test_a_command_that_does_not_exist_fails(command: str) -> None:
    row = {key: value for key, value in GOOD.items() if key != "test"}
    assert fault({**row, "command": "roadheat bench control --weather FILE"}) == ""
    assert fault({**row, "command": command}).startswith("no ")
