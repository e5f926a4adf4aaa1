"""A forecast that is late, not a number, cut off or from yesterday: what plans and people see of it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from supervisor.config import Config, load
from supervisor.control.tests.conftest import START_UTC_S, Setup
from supervisor.control.tests.test_plan_loop import EXAMPLE, Planning
from supervisor.domain.plan import PlanLabel
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather.design_storm import design_storm
from supervisor.weather.keeper import LastGood
from supervisor.weather.providers.provider import FileProvider


class Turning(FileProvider):
    """Good at first, then as bad as asked."""

    fault = ""

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        good = await super().forecast(now_utc_s, horizon_s)
        member = good.members[0]
        if self.fault == "late":
            raise TimeoutError
        if self.fault == "nan":
            poisoned = np.where(np.arange(len(member)) == 20, np.nan, member.air_c)
            return replace(good, members=(replace(member, air_c=poisoned),))
        if self.fault == "truncated":
            short = WeatherSeries(*(getattr(member, f.name)[:12] for f in fields(member)))
            return replace(good, members=(short,))
        if self.fault == "yesterday":
            return Forecast(now_utc_s - 86_400, self._yesterday(now_utc_s), "test")
        return good

    def _yesterday(self, now_utc_s: float) -> tuple[WeatherSeries, ...]:
        past = self.observed(now_utc_s, 5 * 3600.0)
        assert past is not None
        return (past,)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "weather.csv").touch()
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    return load(tmp_path / "city.toml")


@pytest.mark.parametrize("fault", ["late", "nan", "truncated", "yesterday"])
async def test_bad_forecast_leaves_the_last_good_one_for_six_hours_then_the_local_rule_with_one_alarm(
    setup: Setup, config: Config, fault: str
) -> None:
    provider = Turning(design_storm(START_UTC_S - 6 * 3600, hours=96))
    planning = Planning(setup, config)
    planning.forecasts._provider, planning.forecasts._keeper = provider, LastGood(provider)
    await planning.forecasts.ask()
    await planning.loop.cycle("good")
    assert planning.labels() == {PlanLabel.OPTIMAL}
    raised: list[str] = []
    setup.alarms.changed.append(lambda alarm: raised.append(f"{alarm.code} {alarm.cleared_utc_s is None}"))
    provider.fault = fault
    for _ in range(5):
        setup.clock.advance(3600)
        await planning.forecasts.ask()
        await planning.loop.cycle("bad")
        assert planning.labels() == {PlanLabel.OPTIMAL}  # from the last good forecast
    for _ in range(16):
        setup.clock.advance(900)
        await planning.forecasts.ask()
        await planning.loop.cycle("worse")
    assert planning.labels() == {PlanLabel.LOCAL}
    assert raised == ["forecast True"]
    provider.fault = ""
    await planning.forecasts.ask()
    await planning.loop.cycle("good again")
    assert planning.labels() == {PlanLabel.OPTIMAL}
    assert raised == ["forecast True", "forecast False"]
