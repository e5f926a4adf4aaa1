"""The last good forecast serves through an outage; a forecast with impossible parts does not replace it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather.design_storm import design_storm
from supervisor.weather.keeper import ISSUE_AGE_MAX_S, KEEP_S, LastGood, check_forecast, sound
from supervisor.weather.providers.provider import FileProvider
from supervisor.weather.resample import between

NOW = 1_703_916_000.0


class Scripted:
    """A provider that answers what the test puts in."""

    def __init__(self, series: WeatherSeries) -> None:
        self.file = FileProvider(series)
        self.spoil: dict[str, object] = {}
        self.down = False

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        if self.down:
            raise WeatherError("no answer", where="test")
        good = await self.file.forecast(now_utc_s, horizon_s)
        member = replace(good.members[0], **{k: v for k, v in self.spoil.items() if k != "issued_utc_s"})  # type: ignore[arg-type]
        return replace(good, members=(member,), issued_utc_s=float(self.spoil.get("issued_utc_s", now_utc_s)))  # type: ignore[arg-type]

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        return None


async def test_one_outage_is_one_alarm_and_the_last_good_serves_for_six_hours() -> None:
    provider = Scripted(design_storm(NOW, hours=60))
    keeper = LastGood(provider)
    first = await keeper.forecast(NOW, 30 * 3600)
    assert first.forecast is not None
    assert not first.stale
    provider.down = True
    alarms, hours_served = 0, []
    for minute in range(15, 9 * 60, 15):
        kept = await keeper.forecast(NOW + minute * 60, 30 * 3600)
        alarms += kept.alarm is not None
        if kept.forecast is not None:
            assert kept.stale
            assert kept.forecast is first.forecast
            hours_served.append(minute / 60)
    assert alarms == 1
    assert max(hours_served) == KEEP_S / 3600
    provider.down = False
    back = await keeper.forecast(NOW + 9 * 3600, 30 * 3600)
    assert back.cleared
    assert back.alarm is None
    assert not (await keeper.forecast(NOW + 9.5 * 3600, 30 * 3600)).cleared


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("nan", "member 0, air_c: nan at 2023-12-30T07:"),
        ("yesterday", "24.0 h ago"),
        ("tomorrow", "in the future"),
        ("truncated", "want 6 h from"),
        ("unequal", "want"),
        ("late", "want 6 h from"),
    ],
)
async def test_bad_forecasts_are_quarantined_by_variable_and_time(spoil: str, message: str) -> None:
    provider = Scripted(design_storm(NOW, hours=60))
    keeper = LastGood(provider)
    good = (await keeper.forecast(NOW, 30 * 3600)).forecast
    assert good is not None
    member = good.members[0]
    air = member.air_c.copy()
    air[10] = np.nan
    short = {name: values[:12] for name, values in vars(member).items()}
    late = {"time_utc_s": member.time_utc_s + 3 * 3600}
    bad: dict[str, dict[str, object]] = {
        "nan": {"air_c": air},
        "yesterday": {"issued_utc_s": NOW - 86_400.0},
        "tomorrow": {"issued_utc_s": NOW + 13 * 3600.0},
        "truncated": dict(short),
        "unequal": {"wind_m_s": member.wind_m_s[:-1]},
        "late": dict(late),
    }
    provider.spoil = bad[spoil]
    kept = await keeper.forecast(NOW, 30 * 3600)
    assert kept.stale
    assert kept.forecast is good
    assert kept.alarm is not None
    assert message in str(kept.alarm)
    assert keeper.quarantined == 1


@pytest.mark.parametrize("fault", ["no number", "out of range", "other times", "short", "unequal"])
def test_a_bad_member_costs_itself_only(fault: str) -> None:
    storm = design_storm(NOW, hours=30)
    air = storm.air_c.copy()
    air[10] = np.nan if fault == "no number" else 400.0
    bad = {
        "no number": replace(storm, air_c=air),
        "out of range": replace(storm, air_c=air),
        "other times": replace(storm, time_utc_s=storm.time_utc_s + 600.0),
        "short": between(storm, NOW, NOW + 12 * 3600),
        "unequal": replace(storm, wind_m_s=storm.wind_m_s[:-1]),
    }[fault]
    forecast = sound(Forecast(NOW, (bad, storm, storm), "test"), NOW)
    assert [member is storm for member in forecast.members] == [True, True]
    assert (forecast.members_missing, forecast.members_offered) == (1, 3)


async def test_an_issue_ahead_of_our_clock_counts_as_of_now() -> None:
    """One of the two clocks is wrong; the weather of the hours that it names may be right."""
    provider = Scripted(design_storm(NOW, hours=60))
    provider.spoil = {"issued_utc_s": NOW + 3600.0}
    kept = await LastGood(provider).forecast(NOW, 30 * 3600)
    assert kept.forecast is not None
    assert kept.forecast.issued_utc_s == NOW
    assert kept.forecast.treated.of(Treatment.ESTIMATED) == {"issue time": 1}


def test_members_must_share_their_times() -> None:
    storm = design_storm(NOW, hours=30)
    other = replace(storm, time_utc_s=storm.time_utc_s + 600.0)
    with pytest.raises(WeatherError, match="differ from the first"):
        check_forecast(Forecast(NOW, (storm, other), "test"), NOW)
    check_forecast(Forecast(NOW - ISSUE_AGE_MAX_S + 1, (storm, storm), "test"), NOW)
