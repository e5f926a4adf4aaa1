"""A label for the cabinet: which board this is, as a QR code and in words. Nothing on it is secret."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Final
from urllib.parse import quote

import segno

LABEL: Final = "label.svg"  # in a board's folder
_SCALE, _BORDER = 4, 4  # a quiet zone of four modules, as ISO/IEC 18004 asks
_TEXT_WIDTH, _LINE_HEIGHT = 260, 22


def label_text(board: str, zones: Sequence[str]) -> str:
    """What the code says."""
    return f"roadheat:board/{quote(board)}?zones={','.join(quote(zone) for zone in zones)}"


def label_svg(site: str, board: str, zones: Sequence[str]) -> str:
    """The label; zones: id and name of each, in the order of the relays."""
    code = segno.make(label_text(board, [zone.split(" ")[0] for zone in zones]), error="q", micro=False)
    side = code.symbol_size(scale=_SCALE, border=_BORDER)[0]
    inner = BytesIO()
    code.save(inner, kind="svg", scale=_SCALE, border=_BORDER, xmldecl=False)
    lines = [(board, 26, "bold"), (site, 14, "normal"), *((zone, 14, "normal") for zone in zones)]
    words = "".join(
        f'<text x="{side + 8}" y="{36 + _LINE_HEIGHT * i + (8 if i else 0)}" font-family="sans-serif" '
        f'font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
        for i, (text, size, weight) in enumerate(lines)
    )
    width, height = side + _TEXT_WIDTH, max(side, 36 + _LINE_HEIGHT * len(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{inner.getvalue().decode().strip()}{words}</svg>\n'
    )
