"""Late records: inserted into the chains of their zones' meters, and what follows recomputed.

What follows an inserted tick is recomputed until it comes out as it stands, which within one boot is the very next
tick (the late one takes its share of that one's energy). Lines of every tick that changed are spooled again: same
series, same stamp, so that InfluxDB overwrites them. A late record of an earlier boot moves the totals of all ticks
since. One commit recomputes a bounded number of them; the board's next commits continue.
"""

from __future__ import annotations

import sqlite3

import msgspec

from supervisor.store import quarantine, rollup, spool
from supervisor.store.labels import Labels
from supervisor.store.meter import Meter, advance
from supervisor.store.tick import Position, Tick, ZoneTick, decode_zones, encode_zones, reading, tick_lines

REPLAY_MAX = 48  # ticks in one commit: at about 60 µs each this takes milliseconds
AGAIN_MAX = 4  # the same while a recomputation is pending: else each record of a journal's tail would repeat all of it
LOOK_BACK_MAX = 16  # ticks searched for one with the zone: a board's frames hold all its zones, or some in turn

_meter_encoder = msgspec.msgpack.Encoder()
_meter_decoder = msgspec.msgpack.Decoder(Meter)
COLUMNS = "id, board, life, boot, up_s, q, start_utc_s, dt_s, received_utc_s, air_mc, believed, zones"
Row = tuple[int, Tick]


def tick_of(row: tuple[int, str, int, int, int, int, int, int, int, int | None, int, bytes]) -> Row:
    """A row of `COLUMNS`: its id and the tick."""
    return row[0], Tick(*row[1:10], decode_zones(row[11]), bool(row[10]))


def heads(db: sqlite3.Connection, board: str) -> dict[str, tuple[Position, Meter]]:
    """Where the meter of each zone of a board stands."""
    return {
        zone: (Position(life, boot, up_s, q), _meter_decoder.decode(state))
        for zone, life, boot, up_s, q, state in db.execute(
            "SELECT zone, life, boot, up_s, q, state FROM meter WHERE board = ?", (board,)
        )
    }


def put_heads(db: sqlite3.Connection, board: str, at: Position, meters: list[tuple[str, Meter]]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO meter (board, zone, life, boot, up_s, q, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(board, zone, at.life, at.boot, at.up_s, at.q, _meter_encoder.encode(meter)) for zone, meter in meters],
    )


def move_totals(db: sqlite3.Connection, moves: list[tuple[str, int]]) -> None:
    db.executemany(
        "INSERT INTO zone_total VALUES (?, ?) ON CONFLICT DO UPDATE SET total_wh = total_wh + excluded.total_wh", moves
    )


def before(db: sqlite3.Connection, board: str, position: Position, zones: list[str]) -> dict[str, Meter]:
    """The zones' meters after the last tick before `position`, where one of the last ticks has them."""
    rows = db.execute(
        "SELECT zones FROM tick WHERE board = ? AND (life, boot, up_s, q) < (?, ?, ?, ?) "
        "ORDER BY life DESC, boot DESC, up_s DESC, q DESC LIMIT ?",
        (board, position.life, position.boot, position.up_s, position.q, LOOK_BACK_MAX),
    )
    wanted = set(zones)
    meters: dict[str, Meter] = {}
    for (blob,) in rows:
        for found in decode_zones(blob):
            if found.sample.zone in wanted and found.sample.zone not in meters:
                meters[found.sample.zone] = found.meter
        if len(meters) == len(wanted):
            break
    return meters


def doubt_up_s(db: sqlite3.Connection, tick: Tick) -> int:
    """Uptime of the last record before `tick`, in its boot, that was not believed; 0 where all were."""
    row = db.execute(
        "SELECT up_s FROM tick WHERE board = ? AND life = ? AND boot = ? AND believed = 0 AND (up_s, q) < (?, ?) "
        "ORDER BY up_s DESC, q DESC LIMIT 1",
        (tick.board, tick.life, tick.boot, tick.up_s, tick.q),
    ).fetchone()
    return int(row[0]) if row else 0


def bases_wh(db: sqlite3.Connection, board: str, position: Position, zones: list[str]) -> dict[str, int]:
    """The totals on which the zones' chains on this board started: those of the ticks which have been their first."""
    if not zones:
        return {}
    bases: dict[str, int] = {}
    for _, tick in _after(db, board, position, LOOK_BACK_MAX):
        for found in tick.zones:
            bases.setdefault(found.sample.zone, found.meter.total_wh - found.delta_wh)
        if bases.keys() >= set(zones):
            break
    for zone in zones:
        if zone not in bases:
            row = db.execute("SELECT total_wh FROM zone_total WHERE zone = ?", (zone,)).fetchone()
            bases[zone] = int(row[0]) if row else 0
    return bases


