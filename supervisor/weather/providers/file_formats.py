"""All forms of weather files besides our own. To add one: its module with a `FORMAT`, a line here, a test, the docs."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.weather.providers import kma_portal
from supervisor.weather.providers.file_format import FileFormat

FORMATS: tuple[FileFormat, ...] = (kma_portal.FORMAT,)
ENCODINGS = ("utf-8-sig", "cp949")  # cp949 contains EUC-KR, in which Korean services and Excel write CSV
KNOWN_OTHERS = {  # forms that cannot become a forecast: first column, and what to do
    "station": "This is an export of station reports (°F, knots, inches, M for missing): convert it",
    "<?xml": "This is XML, such as METRo's: convert it",
}


def known_format(header: Sequence[str]) -> FileFormat | None:
    """The form of a file with this header, None for our own and for those that are not known."""
    return next((form for form in FORMATS if form.knows(header)), None)


def remedy_for(header: Sequence[str]) -> str:
    """What to do with a file of a form that is not known."""
    first = header[0].strip().lower() if header else ""
    known = next((text for start, text in KNOWN_OTHERS.items() if first.startswith(start)), "")
    columns = "docs/weather.md lists the columns"
    return f"{known}; {columns}" if known else columns
