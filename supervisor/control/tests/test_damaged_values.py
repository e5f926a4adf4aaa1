"""A value that cannot be true, from a board or from the record, costs its own zone or its own part only."""

from __future__ import annotations

import base64
import logging
import math
from dataclasses import fields

import msgspec
import numpy as np
import pytest

from supervisor.control.estimation import KEY, Estimation
from supervisor.control.meter import FeederMeter
from supervisor.control.peaks import PEAKS
from supervisor.control.tests.conftest import FEEDERS, START_UTC_S, ZONES, Setup
from supervisor.control.tests.test_intake import Works
from supervisor.domain.errors import StoreError, WeatherError
from supervisor.domain.plan import Plan, Slot
from supervisor.gateway.tests.board_client import sample
from supervisor.road import State
from supervisor.store import plans


@pytest.fixture
async def works(setup: Setup) -> Works:
    made = Works(setup)
    await made.forecasts.ask()
    await made.estimation.start()
    return made


def minute(works: Works, number: int, power_w: float = 60_000, **others: float) -> None:
    """A minute of samples of all zones, `power_w` of z01, then the estimate."""
    works.setup.clock.advance(60)
    for _ in range(6):
        for zone in ("z01", "z02", "z03"):
            watts = power_w if zone == "z01" else 60_000
            works.estimation.observe(msgspec.structs.replace(sample(zone, **others), power_w=watts), 10)
    works.estimation.update(START_UTC_S + 60 * number)


@pytest.mark.parametrize("power_w", [2**32 - 1, 10**18, -(10**9), math.inf])
async def test_one_absurd_power_sample_leaves_every_road_s_estimate_going(works: Works, power_w: float) -> None:
    for number in range(1, 4):
        minute(works, number, power_w if number == 2 else 60_000, flags=2)
        state = works.estimation.state
        assert np.isfinite(state.temperature_c).all()
        assert (state.surface_c < 30).all()
    assert works.setup.live.view("z01").state is not None


async def test_what_was_observed_in_a_minute_that_failed_is_forgotten(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: float) -> None:
        raise WeatherError("no forecast yet")

    with monkeypatch.context() as broken:
        broken.setattr(works.forecasts, "minute", fails)
        with pytest.raises(WeatherError):
            minute(works, 1)
    assert not works.estimation._sums.any()
    minute(works, 2)


@pytest.mark.parametrize("field", [field.name for field in fields(State)])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1e9, 1e9])
async def test_a_lane_that_left_the_physical_range_begins_anew_and_the_others_go_on(
    works: Works, field: str, value: float
) -> None:
    healthy = Estimation(ZONES, works.forecasts, works.setup.live, works.setup.store.values, works.setup.clock)
    await healthy.start()
    getattr(works.estimation.state, field)[1] = value
    works.estimation.update(START_UTC_S + 60)
    healthy.update(START_UTC_S + 60)
    state, other = works.estimation.state, healthy.state
    for found in fields(State):
        values = getattr(state, found.name)
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values[[0, 2]], getattr(other, found.name)[[0, 2]])
    if field not in ("soil_ice_j_m2", "snow_albedo") or not abs(value) < math.inf:
        assert works.alarm_codes() == [("estimate-reset", "z02")]


async def test_a_road_that_does_not_converge_alone_begins_anew(works: Works) -> None:
    """Within the range of each value, and all the same no state from which a step can be made."""
    works.estimation.state.temperature_c[0] = 89.0
    works.estimation.state.temperature_c[0, ::2] = -59.0
    works.estimation.state.top_c[0] = -59.0
    works.estimation.state.residual_w_m2[0] = 1999.0
    works.estimation._per_area[0] = 10.0  # as a road of some centimetres
    for number in range(1, 4):
        minute(works, number, flags=2)
    assert np.isfinite(works.estimation.state.temperature_c).all()
    assert abs(works.estimation.state.surface_c[1]) < 30


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        "9" * 400,
        "[" * 900,
        '{"utc_s":1,"zones":[],"arrays":{}}',
        "shape",
        "base64",
        "nan",
        "field",
    ],
)
async def test_a_damaged_estimate_is_said_and_spun_up_anew(works: Works, damage: str) -> None:
    await works.estimation.keep(works.setup.clock.utc_s())
    text = await works.setup.store.values.get(KEY)
    assert text is not None
    kept = msgspec.json.decode(text)
    if damage == "shape":
        kept["arrays"]["water_mm"] = [[3, 1], kept["arrays"]["water_mm"][1]]
        damage = msgspec.json.encode(kept).decode()
    elif damage == "base64":
        kept["arrays"]["water_mm"][1] = "%%%"
        damage = msgspec.json.encode(kept).decode()
    elif damage == "nan":
        kept["arrays"]["top_c"][1] = base64.b64encode(np.array([math.nan, 1.0, 2.0]).tobytes()).decode()
        damage = msgspec.json.encode(kept).decode()
    elif damage == "field":
        del kept["arrays"]["water_mm"]
        damage = msgspec.json.encode(kept).decode()
    await works.setup.store.values.set(KEY, damage)
    again = Estimation(ZONES, works.forecasts, works.setup.live, works.setup.store.values, works.setup.clock)
    await again.start()
    again.update(START_UTC_S + 60)
    assert np.isfinite(again.state.temperature_c).all()


@pytest.mark.parametrize("kept", ["", "{", "[1]", '{"f1":"x"}', '{"f1":1e400}', '{"f1":-5}', '{"f1":1e30}', "[" * 900])
async def test_damaged_peaks_are_said_and_the_service_starts(
    works: Works, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    works.meter.roll(START_UTC_S)
    await works.setup.store.values.set(f"{PEAKS}.{works.meter.month}", kept)
    await works.watch.start()
    assert works.meter.peaks_kw == {"f1": 0.0}
    assert "peaks" in caplog.text


async def test_damaged_plans_are_said_and_the_others_are_taken_up(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    at = int(START_UTC_S)
    good = Plan(zone="z01", issued_utc_s=at, start_utc_s=at, slots=(Slot(0, 2000, 500),))
    far = msgspec.structs.replace(good, zone="z03", slots=(Slot(0, 2000, 500), Slot(10**12, 0, 0)))
    await works.setup.store.plans.save([good, msgspec.structs.replace(good, zone="z02"), far])
    await works.setup.store.write(lambda db: db.execute("UPDATE plan SET plan = '{\"zone\":' WHERE zone = 'z02'"))
    assert await works.setup.store.plans.latest() == {"z01": good}
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


async def test_a_damaged_epoch_is_a_sentence(works: Works) -> None:
    await works.setup.store.write(lambda db: db.execute("UPDATE kv SET value = 'x' WHERE key = 'epoch'"))
    with pytest.raises(StoreError, match="not a number") as refused:
        await works.setup.store.epochs.next()
    assert "--take-over" in refused.value.remedy
    assert plans.HORIZON_MAX_S > 0


@pytest.mark.parametrize(("start", "dt"), [(math.nan, 10), (math.inf, 10), (0, math.inf), (0, -10), (0, math.nan)])
def test_a_feeder_s_mean_takes_no_time_that_is_none(works: Works, start: float, dt: float) -> None:
    meter = FeederMeter(FEEDERS, ZONES, "Asia/Seoul", works.setup.metrics)
    meter.add(START_UTC_S + start, dt, [sample()])
    assert meter.mean_kw(START_UTC_S) == {"f1": 0.0}
