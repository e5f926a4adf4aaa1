"""A report's zones as a table: CSV for a spreadsheet, Parquet for an analyst."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec

from supervisor.reports.data import Report, ZoneRow

NAMES = tuple(field.name for field in msgspec.structs.fields(ZoneRow))


def write_csv(path: Path, report: Report) -> None:
    """A line for each zone, empty cells where something is not known."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(NAMES)
        for row in report.zones:
            table.writerow("" if value is None else _cell(value) for value in msgspec.structs.astuple(row))


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def write_parquet(path: Path, report: Report) -> None:
    """The same as columns; site, period and currency are in the schema's metadata. Needs pyarrow."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    texts = ("zone", "name", "name_ko")
    schema = pa.schema([(name, pa.string() if name in texts else pa.float64()) for name in NAMES])
    known = {
        "site": report.site, "timezone": report.timezone, "from_utc_s": str(report.from_utc_s),
        "to_utc_s": str(report.to_utc_s), "currency": report.currency,
    }  # fmt: skip
    rows = [msgspec.structs.asdict(row) for row in report.zones]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema).replace_schema_metadata(known), path)
