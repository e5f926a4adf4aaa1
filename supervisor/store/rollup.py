"""Hours and days per zone. Hours move in the tick's own transaction, so they are exact at any moment; days and the
points for InfluxDB follow from the hours that changed. The supervisor does this: Flux tasks are not portable."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from supervisor.domain.plan import SLOT_S
from supervisor.store import spool
from supervisor.store.labels import Labels
from supervisor.store.tick import GAP_MIN_S, Tick, ZoneTick, escape_tag

HOUR_S = 3600
PRUNE_MAX = 2_000  # ticks deleted in one transaction: about 20 ms, so that telemetry need not wait
NEVER_UTC_S = -(2**62)
SPREAD_MAX_S = 4 * 86_400  # energy of a longer gap goes to its last days: hours to be written stay bounded
SETTLE_S = 120  # an hour's point is sent this long after its end: the last live tick has come by then


def pruned_before_utc_s(db: sqlite3.Connection) -> int:
    """Ticks that start before this are gone; a replay of one is not new."""
    row = db.execute("SELECT value FROM kv WHERE key = 'pruned_before_utc_s'").fetchone()
    try:
        return int(row[0]) if row else NEVER_UTC_S
    except ValueError:  # damaged: an old record may come twice, but none is refused
        return NEVER_UTC_S


def prune(db: sqlite3.Connection, before_utc_s: int, limit: int = PRUNE_MAX) -> int:
    """Delete ticks older than `before_utc_s`, at most `limit` at a time; hours and days stay. Returns how many."""
    gone = 0
    for (board,) in db.execute("SELECT DISTINCT board FROM meter").fetchall():
        gone += db.execute(  # board by board: along the index
            "DELETE FROM tick WHERE id IN (SELECT id FROM tick WHERE board = ? AND start_utc_s < ? LIMIT ?)",
            (board, before_utc_s, limit - gone),
        ).rowcount
    newest = max(before_utc_s, pruned_before_utc_s(db))
    db.execute("INSERT OR REPLACE INTO kv VALUES ('pruned_before_utc_s', ?)", (str(newest),))
    return gone


def add(db: sqlite3.Connection, tick: Tick) -> None:
    """Add a new tick to its hour; energy of the gap before it goes to the gap's quarters."""
    start_utc_s = tick.start_utc_s
    hour_utc_s = start_utc_s - start_utc_s % HOUR_S
    rows = []
    for zone in tick.zones:
        surface_mc = zone.surface_mc
        weighted = (0, 0) if surface_mc is None else (surface_mc * tick.dt_s, tick.dt_s)
        rows.append((hour_utc_s, zone.sample.zone, zone.sample.on_s, tick.dt_s, *weighted, surface_mc))
    db.executemany(
        "INSERT INTO zone_1h VALUES (?, ?, 0, 0, 0, 0, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET "
        "on_s = on_s + excluded.on_s, covered_s = covered_s + excluded.covered_s, "
        "surface_mc_s = surface_mc_s + excluded.surface_mc_s, surface_s = surface_s + excluded.surface_s, "
        "surface_min_mc = min(ifnull(surface_min_mc, excluded.surface_min_mc), "
        "ifnull(excluded.surface_min_mc, surface_min_mc)), dirty = 1",
        rows,
    )
    for zone in tick.zones:
        book(db, zone.sample.zone, quarters_wh(tick, zone))


def move(db: sqlite3.Connection, tick: Tick, old: ZoneTick, new: ZoneTick) -> None:
    """Correct the energy of a tick that is counted already."""
    before, after = quarters_wh(tick, old), quarters_wh(tick, new)
    moved = {quarter: after.get(quarter, 0) - before.get(quarter, 0) for quarter in {**before, **after}}
    book(db, old.sample.zone, moved)


def quarters_wh(tick: Tick, zone: ZoneTick) -> dict[int, int]:
    """A zone's energy by the UTC second at which its quarter of an hour starts.

    An interval counts whole into the quarter in which it starts; the energy of the gap before it is spread evenly over
    the gap.
    """
    end_utc_s = tick.start_utc_s + tick.dt_s
    begin_utc_s = tick.start_utc_s - min(zone.gap_s, SPREAD_MAX_S)
    first, last = begin_utc_s - begin_utc_s % SLOT_S, tick.start_utc_s - tick.start_utc_s % SLOT_S
    if zone.gap_s <= GAP_MIN_S or first == last or not zone.delta_wh:
        return {last: zone.delta_wh} if zone.delta_wh else {}
    booked, result = 0, {}
    for quarter in range(first, last + 1, SLOT_S):
        until_utc_s = end_utc_s if quarter == last else quarter + SLOT_S
        by_then = zone.delta_wh * (until_utc_s - begin_utc_s) // (end_utc_s - begin_utc_s)
        result[quarter] = by_then - booked
        booked = by_then
    return result


