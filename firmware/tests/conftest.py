"""The board's files stand at the root of its file system: make them importable the same way here."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board's files lie in the working folder."""
    monkeypatch.chdir(tmp_path)
