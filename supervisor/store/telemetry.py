"""Committing telemetry: exactly once, with energy right in whatever order records come.

Each zone's meter is a chain along its board's ticks (by boot, then uptime). The newest tick extends the chain. A late
one, from a board's journal, is inserted: what follows it is recomputed until it comes out as it stands, which within
one boot is the very next tick (the late one takes its share of that one's energy). Lines of every tick that changed
are spooled again: same series, same stamp, so that InfluxDB overwrites them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from supervisor.store import rollup, spool
from supervisor.store.meter import Meter, advance
from supervisor.store.tick import (
    Position,
    Tick,
    ZoneTick,
    decode_zones,
    encode_zones,
    reading,
    reading_again,
    tick_lines,
)
from supervisor.wire.messages import Telemetry

# A tail of an earlier boot that comes after this many later ticks (14 h live) moves the newest total, not each line
# between; the sums of delta_wh are right all the same.
REPLAY_MAX = 5_000
LOOK_BACK_MAX = 64  # ticks searched for one that has the zone: a board's frames hold all its zones, or take turns

_meter_encoder = msgspec.msgpack.Encoder()
_meter_decoder = msgspec.msgpack.Decoder(Meter)
_COLUMNS = "id, board, life, boot, up_s, q, start_utc_s, dt_s, received_utc_s, air_mc, zones"
Row = tuple[int, Tick]


def commit(
    db: sqlite3.Connection,
    site: str | None,
    board: str,
    telemetry: Telemetry,
    received_utc_s: int,
    start_utc_s: int,
    air_c: float | None,
) -> bool:
    """Keep a frame; False where it is there already (or older than what is kept).

    `start_utc_s` is the start of the interval as the caller knows it, whatever the board's clock said. `site` None:
    nothing is spooled.
    """
    life = _life(db, board)
    if _known(db, board, life, telemetry):
        return False
    row = db.execute("SELECT zones FROM tick WHERE board = ? AND life = ? AND boot = ? AND q = ?",
                     (board, life, telemetry.boot, telemetry.q)).fetchone()  # fmt: skip
    if row is not None:  # the key again with another measurement: the board was provisioned anew
        life += 1
        db.execute("INSERT OR REPLACE INTO board_life VALUES (?, ?)", (board, life))
    start_utc_s = _free_second(db, board, start_utc_s)
    if start_utc_s < rollup.pruned_before_utc_s(db):
        return False
    position = Position(life, telemetry.boot, telemetry.up, telemetry.q)
    zones: list[ZoneTick] = []
    newest: list[tuple[str, Meter]] = []
    late: dict[str, Meter] = {}
    heads = _heads(db, board)
    for sample in telemetry.z:
        zone = sample.zone
        head = heads.get(zone)
        if head is None:
            before, base_wh = None, total_wh(db, zone)
        elif head[0] < position:
            before, base_wh = head[1], 0
        else:
            before = _before(db, board, position, zone)
            base_wh = 0 if before else _base_wh(db, board, position, zone)
        meter, delta_wh = advance(before, reading(life, telemetry, sample), base_wh)
        if head is None or head[0] < position:
            newest.append((zone, meter))
        else:
            late[zone] = meter
        zones.append(ZoneTick(sample, delta_wh, meter))
    _put_heads(db, board, position, newest)
    _move_totals(db, [(zone.sample.zone, zone.delta_wh) for zone in zones])
    air_mc = None if air_c is None else round(air_c * 1000)
    tick = Tick(
        board, life, telemetry.boot, telemetry.up, telemetry.q, start_utc_s, telemetry.dt, received_utc_s, air_mc,
        tuple(zones),
    )  # fmt: skip
    db.execute(
        "INSERT INTO tick (board, life, boot, up_s, q, start_utc_s, dt_s, received_utc_s, air_mc, zones) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            board,
            life,
            tick.boot,
            tick.up_s,
            tick.q,
            start_utc_s,
            tick.dt_s,
            received_utc_s,
            air_mc,
            encode_zones(zones),
        ),
    )
    rollup.add(db, tick)
    if site is not None and zones:
        spool.put(db, tick_lines(site, tick, zones), len(zones))
    if late:
        _replay(db, site, board, position, late)
    return True


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
            f"SELECT {_COLUMNS} FROM tick WHERE board = ? AND start_utc_s BETWEEN ? AND ? ORDER BY start_utc_s",
            (name, from_utc_s, to_utc_s - 1),
        )
        for row in cursor:
            yield _tick(row)[1]


def _tick(row: tuple[int, str, int, int, int, int, int, int, int, int | None, bytes]) -> Row:
    return row[0], Tick(*row[1:10], decode_zones(row[10]))


def _life(db: sqlite3.Connection, board: str) -> int:
    row = db.execute("SELECT life FROM board_life WHERE board = ?", (board,)).fetchone()
    return int(row[0]) if row else 0


def _known(db: sqlite3.Connection, board: str, life: int, telemetry: Telemetry) -> bool:
    """Whether this very measurement is stored, in any life of the board. A look per life (there are few): over a range
    of lives SQLite reads every tick of the board.
    """
    for earlier in range(life, -1, -1):
        row = db.execute(
            f"SELECT {_COLUMNS} FROM tick WHERE board = ? AND life = ? AND boot = ? AND q = ?",
            (board, earlier, telemetry.boot, telemetry.q),
        ).fetchone()
        if row is None:
            continue
        _, tick = _tick(row)
        counters = [(zone.sample.zone, zone.sample.dev_wh) for zone in tick.zones]
        if (tick.up_s, counters) == (telemetry.up, [(sample.zone, sample.dev_wh) for sample in telemetry.z]):
            return True
    return False


def _free_second(db: sqlite3.Connection, board: str, start_utc_s: int) -> int:
    """The first second from `start_utc_s` that no other tick of the board has: two points on one would be one."""
    while db.execute("SELECT 1 FROM tick WHERE board = ? AND start_utc_s = ?", (board, start_utc_s)).fetchone():
        start_utc_s += 1
    return start_utc_s


def _heads(db: sqlite3.Connection, board: str) -> dict[str, tuple[Position, Meter]]:
    """Where the meter of each zone of a board stands."""
    return {
        zone: (Position(life, boot, up_s, q), _meter_decoder.decode(state))
        for zone, life, boot, up_s, q, state in db.execute(
            "SELECT zone, life, boot, up_s, q, state FROM meter WHERE board = ?", (board,)
        )
    }


def _put_heads(db: sqlite3.Connection, board: str, at: Position, meters: list[tuple[str, Meter]]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO meter (board, zone, life, boot, up_s, q, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(board, zone, at.life, at.boot, at.up_s, at.q, _meter_encoder.encode(meter)) for zone, meter in meters],
    )


def _move_totals(db: sqlite3.Connection, moves: list[tuple[str, int]]) -> None:
    db.executemany(
        "INSERT INTO zone_total VALUES (?, ?) ON CONFLICT DO UPDATE SET total_wh = total_wh + excluded.total_wh", moves
    )


def _before(db: sqlite3.Connection, board: str, position: Position, zone: str) -> Meter | None:
    """The zone's meter after the last tick before `position`."""
    rows = db.execute(
        "SELECT zones FROM tick WHERE board = ? AND (life, boot, up_s, q) < (?, ?, ?, ?) "
        "ORDER BY life DESC, boot DESC, up_s DESC, q DESC LIMIT ?",
        (board, position.life, position.boot, position.up_s, position.q, LOOK_BACK_MAX),
    )
    for (blob,) in rows:
        for found in decode_zones(blob):
            if found.sample.zone == zone:
                return found.meter
    return None


