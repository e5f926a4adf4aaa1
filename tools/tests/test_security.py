"""SECURITY.md: each row of its tables names a test that exists, or says what is missing or why it does not apply."""

from __future__ import annotations

import re

import pytest

from tools.tests.doc_files import ROOT
from tools.tests.test_claims import functions

SECTIONS = {"Threat model": 10, "ETSI EN 303 645": 13, "OWASP ASVS 5, level 2": 17}
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def rows(section: str) -> list[list[str]]:
    """Cells of a section's table, without its head."""
    (body,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    lines = [line for line in body.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def fault(proof: str) -> str:
    """What is wrong with a row's last cell; "" where nothing is."""
    if re.fullmatch(r"not (met|applicable): \S.{8,}", proof):
        return ""
    named = re.fullmatch(r"`([\w/]+\.py)::((?:\w+::)?test_\w+)`", proof)
    if named is None:
        return f"{proof!r} names neither a test nor what is missing"
    if not (ROOT / named[1]).is_file():
        return f"{named[1]} does not exist"
    return "" if named[2] in functions(ROOT / named[1]) else f"{named[1]} has no test {named[2]}"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_names_a_test_or_what_is_missing(section: str) -> None:
    found = rows(section)
    assert len(found) >= SECTIONS[section]
    assert [reason for row in found if (reason := fault(row[-1]))] == []


def test_every_provision_of_en_303_645_has_a_row() -> None:
    assert [row[0].split()[0] for row in rows("ETSI EN 303 645")] == [f"5.{n}" for n in range(1, 14)]


@pytest.mark.parametrize(
    "proof", ["", "met", "not met", "not met: ", "`tools/tests/test_security.py::test_gone`", "`tools/gone.py::test_x`"]
)
def test_a_row_that_proves_nothing_is_refused(proof: str) -> None:
    assert fault(proof)