def book(db: sqlite3.Connection, zone: str, moved_wh: dict[int, int]) -> None:
    """Add energy [Wh] to a zone's quarters of an hour, by the UTC second at which each starts."""
    hours: dict[int, list[int]] = {}
    for start_utc_s, energy_wh in moved_wh.items():
        if energy_wh:
            quarters = hours.setdefault(start_utc_s - start_utc_s % HOUR_S, [0, 0, 0, 0])
            quarters[start_utc_s % HOUR_S // SLOT_S] += energy_wh
    db.executemany(
        "INSERT INTO zone_1h VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, NULL, 1) ON CONFLICT DO UPDATE SET "
        "wh0 = wh0 + excluded.wh0, wh1 = wh1 + excluded.wh1, wh2 = wh2 + excluded.wh2, wh3 = wh3 + excluded.wh3, "
        "dirty = 1",
        [(hour, zone, *quarters) for hour, quarters in hours.items()],
    )


def due(db: sqlite3.Connection, now_utc_s: float) -> tuple[list[int], int]:
    """The starts of the hours that changed and have ended, and of the last hour that has ended."""
    last = int(now_utc_s) - HOUR_S - SETTLE_S
    rows = db.execute("SELECT DISTINCT start_utc_s FROM zone_1h WHERE dirty = 1 AND start_utc_s <= ?", (last,))
    return [int(start) for (start,) in rows], last


def roll_up(db: sqlite3.Connection, labels: Labels | None, timezone: ZoneInfo, now_utc_s: float) -> int:
    """Bring days up to date from the hours that changed and have ended; spool the points of both. Returns the hours."""
    hours = db.execute(
        "SELECT start_utc_s, zone, wh0 + wh1 + wh2 + wh3, on_s, covered_s, surface_mc_s, surface_s, surface_min_mc "
        "FROM zone_1h WHERE dirty = 1 AND start_utc_s <= ?",
        (int(now_utc_s) - HOUR_S - SETTLE_S,),
    ).fetchall()
    site = "" if labels is None else labels.site
    lines: list[str] = []
    days: set[tuple[str, int, int, str]] = set()
    for start_utc_s, zone, energy_wh, on_s, covered_s, surface_mc_s, surface_s, surface_min_mc in hours:
        mean_mc = surface_mc_s / surface_s if surface_s else None
        for quarter_utc_s in (start_utc_s, start_utc_s + HOUR_S - SLOT_S):  # midnight may lie within a UTC hour
            days.add((*local_day(quarter_utc_s, timezone), zone))
        lines.append(
            rollup_line("zone_1h", site, zone, energy_wh, on_s, covered_s, mean_mc, surface_min_mc, start_utc_s)
        )
    db.executemany("UPDATE zone_1h SET dirty = 0 WHERE start_utc_s = ? AND zone = ?", [hour[:2] for hour in hours])
    for day, from_utc_s, to_utc_s, zone in sorted(days):
        lines.append(_roll_day(db, site, day, from_utc_s, to_utc_s, zone))
    if labels is not None:
        spool.put_all(db, lines)
    return len(hours)


def local_day(utc_s: int, timezone: ZoneInfo) -> tuple[str, int, int]:
    """The local date that holds `utc_s`, and its first second and the next day's, in UTC."""
    local = datetime.fromtimestamp(utc_s, UTC).astimezone(timezone)
    start = datetime(local.year, local.month, local.day, tzinfo=timezone)
    end = datetime.combine(local.date() + timedelta(days=1), start.time(), tzinfo=timezone)
    return local.date().isoformat(), int(start.timestamp()), int(end.timestamp())


def _roll_day(db: sqlite3.Connection, site: str, day: str, from_utc_s: int, to_utc_s: int, zone: str) -> str:
    """Sum a local day. Energy is known by quarters of an hour; the rest of an hour that holds midnight is divided."""
    energy_wh = on_s = covered_s = surface_mc_s = surface_s = 0
    minimum: int | None = None
    for (
        start_utc_s,
        wh0,
        wh1,
        wh2,
        wh3,
        hour_on_s,
        hour_covered_s,
        hour_mc_s,
        hour_surface_s,
        hour_min_mc,
    ) in db.execute(
        "SELECT start_utc_s, wh0, wh1, wh2, wh3, on_s, covered_s, surface_mc_s, surface_s, surface_min_mc "
        "FROM zone_1h WHERE zone = ? AND start_utc_s > ? AND start_utc_s < ?",
        (zone, from_utc_s - HOUR_S, to_utc_s),
    ):
        first = max(from_utc_s - start_utc_s, 0) // SLOT_S
        last = min(to_utc_s - start_utc_s, HOUR_S) // SLOT_S
        energy_wh += sum((wh0, wh1, wh2, wh3)[first:last])
        on_s += _part(hour_on_s, first, last)
        covered_s += _part(hour_covered_s, first, last)
        surface_mc_s += _part(hour_mc_s, first, last)
        surface_s += _part(hour_surface_s, first, last)
        if hour_min_mc is not None:
            minimum = hour_min_mc if minimum is None else min(minimum, hour_min_mc)
    mean_mc = surface_mc_s / surface_s if surface_s else None
    db.execute(
        "INSERT OR REPLACE INTO zone_1d VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (day, zone, from_utc_s, energy_wh, on_s, covered_s, None if mean_mc is None else round(mean_mc), minimum),
    )
    return rollup_line("zone_1d", site, zone, energy_wh, on_s, covered_s, mean_mc, minimum, from_utc_s)


def _part(total: int, first: int, last: int) -> int:
    """What quarters [first, last) have of an hour's total, such that the parts of two days add up to it."""
    return total * last // 4 - total * first // 4


def rollup_line(
    measurement: str,
    site: str,
    zone: str,
    energy_wh: int,
    on_s: int,
    covered_s: int,
    mean_mc: float | None,
    min_mc: int | None,
    utc_s: int,
) -> str:
    surface = "" if mean_mc is None or min_mc is None else f",surf_c={mean_mc / 1000:.3f},surf_min_c={min_mc / 1000}"
    return (
        f"{measurement},site={escape_tag(site)},zone={escape_tag(zone)} "
        f"energy_wh={energy_wh}i,on_s={on_s}i,covered_s={covered_s}i{surface} {utc_s}"
    )
