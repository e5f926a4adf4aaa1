from __future__ import annotations

from supervisor.control.demand_guard import DemandGuard
from supervisor.control.meter import FeederMeter
from supervisor.control.publishing import Publisher
from supervisor.control.tests.conftest import FEEDERS, START_UTC_S, ZONES, RecordingLink, Setup, greet
from supervisor.domain.plan import SLOT_S, Plan, Slot
from supervisor.wire.messages import Winner, ZoneSample


def heating(setup: Setup, meter: FeederMeter, zone: str, seconds: float, power_w: int = 60_000) -> None:
    """The zone draws so much, and has since `seconds` ago."""
    live = setup.live.zones[zone]
    live.sample = ZoneSample(
        zone=zone, surface_mc=100, cable_mc=9_000, moisture_permille=900, on_s=10, power_w=power_w, dev_wh=0,
        duty_permille=1000, who=Winner.PLAN, flags=0,
    )  # fmt: skip
    live.sample_utc_s, live.online = setup.clock.utc_s(), True
    meter.add(setup.clock.utc_s() - seconds, seconds, [live.sample])


async def test_a_feeder_about_to_pass_its_contract_opens_its_least_urgent_circuit_in_time(setup: Setup) -> None:
    meter = FeederMeter(FEEDERS, ZONES, "Asia/Seoul", setup.metrics)
    guard = DemandGuard(
        setup.live, setup.overrides, meter, Publisher(setup.store.plans, setup.dispatcher), setup.metrics, setup.clock
    )
    links = {board: RecordingLink(board) for board in ("b01", "b02")}
    for board, link in links.items():
        setup.dispatcher.attach(link, greet(board))
    setup.dispatcher.publish(
        Plan(zone=z.id, issued_utc_s=int(START_UTC_S), start_utc_s=int(START_UTC_S),
             slots=(Slot(0, 500, 1000), Slot(8 * SLOT_S, 0, -1)))
        for z in ZONES
    )  # fmt: skip
    setup.clock.advance(300)
    heating(setup, meter, "z01", 300, power_w=58_000)
    heating(setup, meter, "z02", 300, power_w=58_000)
    await guard.look()
    assert [len(link.plans()) for link in links.values()] == [2, 1]  # 119 kW on a contract of 120: as published
    heating(setup, meter, "z03", 10)
    setup.live.zones["z02"].sample = None  # said nothing yet after a restart: not counted, not commanded
    await guard.look()
    assert len(links["b02"].plans()) == 1
    heating(setup, meter, "z02", 0.001)
    await guard.look()
    sent = [*links["b01"].plans()[2:], *links["b02"].plans()[1:]]
    opened = [(plan.z, plan.s[0]) for plan in sent]
    assert opened == [("z03", (0, -30_000, 0))]
    assert setup.metrics.registry.get_sample_value("roadheat_circuits_shed_total", {"feeder": "f1"}) == 1
    kept = await setup.store.plans.latest()
    assert kept["z03"].why[0].code == "shed"


async def test_a_person_s_override_is_not_opened(setup: Setup) -> None:
    await setup.overrides.request("z03", "on", 60, "ice on the bend", "kim")
    meter = FeederMeter(FEEDERS, ZONES, "Asia/Seoul", setup.metrics)
    guard = DemandGuard(
        setup.live, setup.overrides, meter, Publisher(setup.store.plans, setup.dispatcher), setup.metrics, setup.clock
    )
    plans = [Plan(zone=z.id, issued_utc_s=int(START_UTC_S), start_utc_s=int(START_UTC_S), slots=(Slot(0, 500, 1000),))
             for z in ZONES]  # fmt: skip
    setup.dispatcher.publish(plans)
    setup.clock.advance(60)
    for zone in ZONES:
        heating(setup, meter, zone.id, 60)
    await guard.look()
    assert await setup.store.plans.latest() != {}
    assert setup.live.zones["z03"].plan == plans[2]
    assert setup.live.zones["z02"].plan != plans[1]
