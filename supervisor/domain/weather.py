"""Weather as columns of numbers: the form that every reader returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from supervisor.domain.treatment import Tally, Treatment

Array = npt.NDArray[np.float64]

MEMBER, ISSUE, NOWCAST = "member", "issue", "nowcast"  # kinds of parts in a `Tally` that a forecast is asked for


@dataclass(frozen=True)
class WeatherSeries:
    """Weather at one place; every array has shape (n,).

    `time_utc_s` is the END of each interval. Precipitation and radiation are means over the interval that ends
    there; the other variables are values at that time. Everything is finite: readers repair or refuse a NaN.
    """

    time_utc_s: Array  # [s], strictly increasing
    air_c: Array  # 2 m air temperature [°C]
    dew_point_c: Array  # [°C], never above air_c
    wind_m_s: Array  # [m/s]
    pressure_pa: Array  # station level [Pa]
    shortwave_w_m2: Array  # global horizontal [W/m²]
    longwave_w_m2: Array  # downward [W/m²], measured or estimated
    cloud_fraction: Array  # [0–1]
    precipitation_mm_h: Array  # water equivalent [mm/h]
    snow_fraction: Array  # mass fraction falling as snow [0–1]

    def __len__(self) -> int:
        return int(self.time_utc_s.size)

    def newest_row(self, now_utc_s: float, within_s: float = np.inf) -> int | None:
        """Row of the newest time that has passed, where it is at most `within_s` old; None if there is none."""
        row = int(np.searchsorted(self.time_utc_s, now_utc_s, side="right")) - 1
        return row if row >= 0 and now_utc_s - float(self.time_utc_s[row]) <= within_s else None


@dataclass(frozen=True)
class Forecast:
    """What a provider foresees: at least one member, each on the same times. `issued_utc_s` is the provider's."""

    issued_utc_s: float
    members: tuple[WeatherSeries, ...]
    source: str  # e.g. "file", "open-meteo", "emulated"
    treated: Tally = field(default_factory=Tally)  # what became of the parts of the answer
    members_offered: int = 0  # members of the answer, also those dropped; 0: as many as there are
    rows_treated: int = 0  # rows of the answer that `treated` is about; 0: those of the members
    nowcast_until_utc_s: float = 0.0  # to where a nowcast is blended in; 0: nowhere
    instead_of: str = ""  # the provider that should plan, where another one does

    @property
    def members_missing(self) -> int:
        """How many of `members_offered` were dropped."""
        return self.treated[Treatment.DROPPED, MEMBER]

    @property
    def issues_missing(self) -> int:
        """How many newer issues should have been out and could not be used."""
        return self.treated[Treatment.DROPPED, ISSUE]
