"""Health and inspection as tables: for a page without a script, and for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from supervisor.domain.plain_text import cell
from supervisor.reports.health.collect import Health
from supervisor.reports.health.inspection import Inspection
from supervisor.reports.health.life import LONG_YEARS, Life

_STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;color:#1b2430}
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #e8ecf1;padding:.35rem .6rem;text-align:left}
.sub{color:#5a6675}@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}
"""
Rows = list[list[str]]


@cache
def words(language: str) -> dict[str, str]:
    """Texts of both reports."""
    return dict(json.loads((Path(__file__).parent / "words" / f"{language}.json").read_text(encoding="utf-8")))


def health_rows(made: Health, language: str) -> Rows:
    """The heading, and a row for each part."""
    text = words(language)
    rows = [[text[name] for name in ("zone", "name", "part", "measured", "limit", "left", "interval", "todo")]]
    for one in made.parts:
        digits = 1 if one.part in ("cable", "sensor", "insulation") else 0
        unit = text[f"unit.{one.part}"]
        rows.append([
            one.zone, (one.name_ko if language == "ko" else "") or one.name, text[f"part.{one.part}"],
            text["unknown"] if one.measured is None else f"{one.measured:,.{digits}f} {unit}",
            f"{one.limit:,.0f} {unit}", text["unknown"] if one.life is None else _years(one.life.median_a),
            text[f"why.{one.why}"] if one.life is None else _interval(one.life), text["replace"] if one.replace else "",
        ])  # fmt: skip
    return rows


def inspection_rows(made: Inspection, language: str) -> Rows:
    """The heading, and a row for each road."""
    text = words(language)
    names = (
        "zone",
        "name",
        "count",
        "voltage",
        "current",
        "leakage",
        "panel",
        "heated",
        "closings",
        "alarms",
        "verdict",
    )
    rows = [[text[name] for name in names]]
    for one in made.rows:
        verdict = text["unmeasured"] if one.passed is None else text["passed" if one.passed else "failed"]
        reasons = ", ".join(text[f"reason.{reason}"] for reason in one.reasons)
        voltage = "" if one.voltage_min_v is None else f"{one.voltage_min_v:.0f}–{one.voltage_max_v:.0f}"
        rows.append([
            one.zone, (one.name_ko if language == "ko" else "") or one.name, str(one.readings), voltage,
            _number(one.current_max_a, 1), _number(one.leakage_max_ma, 1), _number(one.panel_max_c, 1),
            f"{one.heated_h:.1f}", str(one.closings), str(one.alarms), f"{verdict}{f' ({reasons})' if reasons else ''}",
        ])  # fmt: skip
    return rows


def to_page(title: str, sub: str, rows: Rows, language: str) -> str:
    """An HTML page with one table."""
    head, *body = ("".join(_cells(row, tag)) for row, tag in zip(rows, ["th", *["td"] * len(rows)], strict=False))
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p class=sub>{escape(sub)}</p><table><tr>{head}</tr>{lines}</table></body></html>\n"
    )


def to_csv(rows: Rows) -> str:
    """For a spreadsheet: no cell is taken for a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([cell(text) for text in row] for row in rows)
    return out.getvalue()


def titles(made: Health | Inspection, language: str) -> tuple[str, str]:
    """Heading and what is below it."""
    text = words(language)
    if isinstance(made, Inspection):
        return text["title.inspection"].format(site=made.site, month=made.month), text["note.inspection"]
    at = f"{datetime.fromtimestamp(made.made_utc_s, ZoneInfo(made.timezone)):%Y-%m-%d}"
    return text["title.health"].format(site=made.site, day=at), text["note.health"]


def _cells(row: Sequence[str], tag: str) -> list[str]:
    return [f"<{tag}>{escape(text)}</{tag}>" for text in row]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _years(value: float) -> str:
    return f">{LONG_YEARS / 2:.0f}" if value >= LONG_YEARS / 2 else f"{value:.1f}"


def _interval(life: Life) -> str:
    return f"{_years(life.low_a)}–{_years(life.high_a)}"
