"""The store: what must survive. Every coroutine that changes something has reached the disk when it returns.

The rooms (`telemetry`, `commands`, `people`, `journal`, `rollup`, `spool`) are plain functions on a connection; this
file gives them the writer's thread and the clock. A read sees what is committed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor.domain.clock import Clock
from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.domain.plan import Plan
from supervisor.store import commands, energy, journal, late, people, quarantine, rollup, spool, telemetry
from supervisor.store.tick import event_line
from supervisor.store.writer import Job, Writer
from supervisor.wire.messages import Telemetry

DATABASE_NAME = "roadheat.db"  # in the state folder
# 14 days without InfluxDB for 50 zones at 10 s are 0.9 GB of lines.
SPOOL_CAP_BYTES = 1024**3


class Store:
    """The record of the district. Make it with `open`, end it with `close`."""

    def __init__(self, writer: Writer, clock: Clock, site: str, timezone: ZoneInfo, spool_cap_bytes: int) -> None:
        self._writer = writer
        self._clock = clock
        self._timezone = timezone
        self._cap_bytes = spool_cap_bytes
        self._site = site if spool_cap_bytes else None  # None: nothing is spooled
        self.spooled = asyncio.Event()  # set when lines may wait for InfluxDB
        self.spooled.set()
        self.write = writer.write  # for work of one's own: fn(connection)
        self.read = writer.read

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Clock,
        *,
        site: str = "site",
        timezone: str = "UTC",
        spool_cap_bytes: int = 0,
    ) -> Store:
        """Open or make the database at `path`, bringing its schema up to date.

        `site` is the tag of its points, `spool_cap_bytes` the most that waits for InfluxDB (0: there is no InfluxDB,
        `SPOOL_CAP_BYTES` is a good size). Raises StoreError.
        """
        return cls(Writer(path), clock, site, ZoneInfo(timezone), spool_cap_bytes)

    async def write_safety(self, job: Job) -> object:
        """Run `job` like `write`; on a full disk it may use the space set aside for safety commands."""
        return await self.write(job, safety=True)

    async def close(self) -> None:
        """Commit what waits and let go of the file."""
        await self._writer.close()

    def _now(self) -> int:
        return int(self._clock.utc_s())

    # Telemetry and energy

    async def commit_telemetry(
        self,
        board: str,
        frame: Telemetry,
        received_utc_s: float,
        start_utc_s: float,
        air_c: float | None = None,
        booking: telemetry.Booking | None = None,
    ) -> bool:
        """Keep a frame exactly once by (board, boot, q), with its zones' energy and its lines for InfluxDB.

        `start_utc_s`: start of its interval, worked out by the caller where the board's clock was not set. `booking`:
        what the board's zones can draw, and which life of the board this is; without it all is believed. Returns
        False for a duplicate and for what can never be kept, which are to be acknowledged as well. Raises StoreError:
        then nothing was kept and nothing may be acknowledged.
        """
        received, start = int(received_utc_s), int(start_utc_s)
        kept = await self.write(
            lambda db: telemetry.commit(db, self._site, board, frame, received, start, air_c, booking)
        )
        if kept:
            self.spooled.set()
        return kept

    async def quarantine_frame(self, board: str, key: tuple[int, int], reason: str, raw: bytes, zone: str = "") -> None:
        """Keep a frame, or what of it was refused; `key` is its boot and sequence."""
        now = self._now()
        await self.write(lambda db: quarantine.put_frame(db, board, key, now, reason, raw, zone))

    async def quarantined(self, from_utc_s: float, to_utc_s: float) -> list[quarantine.Quarantined]:
        """What was not booked of intervals that begin in a period."""
        return await self.read(lambda db: quarantine.found(db, int(from_utc_s), int(to_utc_s)))

    async def zone_totals(self) -> dict[str, int]:
        """Every zone's energy since its record began [Wh]; never falls."""
        return await self.read(telemetry.zone_totals)

    async def energy(self, from_utc_s: float, to_utc_s: float) -> list[energy.HourEnergy]:
        """Energy per zone and hour, in quarters, for the hours that begin in a period."""
        return await self.read(lambda db: energy.hours(db, int(from_utc_s), int(to_utc_s)))

    async def roll_up(self) -> int:
        """Bring days and their points up to date; call every few minutes. Returns the hours it took in."""
        now = self._clock.utc_s()
        for board in await self.read(late.boards_left):
            await self.write(partial(late.resume, site=self._site, board=board))
        hours = await self.write(lambda db: rollup.roll_up(db, self._site, self._timezone, now))
        if hours:
            self.spooled.set()
        return hours

    async def prune(self, before_utc_s: float) -> int:
        """Forget ticks older than that, some thousands at a time; hours and days stay. Returns how many went."""
        return await self.write(lambda db: rollup.prune(db, int(before_utc_s)))

    # Spool for InfluxDB

    async def spool_batch(self, points_max: int) -> spool.Batch | None:
        return await self.read(lambda db: spool.batch(db, points_max))

    async def spool_delivered(self, last_id: int, dead: list[tuple[str, str]]) -> None:
        """Forget lines up to `last_id`; `dead` are those that the server refused, with its reason."""
        now = self._now()
        await self.write(lambda db: spool.delivered(db, last_id, dead, now))

    async def spool_enforce_cap(self) -> int:
        """Drop the oldest lines over the cap. Returns the points dropped now; the state counts them all."""
        return await self.write(lambda db: spool.enforce_cap(db, self._cap_bytes)) if self._cap_bytes else 0

    async def spool_state(self) -> spool.SpoolState:
        return await self.read(lambda db: spool.state(db, self._cap_bytes))

    # Commands

    async def next_epoch(self) -> int:
        """Recorded like a safety command: without it a service on a full disk could not start."""
        return await self.write(commands.next_epoch, safety=True)

    async def raise_epoch(self, above: int) -> int:
        """An epoch above the one a board says it has seen."""
        return await self.write(lambda db: commands.raise_epoch(db, above))

    async def reserve_sequences(self, board: str, n: int) -> int:
        """The first of `n` command sequences for this board; they only rise."""
        return await self.write(lambda db: commands.reserve_sequences(db, board, n))

    async def add_override(
        self, *, zone: str, mode: OverrideMode, reason: str, user: str, created_utc_s: int, expires_utc_s: int
    ) -> Override:
        new = Override(
            id=0, zone=zone, mode=mode, reason=reason, user=user, created_utc_s=created_utc_s,
            expires_utc_s=expires_utc_s,
        )  # fmt: skip
        return await self.write(lambda db: commands.add_override(db, new))

    async def newest_override_id(self) -> int:
        return await self.read(commands.newest_override_id)

    async def update_override_state(self, override_id: int, state: OverrideState) -> None:
        await self.write(lambda db: commands.update_override_state(db, override_id, state))

    async def live_overrides(self, now_utc_s: float) -> list[Override]:
        return await self.read(lambda db: commands.live_overrides(db, now_utc_s))

    async def overrides(self, zone: str | None, from_utc_s: float, to_utc_s: float) -> list[Override]:
        return await self.read(lambda db: commands.overrides(db, zone, from_utc_s, to_utc_s))

    async def save_plans(self, plans: Iterable[Plan]) -> None:
        kept = list(plans)
        await self.write(lambda db: commands.save_plans(db, kept))

    async def latest_plans(self) -> dict[str, Plan]:
        return await self.read(commands.latest_plans)

    async def plans(self, zone: str, from_utc_s: float, to_utc_s: float) -> list[Plan]:
        return await self.read(lambda db: commands.plans(db, zone, from_utc_s, to_utc_s))

    # Journal

    async def append_audit(self, user: str, action: str, detail: str) -> None:
        now = self._now()
        await self.write(lambda db: journal.append_audit(db, now, user, action, detail))

    async def audit(self, from_utc_s: float, to_utc_s: float) -> list[journal.AuditEntry]:
        return await self.read(lambda db: journal.audit(db, from_utc_s, to_utc_s))

    async def verify_audit(self) -> tuple[int, str]:
        return await self.read(journal.verify_audit)

    async def append_event(self, kind: str, subject: str, detail: str) -> None:
        """Something rare and worth keeping; it also becomes a point."""
        event = journal.Event(self._now(), kind, subject, detail)

        def job(db: sqlite3.Connection) -> None:
            journal.append_event(db, event)
            if self._site is not None:
                spool.put(db, event_line(self._site, subject, kind, detail, event.utc_s), 1)

        await self.write(job)
        self.spooled.set()

    async def events(self, from_utc_s: float, to_utc_s: float, kind: str | None = None) -> list[journal.Event]:
        return await self.read(lambda db: journal.events(db, from_utc_s, to_utc_s, kind))

    async def raise_alarm(self, code: str, subject: str, detail: str) -> journal.AlarmRecord:
        now = self._now()
        return await self.write(lambda db: journal.raise_alarm(db, code, subject, detail, now))

    async def clear_alarm(self, code: str, subject: str) -> bool:
        now = self._now()
        return await self.write(lambda db: journal.clear_alarm(db, code, subject, now))

    async def acknowledge_alarm(self, alarm_id: int, user: str) -> journal.AlarmRecord:
        now = self._now()
        return await self.write(lambda db: journal.acknowledge_alarm(db, alarm_id, user, now))

    async def open_alarms(self) -> list[journal.AlarmRecord]:
        return await self.read(journal.open_alarms)

    async def kv_get(self, key: str) -> str | None:
        return await self.read(lambda db: journal.kv_get(db, key))

    async def kv_set(self, key: str, value: str) -> None:
        await self.write(lambda db: journal.kv_set(db, key, value))

    # People

    async def put_user(self, user: people.User) -> None:
        await self.write(lambda db: people.put_user(db, user))

    async def find_user(self, name: str) -> people.User | None:
        return await self.read(lambda db: people.find_user(db, name))

    async def users(self) -> list[people.User]:
        return await self.read(people.users)

    async def create_session(self, token: str, session: people.Session) -> None:
        await self.write(lambda db: people.create_session(db, token, session))

    async def find_session(self, token: str) -> people.Session | None:
        now = self._clock.utc_s()
        return await self.read(lambda db: people.find_session(db, token, now))

    async def touch_session(self, token: str, expires_utc_s: int) -> None:
        now = self._now()
        await self.write(lambda db: people.touch_session(db, token, now, expires_utc_s))

    async def end_session(self, token: str) -> None:
        await self.write(lambda db: people.end_session(db, token))

    async def end_sessions_of(self, user: str) -> int:
        return await self.write(lambda db: people.end_sessions_of(db, user))

    async def add_one_time_token(self, token: str, grant: people.Grant, expires_utc_s: int) -> None:
        await self.write(lambda db: people.add_one_time_token(db, token, grant, expires_utc_s))

    async def use_one_time_token(self, token: str, purpose: str) -> people.Grant | None:
        now = self._clock.utc_s()
        return await self.write(lambda db: people.use_one_time_token(db, token, purpose, now))

    async def forget_expired(self) -> None:
        now = self._clock.utc_s()
        await self.write(lambda db: people.forget_expired(db, now))
