"""The report in a terminal: nothing is cut; narrow ones show the roads' ids instead of their names."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console

from hil_tests.demo.story import Story

_VIOLATIONS = 20  # shown; the JSON has all
_GROUP_GAP, _GAP = 2, 1


def _roads(story: Story, width: int) -> list[str]:
    """The table of roads in at most `width` columns where that is possible."""
    rows = story.roads()
    wide = _table(story.groups(), rows)
    if max(map(cell_len, wide)) <= width:
        return wide
    *roads, total = rows
    short = [(row[0].split()[0], *row[1:]) for row in roads]
    return _table(story.groups(), [*short, ("all", *total[1:])])


def _table(groups: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Headings in two lines, a rule, the rows, a rule, their sum."""
    sides = ("road", *("plan", "reactive") * len(groups))
    widths = [max(cell_len(row[i]) for row in [sides, *rows]) for i in range(len(sides))]
    for i, group in enumerate(groups):  # the second of a pair grows until the group's name fits above both
        pair = widths[2 * i + 1] + _GAP + widths[2 * i + 2]
        widths[2 * i + 2] += max(0, cell_len(group) - pair)

    def line(cells: Sequence[str]) -> str:
        text = cells[0] + " " * (widths[0] - cell_len(cells[0]))
        for i, cell in enumerate(cells[1:], 1):
            text += " " * (_GROUP_GAP if i % 2 else _GAP) + cell.rjust(widths[i])
        return text

    above = " " * widths[0]
    for i, group in enumerate(groups):
        above += " " * _GROUP_GAP + group.rjust(widths[2 * i + 1] + _GAP + widths[2 * i + 2])
    rule = "─" * cell_len(line(sides))
    return [above, line(sides), rule, *map(line, rows[:-1]), rule, line(rows[-1])]


def _district(story: Story) -> list[str]:
    rows = [("", "plan", "reactive", "")]
    rows += [(m.name, f"{m.plan:,.0f}", f"{m.reactive:,.0f}", m.change) for m in story.district()]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(4)]
    return [
        f"{name.ljust(widths[0])}  {plan.rjust(widths[1])}  {reactive.rjust(widths[2])}  {change.rjust(widths[3])}"
        for name, plan, reactive, change in rows
    ]


def print_text(story: Story, console: Console) -> None:
    """The report as text."""

    def say(text: str = "", style: str | None = None) -> None:
        console.print(text.rstrip(), style=style, markup=False, highlight=False, soft_wrap=True)

    say()
    say(story.heading, "bold")
    say(story.period)
    say()
    for line in _roads(story, console.width):
        say(line)
    say()
    for line in _district(story):
        say(line)
    say()
    for line in story.facts():
        say(line)
    for line in story.commands():
        say(f"override: {line}")
    for line in story.violations[:_VIOLATIONS]:
        say(f"violation: {line}", "red")
    if len(story.violations) > _VIOLATIONS:
        say(f"… and {len(story.violations) - _VIOLATIONS} more", "red")
