"""The last good forecast in the record, so that it serves after a restart too."""

from __future__ import annotations

import logging

import msgspec
import numpy as np
from msgspec import Struct

from supervisor.domain.errors import StoreError, WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.store.journal import ValueRepository
from supervisor.weather.keeper import KEEP_S, check_forecast

logger = logging.getLogger(__name__)

FORECAST = "forecast"
GOOD_UTC_S = "forecast.good_utc_s"


class _Record(Struct, frozen=True, forbid_unknown_fields=True):
    """`members` has the bytes of little-endian 64 bit floats, by column of `WeatherSeries`."""

    latitude: float
    longitude: float
    issued_utc_s: float
    source: str
    treated: list[tuple[Treatment, str, int]]
    members_offered: int
    rows_treated: int
    instead_of: str
    members: list[dict[str, bytes]]


class ForecastRecord:
    """Keeps one forecast of this site, and when it was last seen to be good."""

    def __init__(self, values: ValueRepository, site: Site) -> None:
        self._values = values
        self._site = site
        self._kept: Forecast | None = None

    async def keep(self, forecast: Forecast, good_utc_s: float) -> None:
        """Record it. A disk that does not take it costs nothing but the record, and is said in the log."""
        try:
            if forecast is not self._kept:
                await self._values.set(FORECAST, _encoded(forecast, self._site))
                self._kept = forecast
            await self._values.set(GOOD_UTC_S, f"{good_utc_s:.0f}")
        except StoreError as error:
            logger.warning("the forecast is not recorded: %s", error)

    async def load(self, now_utc_s: float) -> tuple[Forecast, float] | None:
        """The forecast and when it was last good; None where there is none of this site that can still be used."""
        try:
            text, good = await self._values.get(FORECAST), await self._values.get(GOOD_UTC_S)
            if text is None or good is None:
                return None
            good_utc_s = float(good)
            forecast = _decoded(text, self._site)
            if forecast is None or not 0.0 <= now_utc_s - good_utc_s <= KEEP_S:
                return None
            check_forecast(forecast, now_utc_s)
        except (StoreError, WeatherError, msgspec.MsgspecError, ValueError, TypeError) as error:
            logger.warning("the recorded forecast is not used: %s", error)
            return None
        return forecast, good_utc_s


def _encoded(forecast: Forecast, site: Site) -> str:
    record = _Record(
        latitude=site.latitude,
        longitude=site.longitude,
        issued_utc_s=forecast.issued_utc_s,
        source=forecast.source,
        treated=[(how, what, count) for (how, what), count in forecast.treated.items()],
        members_offered=forecast.members_offered,
        rows_treated=forecast.rows_treated,
        instead_of=forecast.instead_of,
        members=[
            {name: getattr(member, name).astype("<f8").tobytes() for name in WeatherSeries.__dataclass_fields__}
            for member in forecast.members
        ],
    )
    return msgspec.json.encode(record).decode()


def _decoded(text: str, site: Site) -> Forecast | None:
    """The forecast, None where it is another site's; raises ValueError, TypeError or MsgspecError where damaged."""
    record = msgspec.json.decode(text, type=_Record)
    if (record.latitude, record.longitude) != (site.latitude, site.longitude):
        return None
    members = tuple(
        WeatherSeries(**{name: np.frombuffer(values, "<f8").astype(np.float64) for name, values in member.items()})
        for member in record.members
    )
    treated = Tally({(how, what): count for how, what, count in record.treated})
    return Forecast(
        issued_utc_s=record.issued_utc_s,
        members=members,
        source=record.source,
        treated=treated,
        members_offered=record.members_offered,
        rows_treated=record.rows_treated,
        instead_of=record.instead_of,
    )
