"""The service's permanent record: one writer thread. Start reading at `store.py`."""

from supervisor.store.alarms import AlarmRecord
from supervisor.store.events import Event
from supervisor.store.journal import AuditEntry
from supervisor.store.people import Grant, Session, User
from supervisor.store.place import DATABASE_NAME, place_of
from supervisor.store.spool import Batch, SpoolState
from supervisor.store.store import SPOOL_CAP_BYTES, Store

__all__ = [
    "DATABASE_NAME",
    "SPOOL_CAP_BYTES",
    "AlarmRecord",
    "AuditEntry",
    "Batch",
    "Event",
    "Grant",
    "Session",
    "SpoolState",
    "Store",
    "User",
    "place_of",
]
