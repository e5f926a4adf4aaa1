"""What is said of the forecast in use, and that the last good one serves after a restart, as long as before one."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from supervisor.control.degraded import DegradedCode
from supervisor.control.forecast_record import FORECAST, GOOD_UTC_S, ForecastRecord
from supervisor.control.forecasts import Forecasts
from supervisor.control.tests.conftest import START_UTC_S, Setup
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import StoreError, WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.store.journal import ValueRepository
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.keeper import KEEP_S

HORIZON_S = 30 * 3600.0


class Given:
    """Answers with what the test sets; None: does not answer."""

    def __init__(self, answer: Forecast | None) -> None:
        self.answer = answer

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        if self.answer is None:
            raise WeatherError("down", where="test")
        return self.answer

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        return None


def storm(members: int = 20) -> Forecast:
    series = design_storm(START_UTC_S - 3600, hours=48, snow_start_h=6)
    warmer = [replace(series, air_c=series.air_c + 0.01 * k) for k in range(members)]
    return Forecast(START_UTC_S, tuple(warmer), "kma", Tally(), members)


def forecasts_of(setup: Setup, provider: Given) -> Forecasts:
    return Forecasts(provider, SEOUL, HORIZON_S, setup.clock, setup.alarms, setup.metrics, setup.degradations)


def lines(setup: Setup) -> dict[DegradedCode, dict[str, str | int | float]]:
    return {line.code: line.detail for line in setup.degradations.now()}


def gauge(setup: Setup, name: str, **labels: str) -> float | None:
    return setup.metrics.registry.get_sample_value(f"roadheat_forecast_{name}", labels)


async def test_what_is_degraded_is_said_and_ends(setup: Setup, caplog: pytest.LogCaptureFixture) -> None:
    provider = Given(storm())
    forecasts = forecasts_of(setup, provider)
    await forecasts.ask()
    assert lines(setup) == {}
    assert gauge(setup, "provider", provider="kma") == 1.0
    treated = Tally(
        {
            (Treatment.DROPPED, "member"): 2,
            (Treatment.DROPPED, "issue"): 1,
            (Treatment.ESTIMATED, "dew_point_c"): 5,
            (Treatment.REPAIRED, "unit"): 3,
        }
    )
    worse = replace(storm(18), members_offered=20, treated=treated, source="open-meteo", instead_of="kma")
    provider.answer = worse
    await forecasts.ask()
    assert lines(setup) == {
        DegradedCode.FORECAST_PARTS: {
            "estimated": 5, "dropped": 2, "missing": 2, "members": 20, "issued_utc_s": int(START_UTC_S),
        },
        DegradedCode.FORECAST_OLD: {"issued_utc_s": int(START_UTC_S)},
        DegradedCode.FORECAST_SECOND: {"provider": "open-meteo", "first": "kma"},
    }  # fmt: skip
    assert gauge(setup, "parts", provider="open-meteo", treatment="dropped", what="member") == 2.0
    assert gauge(setup, "parts", provider="open-meteo", treatment="repaired", what="unit") == 3.0
    assert gauge(setup, "provider", provider="kma") is None
    await forecasts.ask()
    logged = [record.getMessage() for record in caplog.records if "2 member dropped" in record.getMessage()]
    assert len(logged) == 1  # once, not in each cycle
    provider.answer = storm()
    await forecasts.ask()
    assert lines(setup) == {}
    assert gauge(setup, "parts", provider="open-meteo", treatment="dropped", what="member") is None


async def test_the_last_good_one_is_said_to_be_old_until_there_is_none(setup: Setup) -> None:
    provider = Given(storm())
    forecasts = forecasts_of(setup, provider)
    await forecasts.ask()
    provider.answer = None
    setup.clock.advance(3600.0)
    await forecasts.ask()
    assert lines(setup) == {DegradedCode.FORECAST_OLD: {"issued_utc_s": int(START_UTC_S)}}
    setup.clock.advance(KEEP_S)
    await forecasts.ask()
    assert forecasts.latest is None
    assert lines(setup) == {}  # the alarm says it
    assert gauge(setup, "provider", provider="kma") is None


async def restarted(setup: Setup, site: Site = SEOUL) -> Forecasts:
    forecasts = forecasts_of(setup, Given(None))
    await forecasts.resume(ForecastRecord(setup.store.values, site))
    await forecasts.ask()
    return forecasts


@pytest.fixture
async def recorded(setup: Setup) -> Forecast:
    """A forecast that a service received before it ended."""
    treated = Tally({(Treatment.DROPPED, "member"): 2})
    forecast = replace(storm(), treated=treated, members_offered=22, rows_treated=60, instead_of="nws")
    before = forecasts_of(setup, Given(forecast))
    await before.resume(ForecastRecord(setup.store.values, SEOUL))
    await before.ask()
    return forecast


async def test_the_last_good_forecast_survives_a_restart(setup: Setup, recorded: Forecast) -> None:
    setup.clock.advance(2 * 3600.0)
    after = await restarted(setup)
    assert after.latest is not None
    assert replace(after.latest, members=()) == replace(recorded, members=())
    for member, before in zip(after.latest.members, recorded.members, strict=True):
        for column in fields(WeatherSeries):
            np.testing.assert_array_equal(getattr(member, column.name), getattr(before, column.name))
    assert after.failing
    assert DegradedCode.FORECAST_OLD in lines(setup)
    assert [(alarm.code, alarm.subject) for alarm in setup.alarms.standing()] == [(AlarmCode.FORECAST, "")]
    after.minute(setup.clock.utc_s())
    setup.clock.advance(4 * 3600.0 + 1.0)  # its age counts from before the restart
    await after.ask()
    assert after.latest is None


async def test_a_record_too_old_of_another_place_or_from_the_future_is_not_used(
    setup: Setup, recorded: Forecast
) -> None:
    moved = Site("busan", "Asia/Seoul", 35.1, 129.0, 70.0)
    assert (await restarted(setup, moved)).latest is None
    assert await ForecastRecord(setup.store.values, SEOUL).load(START_UTC_S - 60.0) is None
    setup.clock.advance(KEEP_S + 1.0)
    assert (await restarted(setup)).latest is None


DAMAGE = {
    '"issued_utc_s":17': ('"issued_utc_s":"17', '"issued_utc_s":99'),
    '"members":[{': ('"members":[{"extra":"AAAA",',),
    '"air_c":"': ('"air_c":"AAAAAAAA8H8AAAAAAADwfw=="},{"air_c":"', '"air_c":"!'),
    '"treated":[[': ('"treated":[["eaten","x",1],[',),
    "{": ("",),
    "}]}": ("",),
}


async def test_a_damaged_record_is_not_used(setup: Setup, recorded: Forecast) -> None:
    text = await setup.store.values.get(FORECAST)
    assert text is not None
    for old, others in DAMAGE.items():
        for new in others:
            assert old in text
            await setup.store.values.set(FORECAST, text.replace(old, new, 1))
            assert (await restarted(setup)).latest is None, new
    await setup.store.values.set(FORECAST, text)
    for time in ("", "x", "nan", "inf", "-1"):
        await setup.store.values.set(GOOD_UTC_S, time)
        assert (await restarted(setup)).latest is None, time
    await setup.store.values.set(GOOD_UTC_S, str(START_UTC_S))
    assert (await restarted(setup)).latest is not None


async def test_a_disk_that_takes_nothing_costs_only_the_record(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: ValueRepository, key: str, value: str) -> None:
        raise StoreError("full")

    monkeypatch.setattr(ValueRepository, "set", refuse)
    forecasts = forecasts_of(setup, Given(storm()))
    await forecasts.resume(ForecastRecord(setup.store.values, SEOUL))
    await forecasts.ask()
    assert forecasts.latest is not None
    assert not forecasts.failing
