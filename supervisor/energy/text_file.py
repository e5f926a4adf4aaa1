"""Text files from a finance office: UTF-8 with or without its mark, or what Korean Excel writes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from supervisor.domain.errors import CommandError

ENCODINGS: Final = ("utf-8-sig", "cp949")
BYTES_MAX: Final = 20_000_000


def read_text(path: Path) -> tuple[str, str]:
    """The text and its encoding. Raises CommandError."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise CommandError(f"larger than {BYTES_MAX // 1_000_000} MB", where=str(path), remedy="Give one month")
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot be read: {error}", where=str(path), remedy="Give a CSV file") from None
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise CommandError("neither UTF-8 nor EUC-KR text", where=str(path), remedy="Save it as CSV in UTF-8")
