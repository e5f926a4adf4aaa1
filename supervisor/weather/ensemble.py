"""From one forecast to members: the provider's own where it has them, else the forecast with plausible errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.error_model import perturb, scaled, unit_fields
from supervisor.weather.nowcast import WetOnset, bring_forward
from supervisor.weather.persistence import carry_on
from supervisor.weather.providers.kind import WeatherProvider
from supervisor.weather.providers.provider import FILE
from supervisor.weather.verification import SiteVerification

OBSERVED_BACK_S = 48 * 3600.0  # verification reaches as far back as a forecast reaches ahead


def make_members(forecast: Forecast, count: int, seed: int, site: Site | None = None) -> Forecast:
    """`count` members on the forecast's times.

    A forecast that has several keeps its own (evenly thinned to `count`); one with a single member becomes the first,
    the control, and is perturbed by the error model for the others. The same seed gives a member the same character
    at every issue. Raises ValueError on a count below 1.
    """
    if count < 1:
        raise ValueError(f"{count} members")
    own = forecast.members
    if len(own) > 1 or count == 1:
        chosen = np.unique(np.linspace(0, len(own) - 1, min(count, len(own))).round().astype(int))
        return replace(forecast, members=tuple(own[k] for k in chosen))
    series = own[0]
    lead_h = (series.time_utc_s - forecast.issued_utc_s) / 3600.0
    noise = scaled(unit_fields([seed, 2], series.time_utc_s, count - 1), lead_h)
    return replace(forecast, members=(series, *perturb(series, noise, site)))


class EnsembleProvider:
    """Wraps a provider: every forecast becomes an ensemble, corrected by the errors of past forecasts here, and by the
    onset of wet roads where `onset` reports one.
    """

    def __init__(
        self,
        inner: WeatherProvider,
        members: int,
        seed: int = 1,
        site: Site | None = None,
        onset: WetOnset | None = None,
    ) -> None:
        self._inner = inner
        self._count = members
        self._seed = seed
        self._site = site
        self._onset = onset
        self._verifications: dict[str, SiteVerification] = {}
        self._source = ""
        self._newest: tuple[tuple[str | float, ...], Forecast] | None = None

    @property
    def verification(self) -> SiteVerification:
        """Of the source whose forecast is used: the errors of another are not its own."""
        return self._verifications.setdefault(self._source, SiteVerification())

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        """The inner provider's forecast as an ensemble; the same object until there is news."""
        onset = self._onset.look(now_utc_s) if self._onset else None
        roads_wet = self._onset is not None and self._onset.wet
        forecast = await self._inner.forecast(now_utc_s, horizon_s)
        observed = self._inner.observed(now_utc_s, OBSERVED_BACK_S)
        self._source = forecast.source
        news = (
            forecast.source,
            forecast.issued_utc_s,
            float(forecast.members[0].time_utc_s[-1]),
            _newest_s(observed, now_utc_s),
            onset or 0.0,
            roads_wet,
        )
        if self._newest is not None and self._newest[0] == news:
            return self._newest[1]
        ensemble = make_members(forecast, self._count, self._seed, self._site)
        if forecast.source != FILE:  # a file's forecast is its own truth: there is no error to learn
            self.verification.observe(observed, now_utc_s)
            raw, ensemble = ensemble, self.verification.correct(ensemble, observed, now_utc_s)
            ensemble = carry_on(ensemble, self.verification.newest_first, observed, now_utc_s, roads_wet=roads_wet)
            self.verification.remember(raw, ensemble)
        if onset is not None:
            ensemble = bring_forward(ensemble, onset)
        self._newest = news, ensemble
        return ensemble

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        return self._inner.observed(now_utc_s, back_s)


def _newest_s(observed: WeatherSeries | None, now_utc_s: float) -> float:
    """Time of the newest observation that has happened."""
    row = observed.newest_row(now_utc_s) if observed is not None else None
    return 0.0 if observed is None or row is None else float(observed.time_utc_s[row])
