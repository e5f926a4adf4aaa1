from __future__ import annotations

import pytest

from supervisor.control.alarm_recorder import keep_alarms
from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.control.tests.conftest import FEEDERS, START_UTC_S, ZONES
from supervisor.domain.alarm import AlarmCode
from supervisor.gateway.tests.board_client import sample
from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store


@pytest.fixture
def meter() -> FeederMeter:
    return FeederMeter(FEEDERS, ZONES, "Asia/Seoul", Metrics())


def test_quarter_s_mean_counts_all_zones_over_the_whole_quarter(meter: FeederMeter) -> None:
    for second in range(0, 450, 10):
        meter.add(START_UTC_S + second, 10, [sample("z01", power_w=60_000), sample("z02", power_w=20_000)])
    assert meter.mean_kw(START_UTC_S + 450) == {"f1": pytest.approx(40.0)}
    assert meter.mean_kw(START_UTC_S + 900) == {"f1": 0.0}


def test_interval_counts_into_the_quarter_in_which_it_ends(meter: FeederMeter) -> None:
    meter.add(START_UTC_S + 890, 10, [sample(power_w=90_000)])
    assert meter.mean_kw(START_UTC_S)["f1"] == pytest.approx(1.0)


def test_peak_is_kept_for_the_local_month_and_rises_with_late_telemetry(meter: FeederMeter) -> None:
    meter.roll(START_UTC_S)
    assert meter.month == "2023-12"
    meter.add(START_UTC_S, 900, [sample(power_w=60_000)])
    assert meter.roll(START_UTC_S + 1000)
    assert not meter.roll(START_UTC_S + 1005)
    meter.add(START_UTC_S, 900, [sample("z02", power_w=30_000)])  # a journal, ten minutes later
    assert meter.roll(START_UTC_S + 1600)
    assert meter.peaks_kw == {"f1": pytest.approx(90.0)}
    new_year_in_seoul = 1_704_034_800.0
    assert meter.roll(new_year_in_seoul)
    assert (meter.month, meter.peaks_kw) == ("2024-01", {"f1": 0.0})


def test_telemetry_of_long_ago_changes_no_peak(meter: FeederMeter) -> None:
    meter.add(START_UTC_S + 7200, 10, [sample()])
    meter.add(START_UTC_S, 900, [sample(power_w=60_000)])
    meter.roll(START_UTC_S + 7200)
    assert meter.peaks_kw["f1"] == pytest.approx(60.0 * 10 / 900)


def test_alarm_is_raised_once_and_cleared_once_however_often_it_is_seen(clock: ManualClock) -> None:
    metrics = Metrics()
    alarms, changes = Alarms(clock, metrics), list[Alarm]()
    alarms.changed.append(changes.append)
    for stands in (False, True, True, True):
        alarms.set(AlarmCode.EARTH_FAULT, "z01", stands, "reset it on site")
    alarms.set(AlarmCode.EARTH_FAULT, "z02", True, "reset it on site")
    clock.advance(60)
    alarms.set(AlarmCode.EARTH_FAULT, "z01", False)
    alarms.set(AlarmCode.EARTH_FAULT, "z01", False)
    told = [(alarm.subject, alarm.cleared_utc_s) for alarm in changes]
    assert told == [("z01", None), ("z02", None), ("z01", int(START_UTC_S) + 60)]
    assert [alarm.subject for alarm in alarms.standing()] == ["z02"]
    assert metrics.registry.get_sample_value("roadheat_alarms", {"code": "earth-fault"}) == 1


async def test_a_code_of_another_version_ends_at_the_start(store: Store, clock: ManualClock) -> None:
    await store.alarms.raise_alarm("earth-fault", "z01", "Heating is off")
    await store.alarms.raise_alarm("abolished", "z01", "Nothing here clears it")
    async with keep_alarms(store, clock, Metrics()) as (alarms, _):
        assert [(alarm.code, alarm.severity) for alarm in alarms.standing()] == [("earth-fault", "critical")]
        assert [alarm.code for alarm in await store.alarms.open_alarms()] == ["earth-fault"]