def _after(db: sqlite3.Connection, board: str, position: Position, limit: int) -> list[Row]:
    rows = db.execute(
        f"SELECT {COLUMNS} FROM tick WHERE board = ? AND (life, boot, up_s, q) > (?, ?, ?, ?) "
        "ORDER BY life, boot, up_s, q LIMIT ?",
        (board, position.life, position.boot, position.up_s, position.q, limit),
    )
    return [tick_of(row) for row in rows.fetchall()]


def replay(db: sqlite3.Connection, labels: Labels | None, at: Tick, inserted: dict[str, Meter]) -> None:
    """Recompute the ticks after an inserted one until each zone comes out as it stands, or leave the rest pending."""
    moved_wh = {zone.sample.zone: zone.delta_wh for zone in at.zones}
    _recompute(db, labels, at.board, Position(at.life, at.boot, at.up_s, at.q), inserted, moved_wh)


def _recompute(
    db: sqlite3.Connection,
    labels: Labels | None,
    board: str,
    begin: Position,
    late: dict[str, Meter],
    moved_wh: dict[str, int],
) -> None:
    """Bring ticks after `begin` up to date with the meters `late`, of which `moved_wh` has not reached the heads."""
    seen, last = 0, begin
    left = {
        zone: Position(*at)
        for zone, *at in db.execute("SELECT zone, life, boot, up_s, q FROM replay WHERE board = ?", (board,))
    }
    most = AGAIN_MAX if moved_wh and left.keys() & late.keys() else REPLAY_MAX
    while late and seen < most:
        rows = _after(db, board, last, most - seen if seen else 2)
        if not rows:
            break
        for row_id, tick in rows:
            if not late:
                break
            touched = set(late)
            _replay_tick(db, labels, row_id, tick, late, moved_wh)
            last = Position(tick.life, tick.boot, tick.up_s, tick.q)
            for zone in touched:  # what was pending from here on is done
                if zone in left and begin <= left[zone] <= last:
                    del left[zone]
                    db.execute("DELETE FROM replay WHERE board = ? AND zone = ?", (board, zone))
        seen += len(rows)
    known = heads(db, board)
    for zone, meter in late.items():
        if zone not in known:
            continue
        at, head = known[zone]
        if at <= last:
            put_heads(db, board, at, [(zone, meter)])
            continue
        total_wh = head.total_wh + moved_wh.get(zone, 0)  # not reached: later ticks start right, those between follow
        put_heads(db, board, at, [(zone, msgspec.structs.replace(head, total_wh=total_wh))])
        if zone not in left or left[zone] > begin:  # what was pending before passes here too
            db.execute(
                "INSERT OR REPLACE INTO replay VALUES (?, ?, ?, ?, ?, ?, ?)",
                (board, zone, last.life, last.boot, last.up_s, last.q, _meter_encoder.encode(meter)),
            )


def boards_left(db: sqlite3.Connection) -> list[str]:
    """Boards with a pending recomputation."""
    return [str(board) for (board,) in db.execute("SELECT DISTINCT board FROM replay")]


def resume(db: sqlite3.Connection, labels: Labels | None, board: str) -> None:
    """Continue a board's pending recomputation."""
    rows = db.execute(
        "SELECT zone, life, boot, up_s, q, state FROM replay WHERE board = ? ORDER BY life, boot, up_s, q", (board,)
    ).fetchall()
    if not rows:
        return
    last = Position(*rows[0][1:5])
    due = {zone: _meter_decoder.decode(state) for zone, *at, state in rows if Position(*at) == last}
    db.executemany("DELETE FROM replay WHERE board = ? AND zone = ?", [(board, zone) for zone in due])
    _recompute(db, labels, board, last, due, {})


def _replay_tick(
    db: sqlite3.Connection,
    labels: Labels | None,
    row_id: int,
    tick: Tick,
    late: dict[str, Meter],
    moved_wh: dict[str, int],
) -> None:
    zones: list[ZoneTick] = []
    changed: list[ZoneTick] = []
    doubt = doubt_up_s(db, tick)
    for old in tick.zones:
        zone = old.sample.zone
        new = old
        if zone in late:
            step = advance(late[zone], reading(tick, old.sample, old.rated_w, doubt))
            new = ZoneTick(old.sample, step.delta_wh, step.meter, step.excess_wh, step.gap_s, old.rated_w)
            moved_wh[zone] = moved_wh.get(zone, 0) + step.delta_wh - old.delta_wh
            late[zone] = step.meter
            if new != old:
                changed.append(new)
                move_totals(db, [(zone, new.delta_wh - old.delta_wh)])
                rollup.move(db, tick, old, new)
                quarantine.put_energy(db, tick, old, new)
            if step.meter == old.meter:
                del late[zone]
        zones.append(new)
    if changed:
        db.execute("UPDATE tick SET zones = ? WHERE id = ?", (encode_zones(zones), row_id))
        if labels is not None:
            spool.put(db, tick_lines(labels, tick, changed), len(changed))
