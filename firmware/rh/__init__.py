"""roadheat on the board. Start reading at `program.py`; what decides about heat is pure and starts at `zone.py`."""

VERSION = "0.2.0"  # the one place: pyproject.toml reads it, a test compares package.json
