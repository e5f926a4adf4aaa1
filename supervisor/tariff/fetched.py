"""Day-ahead prices from a service, kept as a CSV file in the state folder.

The file is in the project's own form and holds all prices fetched so far: plans survive a restart without network, and
reports price earlier months. Service and reports read it like any price file; `PriceFetch` brings it up to date.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta

from supervisor.domain.errors import TariffError
from supervisor.runtime.work import in_thread
from supervisor.tariff.day_ahead import Reading, read_prices, read_usable, rows_of
from supervisor.tariff.kind import District, Get, TariffKind, TariffSettings
from supervisor.tariff.price_series import SPAN_MAX_S, Charges
from supervisor.tariff.rows import Rows
from supervisor.tariff.sources.registry import SOURCES
from supervisor.tariff.sources.source import PriceSource

logger = logging.getLogger(__name__)

MARKET = ZoneInfo("Europe/Brussels")  # days of the coupled auction
PUBLISHED_H = 12.75  # local hour of the market from which tomorrow's prices are asked for
KEPT_MAX = 4 * 366 * 96  # newest prices that are kept: four years of quarters have 6 MB
_SLOT_S = 900


class FetchedSettings(TariffSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "fetched"."""

    source: Literal["energy-charts", "elprisetjustnu", "energi-data-service"]
    area: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{2,16}$")]  # bidding zone; part of URL and file name
    adder_per_kwh: float = 0.0  # grid, taxes and levies on top of each kWh
    vat: float = 0.0  # part on top of both

    @property
    def reading(self) -> Reading:
        return Reading(self.currency, "", Charges(self.adder_per_kwh, 1.0 + self.vat))


def kept_path(settings: FetchedSettings, district: District) -> Path:
    return district.state_dir / "prices" / f"{settings.source}-{settings.area}-{settings.currency.lower()}.csv"


class PriceFetch:
    """Keeps a file of prices up to date."""

    def __init__(self, source: PriceSource, area: str, currency: str, path: Path) -> None:
        self.source = source
        self.area = area
        self.currency = currency
        self.path = path
        self._seen: tuple[tuple[int, int], dict[float, float]] | None = None  # the file's stamp and what is in it

    def missing(self, now_utc_s: float, known: dict[float, float]) -> tuple[date, date] | None:
        """The market's days to ask for now: the first without its prices, and the day after the last; or None."""
        now = datetime.fromtimestamp(now_utc_s, MARKET)
        past = now.date() + timedelta(days=2 if now.hour + now.minute / 60 >= PUBLISHED_H else 1)
        day = now.date()
        while day < past and _whole(day, known):
            day += timedelta(days=1)
        return (day, min(past, day + timedelta(days=self.source.days_max))) if day < past else None

    async def update(self, now_utc_s: float, get: Get) -> bool:
        """Ask for what is missing and keep it; whether anything is new. Raises TariffError."""
        known = await in_thread(None, self._known)
        days = self.missing(now_utc_s, known)
        if days is None:
            return False

        def read(body: bytes) -> Rows:
            rows = self.source.read(body, self.area, self.currency)
            rows.known = [row for row in rows.known if abs(row.utc_s - now_utc_s) < 30 * 86_400]
            if not rows.known or rows.currency != self.currency:
                what = f"prices in {rows.currency}" if rows.known else "no prices of these days"
                raise TariffError(what, where=self.source.name, remedy="Check tariff.area and tariff.currency")
            return rows

        fresh = await get(self.source.ask(self.area, *days), read)
        if fresh.wrong:
            first = min(fresh.wrong.items())
            logger.warning("%s: %d prices cannot be read: %s", self.source.name, len(fresh.wrong), first)
        merged = known | {row.utc_s: row.price_per_kwh for row in fresh.known}
        if merged == known:
            return False
        await in_thread(None, self._keep, merged)
        return True

    def _known(self) -> dict[float, float]:
        """Prices by their beginning; none where the file is missing or spoilt."""
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if self._seen is not None and self._seen[0] == stamp:
                return self._seen[1]
            rows = rows_of(self.path.read_bytes(), str(self.path), Reading(self.currency))
        except FileNotFoundError:
            return {}
        except (TariffError, OSError) as error:
            logger.warning("kept prices cannot be read, and are fetched anew: %s", error)
            return {}
        known = {row.utc_s: row.price_per_kwh for row in rows.known}
        self._seen = stamp, known
        return known

    def _keep(self, known: dict[float, float]) -> None:
        newest = max(known)
        rows = [(at, known[at]) for at in sorted(known)[-KEPT_MAX:] if newest - at < SPAN_MAX_S / 2]
        lines = [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ},{price:.8g}\n" for at, price in rows]
        fresh = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                file.write(f"time_utc_start,price_{self.currency.lower()}_per_kwh\n")
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise TariffError(
                f"cannot be written: {error.strerror}", where=str(self.path), remedy="Look at the disk"
            ) from error


def _whole(day: date, known: dict[float, float]) -> bool:
    """Whether a day of the market is known up to its last hour."""
    end = datetime(day.year, day.month, day.day, tzinfo=MARKET) + timedelta(days=1)
    end_utc_s = datetime(end.year, end.month, end.day, tzinfo=MARKET).timestamp()
    return any(end_utc_s - step in known for step in range(_SLOT_S, 3600 + _SLOT_S, _SLOT_S))


def price_fetch(settings: FetchedSettings, district: District) -> PriceFetch:
    """What keeps the configured prices up to date; raises TariffError for a currency that the service does not give."""
    source = SOURCES[settings.source]
    if settings.currency not in source.currencies:
        raise TariffError(
            f"{source.name} gives no prices in {settings.currency}",
            where="tariff.currency",
            remedy=f"Write {' or '.join(source.currencies)}",
        )
    return PriceFetch(source, settings.area, settings.currency, kept_path(settings, district))


KIND = TariffKind(
    name="fetched",
    key="source",
    settings=FetchedSettings,
    load=lambda settings, district: read_prices(kept_path(settings, district), settings.reading),
    load_usable=lambda settings, district: read_usable(kept_path(settings, district), settings.reading),
    path=kept_path,
    fetch=price_fetch,
)
