"""The board's files stand at the root of its file system: make them importable the same way here."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
