"""docs/nomenclature.md names every field, code and flag of the wire."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from supervisor.wire.messages import (
    Flag,
    FromBoard,
    Nonce,
    Result,
    ToBoard,
    Winner,
)

TEXT = (Path(__file__).parents[3] / "docs" / "nomenclature.md").read_text()
FRAMES = (Nonce, *get_args(FromBoard), *get_args(ToBoard))


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_every_field_is_described(frame: type[msgspec.Struct]) -> None:
    tag = frame.__struct_config__.tag
    row = re.search(rf"^\| `{tag}` \|.*$", TEXT, re.MULTILINE)
    assert row is not None, tag
    missing = [name for name in frame.__struct_fields__ if f"`{name}`" not in row[0]]
    assert missing == []


def test_every_code_and_flag_is_described() -> None:
    for flag in Flag:
        assert re.search(rf"^\| {int(flag)} \| \w", TEXT, re.MULTILINE), flag
    for code in (*Result, *Winner):
        assert re.search(rf"\| {int(code)} \| \w", TEXT), code
