"""Connections for tests: without fsync for arithmetic, without the audit's triggers for forgers."""

from __future__ import annotations

import sqlite3

from supervisor.store import database
from supervisor.store.place import Place, Server
from supervisor.store.postgres import Postgres


def connect_hasty(place: Place) -> sqlite3.Connection:
    """What is committed on it may be lost in a power cut."""
    connection = database.connect(place)
    if isinstance(place, Server):
        connection.execute("SELECT set_config('synchronous_commit', 'off', false)")
    else:
        connection.execute("PRAGMA synchronous = OFF")
    return connection


def unguard_audit(db: sqlite3.Connection) -> None:
    """What somebody with access to the file or the server can do."""
    if isinstance(db, Postgres):
        db.script("ALTER TABLE audit DISABLE TRIGGER USER")
    else:
        for trigger in ("audit_keeps", "audit_stands"):
            db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
