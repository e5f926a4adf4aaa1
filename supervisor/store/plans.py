"""The zones' plans as they were issued."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from supervisor.domain.plan import Plan, changes, heated
from supervisor.runtime.clock import Clock
from supervisor.store import events
from supervisor.store.events import Event
from supervisor.store.labels import Labels
from supervisor.store.repository import Repository
from supervisor.store.spool import SpoolRepository
from supervisor.store.writer import Writer

logger = logging.getLogger(__name__)

HORIZON_MAX_S = 7 * 86_400  # a plan reaches 36 h; slots beyond a week are damage
LEASE_MAX_S = 86_400
_plan_encoder = msgspec.json.Encoder()
_plan_decoder = msgspec.json.Decoder(Plan)


def _is_sane(plan: Plan) -> bool:
    """Whether the plan's numbers are in range."""
    starts = [slot.start_s for slot in plan.slots]
    return (
        bool(starts)
        and starts == sorted(starts)
        and starts[0] >= 0
        and starts[-1] <= HORIZON_MAX_S
        and 0 <= plan.lease_s <= LEASE_MAX_S
        and 0 <= plan.start_utc_s < 2**33
        and abs(plan.start_utc_s - plan.issued_utc_s) <= HORIZON_MAX_S
        and all(-1 <= slot.duty_permille <= 1000 for slot in plan.slots)
    )


def save_plans(db: sqlite3.Connection, plans: Iterable[Plan], labels: Labels | None = None) -> None:
    """Keep plans as issued; where one heats at other times than the zone's last, that is an event."""
    plans = list(plans)
    for plan in plans:
        before = db.execute(
            "SELECT plan FROM plan WHERE zone = ? ORDER BY issued_utc_s DESC, id DESC LIMIT 1", (plan.zone,)
        ).fetchone()
        if before is not None and (change := _change(before[0], plan)) is not None:
            events.happen(db, labels, change)
    db.executemany(
        "INSERT INTO plan (zone, issued_utc_s, plan) VALUES (?, ?, ?)",
        [(plan.zone, plan.issued_utc_s, _plan_encoder.encode(plan)) for plan in plans],
    )


def _change(kept: bytes, plan: Plan) -> Event | None:
    """How a plan differs from the one that was kept before it, for people; None where it does not."""
    try:
        before = _plan_decoder.decode(kept)
    except (msgspec.MsgspecError, TypeError, RecursionError):
        return None
    if not changes(before, plan):
        return None
    detail = ", ".join(f"{_clock(start)} to {_clock(end)}" for start, end in heated(plan)) or "no heat"
    why = next((str(reason.code) for reason in plan.why), "")
    return Event(plan.issued_utc_s, "plan-change", plan.zone, f"{plan.label.value}: {detail}", why)


def _clock(utc_s: int) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%m-%dT%H:%MZ")


def latest_plans(db: sqlite3.Connection) -> dict[str, Plan]:
    """Each zone's newest plan; a zone whose newest cannot be read has none until it is planned again."""
    rows = db.execute("SELECT plan, zone FROM plan WHERE id IN (SELECT max(id) FROM plan GROUP BY zone)")
    return _readable(rows)


def plans_at(db: sqlite3.Connection, zones: Iterable[str], utc_s: int) -> dict[str, Plan]:
    """The newest plan of each zone of those issued by a time; a zone whose plan cannot be read has none."""
    query = (
        "SELECT plan, zone FROM plan WHERE zone = ? AND issued_utc_s > ? AND issued_utc_s <= ? "
        "ORDER BY issued_utc_s DESC, id DESC LIMIT 1"
    )
    found = (db.execute(query, (zone, utc_s - LEASE_MAX_S, utc_s)).fetchone() for zone in zones)
    return _readable(row for row in found if row is not None)


def _readable(rows: Iterable[tuple[bytes, str]]) -> dict[str, Plan]:
    plans: dict[str, Plan] = {}
    for blob, zone in rows:
        try:
            plan = _plan_decoder.decode(blob)
        except (msgspec.MsgspecError, TypeError, RecursionError) as error:
            logger.warning("the kept plan of %s is not readable: %s", zone, error)
            continue
        if plan.zone == zone and _is_sane(plan):
            plans[zone] = plan
        else:
            logger.warning("the kept plan of %s is damaged and is not used", zone)
    return plans


def plans(db: sqlite3.Connection, zone: str, from_utc_s: float, to_utc_s: float) -> list[Plan]:
    """A zone's plans issued in a period, oldest first."""
    rows = db.execute(
        "SELECT plan FROM plan WHERE zone = ? AND issued_utc_s >= ? AND issued_utc_s < ? ORDER BY id",
        (zone, from_utc_s, to_utc_s),
    )
    return [_plan_decoder.decode(row[0]) for row in rows]


class PlanRepository(Repository):
    """The zones' plans."""

    def __init__(self, writer: Writer, clock: Clock, lines: SpoolRepository) -> None:
        super().__init__(writer, clock)
        self._spool = lines

    async def save(self, made: Iterable[Plan]) -> None:
        """Keep plans as issued."""
        kept, labels = list(made), self._spool.labels
        await self.write(lambda db: save_plans(db, kept, labels))

    async def latest(self) -> dict[str, Plan]:
        """Each zone's newest plan."""
        return await self.read(latest_plans)
