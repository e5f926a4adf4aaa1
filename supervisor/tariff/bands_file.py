"""Time of use in a JSON file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.tariff.bands import Band, BandTariff
from supervisor.tariff.kind import FileSettings, TariffKind

JSON_MAX_BYTES = 1024 * 1024  # a tariff for every month and day has some 20 KB


class Demand(Struct, frozen=True, forbid_unknown_fields=True):
    """How the base charge is found from the peaks.

    `price_per_kw` [currency per kW and billing month]; the billed peak is never below `ratchet` times the highest
    peak of the last `window_months` (KEPCO: the winter and summer peak of the last 12 months, ratchet 1).
    """

    price_per_kw: float = 0.0
    ratchet: float = 0.0
    window_months: int = 12

    def floor_kw(self, month_peak_kw: float, earlier_peaks_kw: Sequence[float] = ()) -> float:
        """The peak that is billed anyway [kW]: raising the load up to it costs nothing more.

        `earlier_peaks_kw` are the peaks of earlier months, newest last.
        """
        earlier = max(earlier_peaks_kw[-self.window_months :], default=0.0)
        return max(month_peak_kw, self.ratchet * earlier)


class TariffFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON form of a time-of-use tariff."""

    currency: str
    bands: tuple[Band, ...]
    timezone: str | None = None  # default: the site's
    holidays: tuple[date, ...] = ()
    demand: Demand = Demand()
    note: str = ""


def read_bands(path: Path, timezone: str, holidays: Iterable[date] = ()) -> BandTariff:
    """A time-of-use tariff from JSON; raises TariffError, and nothing else."""
    try:
        if path.stat().st_size > JSON_MAX_BYTES:
            raise TariffError(f"over {JSON_MAX_BYTES} bytes", where=str(path), remedy="A tariff has some dozen bands")
        table = msgspec.json.decode(path.read_bytes(), type=TariffFile)
        zone = table.timezone or timezone
        ZoneInfo(zone)
    except TariffError:
        raise
    except OSError as error:
        raise TariffError(f"cannot be read: {error.strerror}", where=str(path), remedy="Check tariff.file") from error
    except Exception as error:  # no JSON, too deep, numbers of hundreds of digits, an unknown time zone
        raise TariffError(
            str(error)[:300] or type(error).__name__,
            where=str(path),
            remedy="See docs/planner.md for the form of the file",
        ) from error
    return BandTariff(
        table.bands, zone, table.currency, frozenset(table.holidays) | frozenset(holidays), where=str(path)
    )


class BandsFileSettings(FileSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "bands-file"."""


KIND = TariffKind(
    name="bands-file",
    key="file",
    suffix=".json",
    settings=BandsFileSettings,
    load=lambda settings, district: read_bands(
        district.resolve(settings.file), district.site.timezone, settings.holidays
    ),
)