def _after(db: sqlite3.Connection, board: str, position: Position, limit: int) -> list[Row]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM tick WHERE board = ? AND (life, boot, up_s, q) > (?, ?, ?, ?) "
        "ORDER BY life, boot, up_s, q LIMIT ?",
        (board, position.life, position.boot, position.up_s, position.q, limit),
    )
    return [_tick(row) for row in rows.fetchall()]


def _base_wh(db: sqlite3.Connection, board: str, position: Position, zone: str) -> int:
    """The total on which the zone's chain on this board started: that of the tick which has been its first."""
    for _, tick in _after(db, board, position, LOOK_BACK_MAX):
        for found in tick.zones:
            if found.sample.zone == zone:
                return found.meter.total_wh - found.delta_wh
    return total_wh(db, zone)


def _replay(db: sqlite3.Connection, site: str | None, board: str, position: Position, late: dict[str, Meter]) -> None:
    """Recompute the ticks after an inserted one until each zone comes out as it stands."""
    shift: dict[str, int] = {}  # by how much a zone's total moved at the last tick recomputed
    last = position
    seen = 0
    while late and seen < REPLAY_MAX:
        rows = _after(db, board, last, min(256, REPLAY_MAX - seen)) if seen else _after(db, board, last, 2)
        if not rows:
            break
        for row_id, tick in rows:
            if not late:
                break
            _replay_tick(db, site, row_id, tick, late, shift)
            last = Position(tick.life, tick.boot, tick.up_s, tick.q)
        seen += len(rows)
    heads = _heads(db, board)
    for zone, meter in late.items():
        if zone not in heads:
            continue
        position, head = heads[zone]
        if position > last:  # too far away to be reached
            meter = msgspec.structs.replace(head, total_wh=head.total_wh + shift.get(zone, 0))
        _put_heads(db, board, position, [(zone, meter)])


def _replay_tick(
    db: sqlite3.Connection, site: str | None, row_id: int, tick: Tick, late: dict[str, Meter], shift: dict[str, int]
) -> None:
    zones: list[ZoneTick] = []
    changed: list[ZoneTick] = []
    for old in tick.zones:
        zone = old.sample.zone
        new = old
        if zone in late:
            meter, delta_wh = advance(late[zone], reading_again(tick, old))
            new = ZoneTick(old.sample, delta_wh, meter)
            shift[zone] = meter.total_wh - old.meter.total_wh
            late[zone] = meter
            if new != old:
                changed.append(new)
                _move_totals(db, [(zone, new.delta_wh - old.delta_wh)])
                rollup.move(db, tick, zone, new.delta_wh - old.delta_wh)
            if meter == old.meter:
                del late[zone]
        zones.append(new)
    if changed:
        db.execute("UPDATE tick SET zones = ? WHERE id = ?", (encode_zones(zones), row_id))
        if site is not None:
            spool.put(db, tick_lines(site, tick, changed), len(changed))
