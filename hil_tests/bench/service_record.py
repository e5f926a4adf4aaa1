"""What the service has on record, read beside it: plans as sent and OFF commands as given."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from supervisor.domain.plan import Plan
from supervisor.store import plans

_ALL_UTC_S = 1e12


class ServiceRecord:
    """Reads the database at `path` whenever it is asked; nothing is known before there is one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plans: dict[str, tuple[int, list[Plan]]] = {}  # zone → newest id, plans

    def plans(self, zone: str) -> list[Plan]:
        """In the order of their saving."""
        with closing(self._open()) as db:
            newest = self._ask(db, "SELECT max(id) FROM plan WHERE zone = ?", zone)
            known = self._plans.get(zone)
            if newest and (known is None or known[0] != newest):
                self._plans[zone] = newest, plans.plans(db, zone, 0.0, _ALL_UTC_S)
        return self._plans.get(zone, (0, []))[1]

    def held_off(self, zone: str, utc_s: float) -> bool:
        """Whether an OFF was in force; one that ended early counts to its expiry."""
        question = (
            "SELECT count(*) FROM override WHERE zone = ? AND mode = 'off'"
            f" AND created_utc_s <= {int(utc_s)} + 1 AND expires_utc_s >= {int(utc_s)}"
        )
        with closing(self._open()) as db:
            return bool(self._ask(db, question, zone))

    def newest(self, board: str) -> int | None:
        """Number of the record of the board that was stored last; 0: none; None: whoever serves keeps no record."""
        if not self._path.exists():
            return None
        with closing(self._open()) as db:
            return self._ask(db, "SELECT max(id) FROM tick WHERE board = ?", board)

    def energy_wh(self) -> dict[str, int]:
        """By zone, since the service's first start."""
        with closing(self._open()) as db:
            try:
                return dict(db.execute("SELECT zone, total_wh FROM zone_total"))
            except sqlite3.OperationalError:
                return {}

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            return sqlite3.connect(":memory:")
        return sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)

    def _ask(self, db: sqlite3.Connection, question: str, zone: str) -> int:
        try:
            return int(db.execute(question, (zone,)).fetchone()[0] or 0)
        except sqlite3.OperationalError:  # the service has not made its tables yet
            return 0
