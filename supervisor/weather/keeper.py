"""The last good forecast: a bad one is quarantined, the good one before it serves for 6 h, then there is none.

An outage raises one alarm: `Kept.alarm` is set once when the trouble begins, `Kept.cleared` once when it ends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import MEMBER, Forecast, WeatherSeries
from supervisor.weather.gate import DEW_EXCESS_MAX_K, LIMITS, utc_text
from supervisor.weather.providers.answers import unexpected
from supervisor.weather.providers.kind import WeatherProvider
from supervisor.weather.providers.provider import HORIZON_MIN_S
from supervisor.weather.resample import interval_starts_s

KEEP_S = 6 * 3600.0  # the lease of a plan: older weather is not acted on
ISSUE_AGE_MAX_S = 12 * 3600.0  # global models run every 6 h and appear 4–6 h later; a night's gap is yesterday's
CLOCK_SLACK_S = 600.0  # a service's clock may run so much ahead of ours


def check_forecast(forecast: Forecast, now_utc_s: float) -> None:
    """Raises WeatherError naming variable, time and value where a forecast is stale, cut short or no numbers."""
    age_s = now_utc_s - forecast.issued_utc_s
    if age_s > ISSUE_AGE_MAX_S:
        raise _refuse(f"issued {utc_text(forecast.issued_utc_s)}, {age_s / 3600:.1f} h ago", forecast, "issued")
    if age_s < -CLOCK_SLACK_S:
        raise _refuse(f"issued {utc_text(forecast.issued_utc_s)}, in the future", forecast, "issued")
    if not forecast.members:
        raise _refuse("has no members", forecast, "members")
    first = forecast.members[0]
    for number, member in enumerate(forecast.members):
        _check_member(forecast, member, number, first, now_utc_s)


def sound(forecast: Forecast, now_utc_s: float) -> Forecast:
    """What of a forecast can be used: without the members that are bad or stand on other times than most.

    An issue that lies ahead by up to half a day counts as of now: one of the two clocks is wrong, its weather may be
    right. Raises WeatherError as `check_forecast` does, where nothing is left.
    """
    treated = Tally(forecast.treated)
    ahead_s = forecast.issued_utc_s - now_utc_s
    if CLOCK_SLACK_S < ahead_s <= ISSUE_AGE_MAX_S:
        treated.add(Treatment.ESTIMATED, "issue time")
        forecast = replace(forecast, issued_utc_s=now_utc_s, treated=treated)
    times = Counter(member.time_utc_s.tobytes() for member in forecast.members)
    most = max(times, key=times.__getitem__, default=b"")
    good, fault = [], None
    for number, member in enumerate(forecast.members):
        try:
            _check_member(forecast, member, number, member, now_utc_s)
        except WeatherError as error:
            fault = fault or error
        else:
            if member.time_utc_s.tobytes() == most:
                good.append(member)
    if fault is not None and not good:
        raise fault
    if len(good) < len(forecast.members):
        treated.add(Treatment.DROPPED, MEMBER, len(forecast.members) - len(good))
        offered = forecast.members_offered or len(forecast.members)
        forecast = replace(forecast, members=tuple(good), treated=treated, members_offered=offered)
    check_forecast(forecast, now_utc_s)
    return forecast


def _check_member(forecast: Forecast, member: WeatherSeries, number: int, first: WeatherSeries, now: float) -> None:
    who = f"member {number}, "
    lengths = {f.name: getattr(member, f.name).shape for f in fields(member)}
    odd = next((name for name, shape in lengths.items() if shape != first.time_utc_s.shape), None)
    if odd is not None:
        raise _refuse(f"{lengths[odd]} values, want {first.time_utc_s.shape}", forecast, f"{who}{odd}")
    if len(member) < 2 or not (np.diff(member.time_utc_s) > 0).all():
        raise _refuse("times do not rise", forecast, f"{who}time_utc_s")
    if not np.array_equal(member.time_utc_s, first.time_utc_s):
        raise _refuse("times differ from the first member's", forecast, f"{who}time_utc_s")
    for name, limit in LIMITS.items():
        values = getattr(member, name, None)
        if values is None:
            continue
        bad = ~((values >= limit.low) & (values <= limit.high))
        if bad.any():
            row = int(np.argmax(bad))
            raise _refuse(f"{values[row]} at {utc_text(member.time_utc_s[row])}", forecast, f"{who}{name}")
    above = member.dew_point_c - member.air_c > DEW_EXCESS_MAX_K
    if above.any():
        row = int(np.argmax(above))
        value = f"{member.dew_point_c[row]:.1f} °C, above air {member.air_c[row]:.1f} °C"
        raise _refuse(f"{value}, at {utc_text(member.time_utc_s[row])}", forecast, f"{who}dew_point_c")
    begin, end = float(interval_starts_s(member)[0]), float(member.time_utc_s[-1])
    if begin > now or end < now + HORIZON_MIN_S:
        text = (
            f"reaches from {utc_text(begin)} to {utc_text(end)}, want {HORIZON_MIN_S / 3600:g} h from {utc_text(now)}"
        )
        raise _refuse(text, forecast, f"{who}time_utc_s")


def _refuse(message: str, forecast: Forecast, variable: str) -> WeatherError:
    return WeatherError(
        message, where=f"{forecast.source}: {variable}", remedy="The last good forecast serves for 6 h, then none"
    )


@dataclass(frozen=True)
class Kept:
    """What to plan with: a fresh forecast, the last good one (`stale`), or none."""

    forecast: Forecast | None
    stale: bool = False
    alarm: WeatherError | None = None  # the outage begins with this
    cleared: bool = False  # the outage ends with this


class LastGood:
    """Checks what a provider returns and keeps the last good forecast. Callers must check the status."""

    def __init__(self, provider: WeatherProvider) -> None:
        self._provider = provider
        self._good: Forecast | None = None
        self._good_at_utc_s = 0.0
        self.fault: WeatherError | None = None  # the newest reason while an outage lasts
        self.quarantined = 0

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Kept:
        """Raises nothing for what a provider or its answer does; says so in what it returns.

        TimeoutError and OSError are the caller's: it set the time limit.
        """
        try:
            fresh = sound(await self._provider.forecast(now_utc_s, horizon_s), now_utc_s)
        except WeatherError as error:
            return self.missed(now_utc_s, error)
        except (TimeoutError, OSError):
            raise
        except Exception as error:  # an answer that no reader expected
            return self.missed(now_utc_s, unexpected(error, type(self._provider).__name__))
        cleared, self.fault = self.fault is not None, None
        self._good, self._good_at_utc_s = fresh, now_utc_s
        return Kept(fresh, cleared=cleared)

    def resume(self, forecast: Forecast, good_utc_s: float) -> None:
        """Go on with a forecast that was last good then: before a restart, for example."""
        self._good, self._good_at_utc_s = forecast, good_utc_s

    def missed(self, now_utc_s: float, error: WeatherError) -> Kept:
        """What is used when there is no good answer."""
        self.quarantined += 1
        alarm = error if self.fault is None else None
        self.fault = error
        return self._last(now_utc_s, alarm)

    def _last(self, now_utc_s: float, alarm: WeatherError | None) -> Kept:
        good = self._good
        age_s = now_utc_s - self._good_at_utc_s
        if good is None or not 0.0 <= age_s <= KEEP_S or good.members[0].time_utc_s[-1] < now_utc_s + HORIZON_MIN_S:
            return Kept(None, alarm=alarm)
        return Kept(good, stale=True, alarm=alarm)
