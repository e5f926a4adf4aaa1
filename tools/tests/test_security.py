"""Each row of the tables of SECURITY.md and docs/asvs.md names a test that exists, or says what is missing."""

from __future__ import annotations

import ast
import re

import pytest

from tools.tests.doc_files import ROOT
from tools.tests.test_claims import functions

SECTIONS = ("Threat model", "ETSI EN 303 645", "OWASP ASVS 5.0, level 2")
TEXT = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("SECURITY.md", "docs/asvs.md"))

# How many provisions each part has.
PROVISIONS = {"4": 1, "5.1": 5, "5.2": 3, "5.3": 16, "5.4": 4, "5.5": 8, "5.6": 9, "5.7": 2, "5.8": 3, "5.9": 3,
              "5.10": 1, "5.11": 4, "5.12": 3, "5.13": 1, "6": 5}  # fmt: skip
# How many requirements of levels 1 and 2 each section has: those of level 3 come after them.
REQUIREMENTS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip


def rows(section: str) -> list[list[str]]:
    """Cells of a section's table, without its head."""
    (body,) = re.findall(rf"^##? {re.escape(section)}\n(.*?)(?=^##? |\Z)", TEXT, re.M | re.S)
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


def named(section: str) -> list[str]:
    """What the first cells of a section's table name."""
    return [each for row in rows(section) for each in row[0].split(", ")]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_names_a_test_or_what_is_missing(section: str) -> None:
    found = rows(section)
    assert len(found) >= 10
    assert [reason for row in found if (reason := fault(row[-1]))] == []


def test_every_provision_of_en_303_645_has_a_row() -> None:
    assert named("ETSI EN 303 645") == [f"{part}-{n}" for part, most in PROVISIONS.items() for n in range(1, most + 1)]


def test_every_requirement_of_asvs_levels_1_and_2_has_a_row() -> None:
    wanted = [f"V{section}.{n}" for section, most in REQUIREMENTS.items() for n in range(1, most + 1)]
    assert sorted(named("OWASP ASVS 5.0, level 2")) == sorted(wanted)
    assert len(wanted) == 253


@pytest.mark.parametrize(
    "proof", ["", "met", "not met", "not met: ", "`tools/tests/test_security.py::test_gone`", "`tools/gone.py::test_x`"]
)
def test_a_row_that_proves_nothing_is_refused(proof: str) -> None:
    assert fault(proof)


SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell", "subprocess_shell"}


def shells(source: str) -> list[int]:
    """Lines of a program that give text to a shell."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        asked = any(
            word.arg == "shell" and not (isinstance(word.value, ast.Constant) and word.value.value is False)
            for word in node.keywords
        )
        if name in SHELLS or asked:
            found.append(node.lineno)
    return found


def test_no_shell_is_given_text() -> None:
    assert shells("import os, subprocess\nos.system('a')\nsubprocess.run('a', shell=True)\nf(shell=False)\n") == [2, 3]
    programs = [path for top in ("supervisor", "firmware", "tools", "hil_tests") for path in (ROOT / top).rglob("*.py")]
    assert len(programs) > 500
    assert {str(path): at for path in programs if (at := shells(path.read_text(encoding="utf-8")))} == {}
