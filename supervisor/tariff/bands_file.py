"""Time of use in a JSON file of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.tariff.bands import Band, BandTariff
from supervisor.tariff.demand import Demand
from supervisor.tariff.holidays import Country, Holidays, Union, calendar
from supervisor.tariff.kind import FileSettings, TariffKind

JSON_MAX_BYTES = 1024 * 1024  # a tariff for every month and day has some 20 KB


class TariffFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON form of a time-of-use tariff."""

    currency: str
    bands: tuple[Band, ...]
    timezone: str | None = None  # default: the site's
    holidays: Holidays = ()
    demand: Demand = Demand()
    note: str = ""  # for readers of the file


def read_table(path: Path) -> TariffFile:
    """What a file holds; raises TariffError, and nothing else."""
    try:
        if path.stat().st_size > JSON_MAX_BYTES:
            raise TariffError(f"over {JSON_MAX_BYTES} bytes", where=str(path), remedy="A tariff has some dozen bands")
        table = msgspec.json.decode(path.read_bytes(), type=TariffFile)
        if table.timezone:
            ZoneInfo(table.timezone)
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
    if problem := table.demand.problem():
        raise TariffError(problem, where=f"{path}: demand", remedy="See docs/configuration.md")
    return table


def read_bands(path: Path, timezone: str, holidays: Iterable[date] | Country = ()) -> BandTariff:
    """A time-of-use tariff from JSON, with `holidays` besides the file's; raises TariffError, and nothing else."""
    table = read_table(path)
    known = Union((calendar(table.holidays, f"{path}: holidays"), calendar(holidays)))
    return BandTariff(table.bands, table.timezone or timezone, table.currency, known, where=str(path))


class BandsFileSettings(FileSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "bands-file"."""

    holidays: Holidays = ()  # besides those of the file


KIND = TariffKind(
    name="bands-file",
    key="file",
    settings=BandsFileSettings,
    load=lambda settings, district: read_bands(
        district.resolve(settings.file), district.site.timezone, settings.holidays
    ),
    load_usable=lambda settings, district: (
        replace(read_bands(district.resolve(settings.file), district.site.timezone, settings.holidays), held=True),
        (),
    ),
    demand=lambda settings, district: settings.demand or read_table(district.resolve(settings.file)).demand,
)
