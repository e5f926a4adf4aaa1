"""What the module of a form of weather files declares: how it is known by its header, and how its rows become ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from supervisor.domain.zone import Site

Row = Mapping[str, str]  # cell by column, "" where it is empty


@dataclass(frozen=True)
class Translated:
    """Rows with the columns of our own weather files, one for each of the source, and what the source calls them."""

    rows: list[dict[str, str]]
    names: Mapping[str, str]


@dataclass(frozen=True)
class FileFormat:
    """One form of weather files in CSV.

    `knows` says by the header's cells whether a file has it. `translate` gets the header and the rows; a cell that it
    cannot read stays as it is, so that the error names it. It raises ValueError with message and remedy where the
    header itself cannot be used.
    """

    name: str
    knows: Callable[[Sequence[str]], bool]
    translate: Callable[[Sequence[str], Sequence[Row], Site | None], Translated]
