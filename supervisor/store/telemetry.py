"""Committing telemetry: exactly once, with correct energy in whatever order records come.

Each zone's meter is a chain along its board's ticks (by boot, then uptime). The newest tick extends the chain. A late
one, from a board's journal, is inserted, see `supervisor.store.late`. Whatever a board sends, one commit takes a
bounded number of steps: all boards share the writer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from supervisor.runtime.clock import Clock
from supervisor.store import events, late, lives, quarantine, rollup, spool, uptime
from supervisor.store.labels import Labels
from supervisor.store.meter import Meter, advance
from supervisor.store.repository import Repository
from supervisor.store.seconds import free_second
from supervisor.store.tick import Position, Tick, ZoneTick, encode_zones, reading, tick_lines
from supervisor.store.writer import Writer
from supervisor.wire.messages import Telemetry


class Excess(Struct, frozen=True):
    """Energy that a board counted and that was not booked."""

    zone: str
    excess_wh: int


@dataclass
class Booking:
    """What is known of a board beside its frame; a commit adds what it did not book."""

    rated_w: Mapping[str, int]  # of its zones
    life_id: str = ""  # as in its hello; "" from firmware before 0.2
    boot: int = 0  # of its hello
    up_s: int = 0  # since that boot, as in its hello
    excess: list[Excess] = field(default_factory=list)
    refused: str = ""  # why the frame is in quarantine instead of the record


def commit(
    db: sqlite3.Connection,
    labels: Labels | None,
    board: str,
    telemetry: Telemetry,
    received_utc_s: int,
    start_utc_s: int,
    air_c: float | None,
    booking: Booking | None = None,
) -> bool:
    """Keep a frame; False where it is on record already, is older than what is kept, or can never be kept.

    `start_utc_s` is the start of the interval as the caller knows it, whatever the board's clock showed. `labels` None:
    nothing is spooled. Without `booking` the board's counters and uptime are accepted as they are.
    """
    life = lives.newest(db, board) if booking is None else lives.life_of(db, board, booking.life_id, booking.boot)
    if booking is not None and telemetry.boot > booking.boot:
        earlier = lives.earlier_life(db, board, life, telemetry.boot)
        if earlier is None:
            why = f"boot {telemetry.boot} of a board in boot {booking.boot}"
            return _refuse(db, board, telemetry, received_utc_s, booking, why)
        life = earlier
    if _known(db, board, life, telemetry):
        return False
    row = db.execute("SELECT 1 FROM tick WHERE board = ? AND life = ? AND boot = ? AND q = ?",
                     (board, life, telemetry.boot, telemetry.q)).fetchone()  # fmt: skip
    if row is not None:  # the same key with another measurement
        if booking is not None and (booking.life_id or telemetry.boot > booking.boot):
            return _refuse(db, board, telemetry, received_utc_s, booking, "a record's number again, with other content")
        life = lives.begin(db, board)  # the board was provisioned anew
    if start_utc_s < rollup.pruned_before_utc_s(db):
        return False
    second = free_second(db, board, start_utc_s, max(start_utc_s, received_utc_s))
    if second is None:
        return _refuse(db, board, telemetry, received_utc_s, booking, "too many records for its time")
    position = Position(life, telemetry.boot, telemetry.up, telemetry.q)
    heads = late.heads(db, board)
    believed: bool | None = True
    if booking is not None:
        ran_s = booking.up_s if booking.boot == telemetry.boot else 0
        believed = uptime.believes(db, board, position, received_utc_s, ran_s=None if heads else ran_s)
    if believed is None:
        why = "from long before the board's first record"
        return _refuse(db, board, telemetry, received_utc_s, booking, why)
    tick = Tick(
        board, life, telemetry.boot, telemetry.up, telemetry.q, second, telemetry.dt, received_utc_s,
        None if air_c is None else round(air_c * 1000), (), believed,
    )  # fmt: skip
    rated_w = booking.rated_w if booking is not None else {}
    tick, inserted = _measure(db, tick, telemetry, heads, rated_w)
    zones = tick.zones
    events.note_tick(db, labels, tick)
    late.move_totals(db, [(zone.sample.zone, zone.delta_wh) for zone in zones])
    _insert(db, tick)
    rollup.add(db, tick)
    for zone in zones:
        if zone.excess_wh:
            quarantine.put_energy(db, tick, None, zone)
            if booking is not None:
                booking.excess.append(Excess(zone.sample.zone, zone.excess_wh))
    if labels is not None and zones:
        spool.put(db, tick_lines(labels, tick, zones), len(zones))
    if inserted:
        late.replay(db, labels, tick, inserted)
    else:
        late.resume(db, labels, board)
    return True


def _insert(db: sqlite3.Connection, tick: Tick) -> None:
    db.execute(
        "INSERT INTO tick (board, life, boot, up_s, q, start_utc_s, dt_s, received_utc_s, air_mc, believed, zones) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tick.board,
            tick.life,
            tick.boot,
            tick.up_s,
            tick.q,
            tick.start_utc_s,
            tick.dt_s,
            tick.received_utc_s,
            tick.air_mc,
            tick.believed,
            encode_zones(tick.zones),
        ),
    )


def _measure(
    db: sqlite3.Connection,
    tick: Tick,
    telemetry: Telemetry,
    heads: dict[str, tuple[Position, Meter]],
    rated_w: Mapping[str, int],
) -> tuple[Tick, dict[str, Meter]]:
    """The tick with its zones' meters, and the meters of zones that have later ticks already. Moves the heads."""
    position = Position(tick.life, tick.boot, tick.up_s, tick.q)
    behind = [sample.zone for sample in telemetry.z if sample.zone in heads and not heads[sample.zone][0] < position]
    earlier = late.before(db, tick.board, position, behind) if behind else {}
    bases = late.bases_wh(db, tick.board, position, [zone for zone in behind if zone not in earlier])
    zones: list[ZoneTick] = []
    newest: list[tuple[str, Meter]] = []
    inserted: dict[str, Meter] = {}
    doubt = late.doubt_up_s(db, tick)
    for sample in telemetry.z:
        zone = sample.zone
        head = heads.get(zone)
        if head is None:
            before, base_wh = None, total_wh(db, zone)
        elif head[0] < position:
            before, base_wh = head[1], 0
        else:
            before, base_wh = earlier.get(zone), bases.get(zone, 0)
        rated = rated_w.get(zone, 0)
        step = advance(before, reading(tick, sample, rated, doubt), base_wh)
        if head is None or head[0] < position:
            newest.append((zone, step.meter))
        else:
            inserted[zone] = step.meter
        zones.append(ZoneTick(sample, step.delta_wh, step.meter, step.excess_wh, step.gap_s, rated))
    late.put_heads(db, tick.board, position, newest)
    return msgspec.structs.replace(tick, zones=tuple(zones)), inserted


