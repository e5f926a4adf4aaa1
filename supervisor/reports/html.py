"""Pieces of a report's page: sections, tables, times and amounts as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from supervisor.reports.data import Report


def section(title: str, content: str) -> str:
    """A heading with its content, both HTML."""
    return f"<section><h2>{title}</h2>{content}</section>"


def local(report: Report, utc_s: int) -> str:
    """A time of the site."""
    return datetime.fromtimestamp(utc_s, ZoneInfo(report.timezone)).strftime("%Y-%m-%d %H:%M")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int = 1, kind: str = "") -> str:
    """Cells are HTML already; columns from `numbers_from` are right-aligned. `kind`: its class."""

    def line(tag: str, cells: Sequence[str]) -> str:
        named = (f"<{tag}{' class=n' if n >= numbers_from else ''}>{cell}</{tag}>" for n, cell in enumerate(cells))
        return f"<tr>{''.join(named)}</tr>"

    named = f" class={kind}" if kind else ""
    return f"<table{named}>{line('th', heads)}{''.join(line('td', row) for row in rows)}</table>"


def money(value: float | None, currency: str) -> str:
    """An amount; a dash where it is not known."""
    return "–" if value is None else f"{value:,.0f} {escape(currency)}"
