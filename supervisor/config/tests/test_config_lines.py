"""Errors of city.toml stand in the line of the key that is wrong: values, keys, tables, items of lists, broken TOML."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from supervisor.check import explain
from supervisor.config import read
from supervisor.config.tests.test_config_fuzz import TEXT, folder  # noqa: F401
from supervisor.domain.errors import RoadheatError

LINES: Final = TEXT.split("\n")
KEYS: Final = {row: found[1] for row, line in enumerate(LINES) if (found := re.match(r"([\w-]+)\s*=", line))}
HEADS: Final = {row: found[1] for row, line in enumerate(LINES) if (found := re.match(r"\[+([\w.]+)\]+", line))}
ITEMS: Final = [row for row, line in enumerate(LINES) if "{ material" in line]
WRONG: Final = (
    '"x"', "-1", "true", "[]", "{}", "1e400", "nan", '""', "9" * 30, '"\\u0000"', "1979-05-27", "[[1]]",
    '"2020-13-45"', "0",
)  # fmt: skip
UNICODE: Final = ("성북\u202e", "é" * 300, "\\u0000", "a\\nb", "[red]", "\u00a0")
BAD_ITEMS: Final = (
    '  { material = "asphalt", thickness_m = -1 },', '  { material = "x", thickness_m = 0.1 },', "  3,", "  {},",
    '  { material = "asphalt" },', '  { material = "a, { b", thickness_m = 0.1 }, # {', '  { material = 5 },',
    '  { material = "asphalt", thick = 0.1 },',
)  # fmt: skip
OF_A_KEY: Final = {
    "wrong": lambda key, choose: f"{key} = {choose.choice(WRONG)}",
    "misspelt": lambda key, choose: f"x{key} = 1",
    "unicode": lambda key, choose: f'{key} = "{choose.choice(UNICODE)}"',
    "nested": lambda key, choose: f'{key} = {{ a = {{ b = [1, {{ c = "x" }}] }} }}',
    "cut": lambda key, choose: f"{key} =",
    "open": lambda key, choose: f'{key} = "x',
}
HERE: Final = {"misspelt", "nested", "cut", "open", "item", "bracket", "head", "twice"}  # the error is in that line


def problems_of(place: Path, lines: list[str]) -> tuple[RoadheatError, ...]:
    """What check-config says of these lines."""
    path = place / "city.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    config, found = read(path)
    return explain(config)[0] if config is not None and not found else found


def damaged(choose: random.Random) -> tuple[str, int, list[str]]:
    """One change: its kind, its row, and all lines."""
    how, lines = (
        choose.choice([*OF_A_KEY, "missing", "twice", "item", "bracket", "head", "no head", "same id"]),
        [*LINES],
    )
    row = choose.choice(list(HEADS if how in ("bracket", "head", "no head") else KEYS))
    if how in OF_A_KEY:
        lines[row] = OF_A_KEY[how](KEYS[row], choose)
    elif how in ("missing", "no head"):
        lines[row] = ""
    elif how == "twice":
        lines.insert(row, lines[row])
        row += 1
    elif how == "item":
        row = choose.choice(ITEMS)
        lines[row] = choose.choice(BAD_ITEMS)
    elif how == "bracket":
        lines[row] = lines[row].replace("]", "", 1)
    elif how == "head":
        lines[row] = lines[row].replace(HEADS[row], f"x{HEADS[row]}")
    else:
        first, row = sorted(choose.sample([each for each, key in KEYS.items() if key == "id"], 2))
        lines[row] = lines[first]
    return how, row + 1, lines


def is_place_of(line: str, key: str) -> bool:
    """Whether `line` has the last name of `key`, is the header of a table that it is in, or an item of its list."""
    names = re.sub(r"\[\d+\]", "", key)
    head = re.match(r"\[+([\w.]+)", line)
    inside = head is not None and (names.startswith(head[1]) or head[1].startswith(names))
    return inside or names.split(".")[-1] in line or (".layers[" in key and line.startswith("  "))


def test_five_hundred_files_are_refused_by_the_line_and_the_key_that_are_wrong(folder: Path) -> None:  # noqa: F811
    choose, kinds = random.Random(40), Counter[str]()
    for _ in range(500):
        how, number, lines = damaged(choose)
        problems = problems_of(folder, lines)
        at = set()
        for problem in problems:
            assert problem.message, lines
            assert problem.remedy, problem
            found = re.fullmatch(r"city\.toml(?::(\d+))?: ([^=]+)(?: = .*)?", problem.where, re.DOTALL)
            assert found is not None, problem.where
            if found[1] is None:  # only a table that is not in the file has no line
                assert problem.message == "this table is missing", problem
                continue
            at.add(int(found[1]))
            if "broken TOML" not in problem.message:
                assert is_place_of(lines[int(found[1]) - 1], found[2]), problem
        kinds[how] += bool(problems)
        if problems and how in HERE:
            assert at & {number, number + 1}, (how, number, problems)  # a cut line may end in the next
    assert min(kinds[how] for how in (*OF_A_KEY, "twice", "item", "bracket", "head", "no head", "same id")) >= 5
    assert kinds.total() >= 450


@pytest.mark.parametrize(
    ("replaced", "by", "where"),
    [
        ("latitude = 37.59", 'latitude = "x"', 'latitude = "x"'),
        ('provider = "file"', 'provider = "fil"', 'provider = "fil"'),
        ("[[tariff.band]]", "[[xtariff.band]]", "[[xtariff.band]]"),
        ('  { material = "reinforced concrete", thickness_m = 0.25 },', "  7,", "  7,"),
        ('"reinforced concrete", thickness_m = 0.25', '"reinforced concrete"', '  { material = "reinforced'),
        ("layers = [\n  { material", "layers = [ # [ {\n\n  { matter", "  { matter"),
        ("relay = 1", "relay = 9", "relay = 9"),
    ],
)  # fmt: skip
def test_the_line_is_that_of_the_value(folder: Path, replaced: str, by: str, where: str) -> None:  # noqa: F811
    assert replaced in TEXT
    lines = TEXT.replace(replaced, by, 1).split("\n")
    expected = next(number for number, line in enumerate(lines, 1) if line.startswith(where))
    assert any(problem.where.startswith(f"city.toml:{expected}: ") for problem in problems_of(folder, lines))
