"""Values that no key of city.toml may have, whatever its type: found before a table is converted."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from typing import Any

from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError

INTEGER_BITS = 64  # TOML's own integers; longer ones could not even be printed
TEXT_MAX = 1000  # characters: far above any name, URL or path
INVISIBLE = ("Cf", "Cs", "Zl", "Zp")  # format (among them direction marks), surrogate, line and paragraph separators
JOINERS = "\u200c\u200d"  # part of emoji and of Persian words
BLANKS = "\u115f\u1160\u3164\uffa0\u2800"  # letters and signs that are drawn as nothing


def unusable(source: Source, key: str, value: Any) -> Iterator[ConfigError]:
    """A problem for each number, text or key under `key` that is unusable whatever the key."""
    waiting = [(key, value)]  # not recursive: a file may nest deeper than Python's stack
    while waiting:
        at, here = waiting.pop()
        if isinstance(here, dict):
            waiting += [(f"{at}.{name}", inner) for name, inner in reversed(here.items())]
        elif isinstance(here, list):
            waiting += [(f"{at}[{number}]", inner) for number, inner in reversed(list(enumerate(here)))]
        elif isinstance(here, float) and not math.isfinite(here):
            yield source.problem(at, "not a finite number", "Write a number", value=here)
        elif isinstance(here, int) and not -(2 ** (INTEGER_BITS - 1)) <= here < 2 ** (INTEGER_BITS - 1):
            yield source.problem(at, f"more than {INTEGER_BITS} bits", "Write a smaller number", value=here)
        elif isinstance(here, str) and len(here) > TEXT_MAX:
            yield source.problem(at, f"longer than {TEXT_MAX} characters", "Shorten it", value=here)
        elif isinstance(here, str) and (hidden := _hidden(here)):
            yield source.problem(at, hidden, "Write plain text", value=here)


def _hidden(text: str) -> str:
    """What is wrong with a text that ends a line, hides something or turns the direction of reading; "" if nothing."""
    for character in text:
        if unicodedata.category(character) == "Cc":
            return "contains a control character or a line break"
        if character not in JOINERS and (unicodedata.category(character) in INVISIBLE or character in BLANKS):
            return f"contains the invisible character U+{ord(character):04X}"
    return ""
