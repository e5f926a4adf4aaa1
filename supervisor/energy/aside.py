"""What of a period is in quarantine, as text for the terminal: how much, of which road, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.table import Table

from supervisor.store.quarantine import ENERGY, Quarantined

ROWS_MAX = 20  # of the table; the sums count all
REMEDY = (
    "Check current transformer, meter and rated power of these roads (alarm energy-quarantined, docs/energy.md). "
    "The rows stay in table quarantine."
)


def summary(rows: Sequence[Quarantined]) -> str:
    """One line: how many cases, and the energy of each zone."""
    excess_wh: dict[str, int] = {}
    for row in rows:
        if row.excess_wh:
            excess_wh[row.zone] = excess_wh.get(row.zone, 0) + row.excess_wh
    energy = ", ".join(f"{zone} {wh / 1000:,.2f} kWh" for zone, wh in sorted(excess_wh.items())) or "no energy"
    cases = "1 case" if len(rows) == 1 else f"{len(rows)} cases"
    return f"In quarantine, not counted: {cases}, {energy} beyond what power explains"


def table(rows: Sequence[Quarantined], timezone: ZoneInfo) -> Table:
    """The largest cases first, then the newest."""
    found = Table(title="In quarantine")
    for name in ("local time", "board", "zone"):
        found.add_column(name, no_wrap=True)
    found.add_column("kWh", justify="right", no_wrap=True)
    found.add_column("why")
    largest = sorted(rows, key=lambda row: (-row.excess_wh, -row.start_utc_s))
    for row in largest[:ROWS_MAX]:
        found.add_row(
            datetime.fromtimestamp(row.start_utc_s, timezone).strftime("%Y-%m-%d %H:%M:%S"),
            row.board,
            row.zone,
            f"{row.excess_wh / 1000:,.3f}" if row.excess_wh else "",
            "the counter rose by more than power explains" if row.reason == ENERGY else row.reason,
        )
    if len(rows) > ROWS_MAX:
        found.add_row("", "", "", "", f"and {len(rows) - ROWS_MAX} more")
    return found
