"""Open data: the district's heated roads as CSV and JSON, made once a day, with licence and reference date inside.

The columns are those that Korean districts publish; a district may name them otherwise or leave some out.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from supervisor.config.city import COLUMNS, OpenDataConfig
from supervisor.domain.plain_text import cell
from supervisor.domain.zone import Site, Zone
from supervisor.runtime.clock import Clock
from supervisor.store.energy import quarters_wh
from supervisor.store.repository import Repository

Cell = str | int | float | None


@dataclass(frozen=True)
class Published:
    """The files of one day."""

    day: date  # the reference date
    csv: bytes  # UTF-8 with a byte order mark, which Excel in Korea needs
    json: bytes
    etag: str


def columns_of(config: OpenDataConfig) -> dict[str, str]:
    """Field → column name, in order; those named "" are left out."""
    return {field: name for field, known in COLUMNS.items() if (name := config.columns.get(field, known))}


def rows_of(zones: Sequence[Zone], kwh: Mapping[str, float], licence: str, day: date) -> list[dict[str, Cell]]:
    """A row for each zone by field; what is not known is None. `kwh` is that of the day before."""
    rows: list[dict[str, Cell]] = []
    for number, zone in enumerate(zones, 1):
        about = zone.inventory
        year, _, month = about.installed.partition("-")
        rows.append({
            "number": number, "district": about.district or None, "road": about.road or zone.name_ko or zone.name,
            "begins": about.begins or None, "ends": about.ends or None,
            "latitude": about.latitude, "longitude": about.longitude, "cable_m": about.cable_m, "lanes": about.lanes,
            "installed_year": int(year) if year else None, "installed_month": int(month) if month else None,
            "area_m2": zone.area_m2, "power_kw": zone.power_w / 1000, "kwh": kwh.get(zone.id),
            "note": about.note or None, "licence": licence, "reference_date": day.isoformat(),
        })  # fmt: skip
    return rows


def publish(rows: Sequence[Mapping[str, Cell]], config: OpenDataConfig, site: str, day: date) -> Published:
    """Both files."""
    columns = columns_of(config)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns.values())
    writer.writerows([_cell(row[field]) for field in columns] for row in rows)
    named = [{name: row[field] for field, name in columns.items()} for row in rows]
    document = {"site": site, "licence": config.licence, "reference_date": day.isoformat(), "zones": named}
    text = out.getvalue().encode("utf-8-sig")
    return Published(
        day, text, json.dumps(document, ensure_ascii=False).encode(), blake2b(text, digest_size=12).hexdigest()
    )


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return cell(value)
    return f"{value:.15g}"


class OpenData:
    """The files of today, made at the first request of the day."""

    def __init__(
        self,
        config: OpenDataConfig,
        site: Site,
        zones: Callable[[], Sequence[Zone]],
        record: Repository,
        clock: Clock,
        made: Callable[[], object] = lambda: None,
    ) -> None:
        """`made` is called when the files of a day are made."""
        self._count = made
        self._config = config
        self._site = site
        self._zones = zones
        self._record = record
        self._clock = clock
        self._timezone = ZoneInfo(site.timezone)
        self._making = asyncio.Lock()  # many ask at midnight: it is made once
        self._made: Published | None = None

    async def today(self) -> Published:
        """Raises StoreError where the energy cannot be read and nothing was made before."""
        day = datetime.fromtimestamp(self._clock.utc_s(), self._timezone).date()
        async with self._making:
            if self._made is None or self._made.day != day:
                zones = self._zones()
                kwh = await self._record.read(lambda db: self._kwh(db, zones, day))
                rows = rows_of(zones, kwh, self._config.licence, day)
                self._made = publish(rows, self._config, self._site.name, day)
                self._count()
            return self._made

    def _kwh(self, db: sqlite3.Connection, zones: Sequence[Zone], day: date) -> dict[str, float]:
        """Energy of the day before, of zones with a record of it."""
        begin, end = (
            int(datetime(one.year, one.month, one.day, tzinfo=self._timezone).timestamp())
            for one in (day - timedelta(days=1), day)
        )
        found = {zone.id: quarters_wh(db, zone.id, begin, end) for zone in zones}
        return {
            zone: sum(wh for start, wh in quarters.items() if begin <= start < end) / 1000
            for zone, quarters in found.items() if quarters
        }  # fmt: skip
