"""The figures as a page without a script: value, year before, formula, and the query or command that gives it."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from supervisor.reports.certification.collect import Certification, Figure
from supervisor.reports.certification.figures import GROUPS

LANGUAGES: Final = ("ko", "en")
_STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;color:#1b2430}
h1{margin-bottom:.2rem}h2{margin-top:2rem}.sub{color:#5a6675}table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #e8ecf1;padding:.35rem .6rem;text-align:left;vertical-align:top}
td.n,th.n{text-align:right}
td.n{white-space:nowrap}code{font-size:.75rem;color:#5a6675;word-break:break-word}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}
"""


@cache
def words(language: str) -> dict[str, str]:
    """The page's texts: `<figure>` its name, `<figure>.formula` how it is worked out, `group.<group>` headings."""
    path = Path(__file__).parent / "words" / f"{language}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def write_page(made: Certification, language: str) -> str:
    """The page. `language`: one of `LANGUAGES`."""
    text = words(language)
    zone_info = ZoneInfo(made.timezone)
    at = f"{datetime.fromtimestamp(made.made_utc_s, zone_info):%Y-%m-%d %H:%M}"
    sections = "".join(_section(made, group, text) for group in GROUPS)
    title = text["title"].format(site=made.site, year=made.year)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p class=sub>{escape(text['made'].format(time=at, timezone=made.timezone))}</p>"
        f"<p>{escape(text['how'])}</p>{sections}</body></html>\n"
    )


def _section(made: Certification, group: str, text: dict[str, str]) -> str:
    rows = "".join(_row(one, text) for one in made.figures if one.group == group)
    heads = "".join(
        f"<th{' class=n' if name in ('value', 'before') else ''}>{escape(text[f'head.{name}'])}</th>"
        for name in ("figure", "value", "before", "formula")
    )
    return f"<h2>{escape(text[f'group.{group}'])}</h2><table><tr>{heads}</tr>{rows}</table>"


def _row(one: Figure, text: dict[str, str]) -> str:
    why = f"<br>{escape(one.why)}" if one.why else ""
    return (
        f"<tr><td>{escape(text[one.id])}</td><td class=n>{_number(one.value, one.unit)}</td>"
        f"<td class=n>{_number(one.before, one.unit)}</td>"
        f"<td>{escape(text[f'{one.id}.formula'])}{why}<br><code>{escape(one.source)}</code></td></tr>"
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    digits = 0 if value == int(value) or abs(value) >= 1000 else 3 if abs(value) < 1 else 1
    return f"{value:,.{digits}f} {escape(unit)}".strip()
