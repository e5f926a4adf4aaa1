"""Texts of messages: those of alarms are the app's own, so that a message and the screen use the same words."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

_PLACE: Final = re.compile(r"{(\w+)}")
I18N: Final = (Path(__file__).parent.parent / "static" / "i18n", Path(__file__).parent / "i18n")


@cache
def words(language: str) -> dict[str, str]:
    """Key → text."""
    found: dict[str, str] = {}
    for folder in I18N:
        found |= msgspec.json.decode((folder / f"{language}.json").read_bytes(), type=dict[str, str])
    return found


def say(language: str, key: str, **values: object) -> str:
    """One text with its values, which are put in as they are, whatever they contain."""
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), words(language)[key])
