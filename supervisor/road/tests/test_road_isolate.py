"""One lane that cannot be advanced does not stop the others."""

from __future__ import annotations

import numpy as np
import pytest

from supervisor.domain.errors import PhysicsError
from supervisor.domain.zone import Layer, Site, Zone
from supervisor.road import StateEstimator, build_pavements
from supervisor.weather.design_storm import design_storm
from supervisor.weather.resample import at_steps

START_UTC_S = 1_703_808_000.0
ZONES = tuple(
    Zone(id=f"z{n}", name="", board="b", relay=n, feeder="f", power_w=60_000, area_m2=200.0,
         layers=(Layer("asphalt", 0.1), Layer("base", 0.3)))
    for n in range(3)
)  # fmt: skip
NOTHING = np.full(3, np.nan)


@pytest.fixture
def forcing():  # type: ignore[no-untyped-def]
    series = design_storm(START_UTC_S - 6 * 3600, hours=72)
    return at_steps(series, START_UTC_S, 60.0, 5, Site("s", "Asia/Seoul", 37.59, 127.02))


@pytest.mark.parametrize("lane", [0, 1, 2])
def test_a_lane_that_cannot_be_advanced_begins_anew_and_the_others_are_as_without_it(forcing, lane: int) -> None:  # type: ignore[no-untyped-def]
    estimator, healthy = (StateEstimator(build_pavements(ZONES), 0.0, 5.0) for _ in range(2))
    for known in (estimator, healthy):
        known.update(forcing[0:1], NOTHING, np.full(3, 300.0))
    estimator.state.temperature_c[lane] = 89.5
    power = np.full(3, 300.0)
    power[lane] = 1900.0
    estimator.update(forcing[1:2], NOTHING, power)
    healthy.update(forcing[1:2], NOTHING, np.full(3, 300.0))
    others = [other for other in range(3) if other != lane]
    assert estimator.renewed == (lane,)
    np.testing.assert_allclose(estimator.state.surface_c[others], healthy.state.surface_c[others], atol=1e-9)
    assert abs(estimator.state.surface_c[lane]) < 10
    estimator.update(forcing[2:3], NOTHING, np.full(3, 300.0))
    assert estimator.renewed == ()


def test_where_every_lane_fails_it_is_said_and_the_state_stays(forcing) -> None:  # type: ignore[no-untyped-def]
    estimator = StateEstimator(build_pavements(ZONES), 0.0, 5.0)
    estimator.state.temperature_c[:] = 89.5
    with pytest.raises(PhysicsError):
        estimator.update(forcing[0:1], NOTHING, np.full(3, 1900.0))
