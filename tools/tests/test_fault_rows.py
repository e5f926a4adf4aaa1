"""docs/faults.md names for each row of the fault model the faults and tests that exist."""

from __future__ import annotations

import re
from functools import cache

from hil_tests.campaign.campaign import faults
from tools.tests.doc_files import ROOT

ROWS = range(1, 47)


def _rows() -> dict[int, tuple[str, list[str]]]:
    """Number → where (H, S or B), and what tests it."""
    found = {}
    for line in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].isdigit():
            found[int(cells[0])] = cells[2], re.findall(r"`([^`]+)`", cells[3])
    return found


@cache
def _tests(name: str) -> str:
    """Text of the test file of that name."""
    paths = [
        path for folder in ("supervisor", "firmware", "hil_tests", "tools") for path in (ROOT / folder).rglob(name)
    ]
    assert len(paths) == 1, f"{name}: {paths}"
    return paths[0].read_text(encoding="utf-8")


def test_every_row_has_tests_that_exist() -> None:
    rows, known = _rows(), faults()
    assert sorted(rows) == list(ROWS)
    for number, (_, names) in rows.items():
        assert names, f"row {number} is not tested"
        for name in names:
            file, _, test = name.partition("::")
            if test:
                assert f"def {test}(" in _tests(file), f"row {number}: {name}"
            else:
                assert name in known, f"row {number}: no fault {name}"


def test_rows_of_boards_are_in_the_campaign() -> None:
    known = faults()
    for number, (where, names) in _rows().items():
        if where in ("H", "B"):
            assert any(name in known for name in names), f"row {number} has no fault of the campaign"


def test_every_fault_is_in_the_table() -> None:
    named = {name for _, names in _rows().values() for name in names}
    assert set(faults()) <= named
