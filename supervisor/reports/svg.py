"""Bars over time as SVG, to be read without scripts: a page can be printed and mailed as one file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 900
HEIGHT: Final = 220
LEFT: Final = 56
BELOW: Final = 34
_LABELS_MAX: Final = 16


class Bar(NamedTuple):
    """`value` upwards in one colour, `above` as a mark hanging from the top in another (snow); `title` on touch.

    `planned` is a line across the bar's place; None where nothing was planned.
    """

    label: str
    value: float
    above: float
    title: str
    planned: float | None = None


def bars(rows: Sequence[Bar], title: str, unit: str, above_unit: str = "") -> str:
    """A chart of non-negative values; an empty text where there is nothing to show."""
    if not rows:
        return ""
    most, most_above, planned = (
        max((getattr(row, name) or 0.0 for row in rows), default=0.0) for name in ("value", "above", "planned")
    )
    top, top_above = _round_up(max(most, planned)), most_above or 1.0
    room, step = HEIGHT - BELOW - 20, (WIDTH - LEFT - 8) / len(rows)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text x="4" y="10" class="axis">{escape(unit)}</text>',
    ]
    if above_unit:
        parts.append(f'<text x="{WIDTH - 4}" y="10" class="axis snow" text-anchor="end">{escape(above_unit)}</text>')
    for share in (0.0, 0.5, 1.0):
        y = 20 + room * (1 - share)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="axis" text-anchor="end">{top * share:,.10g}</text>')
    every = max(1, -(-len(rows) // _LABELS_MAX))
    for n, row in enumerate(rows):
        x, height, hang = LEFT + n * step, room * row.value / top, 0.45 * room * row.above / top_above
        parts.append(f"<g><title>{escape(row.title)}</title>")
        parts.append(f'<rect x="{x:.1f}" y="20" width="{step:.1f}" height="{room}" class="hit"/>')
        if height > 0:
            parts.append(
                f'<rect x="{x + step * 0.1:.1f}" y="{20 + room - height:.1f}" width="{step * 0.8:.1f}" '
                f'height="{height:.1f}" class="bar"/>'
            )
        if hang > 0:
            parts.append(
                f'<rect x="{x + step * 0.3:.1f}" y="20" width="{step * 0.4:.1f}" height="{hang:.1f}" class="snow"/>'
            )
        if row.planned is not None:
            y = 20 + room * (1 - row.planned / top)
            parts.append(f'<line x1="{x:.1f}" x2="{x + step:.1f}" y1="{y:.1f}" y2="{y:.1f}" class="planned"/>')
        parts.append("</g>")
        if n % every == 0 and x < WIDTH - 40:
            parts.append(f'<text x="{x + 2:.1f}" y="{HEIGHT - 12}" class="axis">{escape(row.label)}</text>')
    return "".join([*parts, "</svg>"])


def _round_up(value: float) -> float:
    """The top of the axis: 1, 2, 4, 5 or 6 times a power of ten, so that its half is short too."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((n * power for n in (1, 2, 4, 5, 6, 8) if value <= n * power), 10 * power)
