from __future__ import annotations

from supervisor.control.demand_guard import DemandGuard
from supervisor.control.meter import FeederMeter
from supervisor.control.publishing import Publisher
from supervisor.control.tests.conftest import FEEDERS, START_UTC_S, ZONES, RecordingLink, Rooms, greet
from supervisor.domain.plan import SLOT_S, Plan, Slot
from supervisor.wire.messages import Flag, Winner, ZoneSample


def heating(rooms: Rooms, meter: FeederMeter, zone: str, seconds: float, power_w: int = 60_000) -> None:
    """The zone draws so much, and has since `seconds` ago."""
    live = rooms.live.zones[zone]
    live.sample = ZoneSample(
        zone=zone, surface_mc=100, cable_mc=9_000, moisture_permille=900, on_s=10, power_w=power_w, dev_wh=0,
        duty_permille=1000, who=Winner.PLAN, flags=Flag(0),
    )  # fmt: skip
    live.sample_utc_s, live.online = rooms.clock.utc_s(), True
    meter.add(rooms.clock.utc_s() - seconds, seconds, [live.sample])


async def test_a_feeder_about_to_pass_its_contract_opens_its_least_urgent_circuit_in_time(rooms: Rooms) -> None:
    meter = FeederMeter(FEEDERS, ZONES, "Asia/Seoul", rooms.metrics)
    guard = DemandGuard(
        rooms.live, rooms.overrides, meter, Publisher(rooms.store.plans, rooms.dispatcher), rooms.metrics, rooms.clock
    )
    links = {board: RecordingLink(board) for board in ("b01", "b02")}
    for board, link in links.items():
        rooms.dispatcher.attach(link, greet(board))
    rooms.dispatcher.publish(
        Plan(zone=z.id, issued_utc_s=int(START_UTC_S), start_utc_s=int(START_UTC_S),
             slots=(Slot(0, 500, 1000), Slot(8 * SLOT_S, 0, -1)))
        for z in ZONES
    )  # fmt: skip
    rooms.clock.advance(300)
    heating(rooms, meter, "z01", 300, power_w=58_000)
    heating(rooms, meter, "z02", 300, power_w=58_000)
    await guard.look()
    assert [len(link.plans()) for link in links.values()] == [2, 1]  # 119 kW on a contract of 120: as published
    heating(rooms, meter, "z03", 10)
    rooms.live.zones["z02"].sample = None  # said nothing yet after a restart: not counted, not commanded
    await guard.look()
    assert len(links["b02"].plans()) == 1
    heating(rooms, meter, "z02", 0.001)
    await guard.look()
    sent = [*links["b01"].plans()[2:], *links["b02"].plans()[1:]]
    opened = [(plan.z, plan.s[0]) for plan in sent]
    assert opened == [("z03", (0, -30_000, 0))]
    assert rooms.metrics.registry.get_sample_value("roadheat_circuits_shed_total", {"feeder": "f1"}) == 1
    kept = await rooms.store.plans.latest()
    assert kept["z03"].why[0].code == "shed"


async def test_a_person_s_override_is_not_opened(rooms: Rooms) -> None:
    await rooms.overrides.request("z03", "on", 60, "ice on the bend", "kim")
    meter = FeederMeter(FEEDERS, ZONES, "Asia/Seoul", rooms.metrics)
    guard = DemandGuard(
        rooms.live, rooms.overrides, meter, Publisher(rooms.store.plans, rooms.dispatcher), rooms.metrics, rooms.clock
    )
    plans = [Plan(zone=z.id, issued_utc_s=int(START_UTC_S), start_utc_s=int(START_UTC_S), slots=(Slot(0, 500, 1000),))
             for z in ZONES]  # fmt: skip
    rooms.dispatcher.publish(plans)
    rooms.clock.advance(60)
    for zone in ZONES:
        heating(rooms, meter, zone.id, 60)
    await guard.look()
    assert await rooms.store.plans.latest() != {}
    assert rooms.live.zones["z03"].plan == plans[2]
    assert rooms.live.zones["z02"].plan != plans[1]
