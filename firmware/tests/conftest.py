"""The board's files stand at the root of its file system: make them importable the same way here."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board's files lie in the working folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def own_garbage() -> Iterator[None]:
    """A board collects garbage each cycle; here it need not look through all that the test process has loaded."""
    gc.freeze()
    yield
    gc.unfreeze()