def _refuse(
    db: sqlite3.Connection, board: str, telemetry: Telemetry, received_utc_s: int, booking: Booking | None, why: str
) -> bool:
    """A record that can never be kept goes to the quarantine. Returns False, as `commit` then does."""
    raw = msgspec.json.encode(telemetry)
    quarantine.put_frame(db, board, (telemetry.boot, telemetry.q), received_utc_s, why, raw)
    if booking is not None:
        booking.refused = why
    return False


def total_wh(db: sqlite3.Connection, zone: str) -> int:
    """A zone's energy since its record began."""
    row = db.execute("SELECT total_wh FROM zone_total WHERE zone = ?", (zone,)).fetchone()
    return int(row[0]) if row else 0


def zone_totals(db: sqlite3.Connection) -> dict[str, int]:
    """Every zone's energy since its record began [Wh]."""
    return dict(db.execute("SELECT zone, total_wh FROM zone_total ORDER BY zone").fetchall())


def ticks(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int, board: str | None = None) -> Iterator[Tick]:
    """The ticks that start in a period, oldest first per board."""
    boards = (
        [board] if board else [str(row[0]) for row in db.execute("SELECT DISTINCT board FROM meter ORDER BY board")]
    )
    for name in boards:
        cursor = db.execute(
            f"SELECT {late.COLUMNS} FROM tick WHERE board = ? AND start_utc_s BETWEEN ? AND ? ORDER BY start_utc_s",
            (name, from_utc_s, to_utc_s - 1),
        )
        for row in cursor:
            yield late.tick_of(row)[1]


def first_start(db: sqlite3.Connection) -> int | None:
    """Start of the oldest tick that is kept [UTC s]; None where there is none."""
    # Board by board: SQLite finds the end of an index only within one board.
    start: int | None = db.execute(
        "SELECT min(first) FROM (SELECT (SELECT min(start_utc_s) FROM tick WHERE tick.board = known.board) AS first "
        "FROM (SELECT DISTINCT board FROM meter) AS known)"
    ).fetchone()[0]
    return start


def _known(db: sqlite3.Connection, board: str, life: int, telemetry: Telemetry) -> bool:
    """Whether this very measurement is stored, in any of the board's last lives. One query per life: over a range of
    lives SQLite reads every tick of the board.
    """
    for earlier in range(life, max(-1, life - lives.LIVES_SEARCHED), -1):
        row = db.execute(
            f"SELECT {late.COLUMNS} FROM tick WHERE board = ? AND life = ? AND boot = ? AND q = ?",
            (board, earlier, telemetry.boot, telemetry.q),
        ).fetchone()
        if row is None:
            continue
        _, tick = late.tick_of(row)
        counters = [(zone.sample.zone, zone.sample.dev_wh) for zone in tick.zones]
        if (tick.up_s, counters) == (telemetry.up, [(sample.zone, sample.dev_wh) for sample in telemetry.z]):
            return True
    return False


class TelemetryRepository(Repository):
    """What boards measured."""

    def __init__(self, writer: Writer, clock: Clock, lines: spool.SpoolRepository) -> None:
        super().__init__(writer, clock)
        self._spool = lines

    async def commit(
        self,
        board: str,
        frame: Telemetry,
        received_utc_s: float,
        start_utc_s: float,
        air_c: float | None = None,
        booking: Booking | None = None,
    ) -> bool:
        """Keep a frame exactly once by (board, boot, q), with its zones' energy and its lines for InfluxDB.

        `start_utc_s`: start of its interval, worked out by the caller where the board's clock was not set. `booking`:
        what the board's zones can draw, and which life of the board this is; without it all is accepted. Returns
        False for a duplicate and for what can never be kept, which are to be acknowledged as well. Raises StoreError:
        then nothing was kept and nothing may be acknowledged.
        """
        received, start = int(received_utc_s), int(start_utc_s)
        kept = await self.write(
            lambda db: commit(db, self._spool.labels, board, frame, received, start, air_c, booking),
            behind=True,  # a thousand a second of a large city: a person's command passes them
        )
        if kept:
            self._spool.waiting.set()
        return kept

    async def zone_totals(self) -> dict[str, int]:
        """Every zone's energy since its record began [Wh]; never falls."""
        return await self.read(zone_totals)
