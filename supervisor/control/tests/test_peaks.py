"""The billed peak, as the planner is told it: the month's own, an earlier one's, a part of the contract."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from supervisor.control.meter import FeederMeter
from supervisor.control.peaks import PEAKS, KeptPeaks
from supervisor.control.tests.conftest import FEEDERS, ZONES, Setup
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.demand import Demand
from supervisor.wire.messages import Winner, ZoneSample

NOVEMBER = datetime(2026, 11, 10, 1, tzinfo=UTC).timestamp()
FEEDER = FEEDERS[0].id


def drawn(meter: FeederMeter, start_utc_s: float, power_w: int) -> None:
    sample = ZoneSample(
        zone=ZONES[0].id, surface_mc=0, cable_mc=0, moisture_permille=0, on_s=0, power_w=power_w, dev_wh=0,
        duty_permille=0, who=Winner.PLAN, flags=0,
    )  # fmt: skip
    meter.add(start_utc_s, SLOT_S, [sample])


async def test_a_winters_peak_is_free_until_it_is_forgotten(setup: Setup) -> None:
    meter = FeederMeter(FEEDERS, ZONES, "Asia/Seoul", setup.metrics)
    meter.demand = Demand(7470.0, 1.0, 12, (12, 1, 2, 7, 8, 9))
    for month, kw in (("2025-11", 500.0), ("2026-01", 90.0), ("2026-10", 400.0)):
        await setup.store.values.set(f"{PEAKS}.{month}", msgspec.json.encode({FEEDER: kw}).decode())
    await setup.store.values.set(f"{PEAKS}.2026-07", "{damaged")
    peaks = KeptPeaks(meter, setup.store.values)
    await peaks.load(NOVEMBER)
    assert meter.billed_kw()[FEEDER] == 90.0
    drawn(meter, NOVEMBER, 100_000)
    await peaks.keep(NOVEMBER + SLOT_S)
    assert meter.billed_kw()[FEEDER] == 100.0
    january = datetime(2027, 1, 10, tzinfo=UTC).timestamp()
    await peaks.keep(january)
    assert meter.billed_kw()[FEEDER] == 0.0  # of November and a January a year ago none counts
    meter.demand = Demand(7470.0, least_of_contract=0.3)
    await peaks.keep(january + SLOT_S)
    assert meter.billed_kw()[FEEDER] == 0.3 * FEEDERS[0].contract_kw


async def test_a_peak_of_hours_that_set_no_base_charge_is_not_the_months(setup: Setup) -> None:
    meter = FeederMeter(FEEDERS, ZONES, "Asia/Seoul", setup.metrics)
    meter.counts_peak = lambda utc_s: datetime.fromtimestamp(utc_s, UTC).hour >= 3
    drawn(meter, NOVEMBER, 100_000)
    meter.roll(NOVEMBER + SLOT_S)
    assert meter.peaks_kw[FEEDER] == 0.0
    assert meter.mean_kw(NOVEMBER)[FEEDER] == 100.0  # the contract limits it all the same
    drawn(meter, NOVEMBER + 7200, 50_000)
    meter.roll(NOVEMBER + 7200 + SLOT_S)
    assert meter.peaks_kw[FEEDER] == 50.0


def test_a_feeders_own_price_goes_before_the_tariffs(setup: Setup) -> None:
    own = msgspec.structs.replace(FEEDERS[0], demand_price_per_kw=1.0)
    none = msgspec.structs.replace(FEEDERS[0], id="f9", demand_price_per_kw=0.0)
    meter = FeederMeter((own, none), ZONES, "Asia/Seoul", setup.metrics)
    meter.demand = Demand(7470.0)
    assert meter.demand_prices() == {FEEDER: 1.0, "f9": 7470.0}
