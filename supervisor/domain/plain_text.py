"""A line that a person wrote, as it is kept and shown: emoji and every script, and nothing that acts on other text."""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"  # inside emoji, and words of some scripts
_ACTING: Final = (
    "Cc",
    "Cf",
    "Co",
    "Cs",
)  # control, format (such as what turns the direction round), private, surrogate


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a text that begins so for a formula


def cell(text: str) -> str:
    """`text` as a spreadsheet shows it and does not carry it out."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def has_control(text: str) -> bool:
    """Whether a control character other than a space or a line break is in it: nobody types one."""
    return any(unicodedata.category(c) == "Cc" for c in text if not c.isspace())


def one_line(text: str) -> str:
    """`text` without letters that act on other text, its spaces joined; empty where nothing is left to see."""
    joined = " ".join(text.split())
    kept = "".join(c for c in joined if c in _JOINERS or unicodedata.category(c) not in _ACTING)
    line = " ".join(kept.split())
    return line if line.strip(_JOINERS + " ") else ""
