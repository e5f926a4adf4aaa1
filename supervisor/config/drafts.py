"""What tables made for a person to complete assume, and how text stands in them."""

from __future__ import annotations

import json

CONTRACT_SHARE, BREAKER_SHARE = 0.9, 1.1  # of the installed power: plans stagger; without network all may heat at once


def quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
