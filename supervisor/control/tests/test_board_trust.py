"""One board, authenticated and hostile: what it says of others' zones, of time and of power harms nobody else."""

from __future__ import annotations

import logging
import random

import msgspec
import pytest

from supervisor.control import distrust
from supervisor.control.tests.conftest import START_UTC_S, RecordingLink, Setup, greet
from supervisor.control.tests.test_intake import Works
from supervisor.gateway.tests.board_client import sample, telemetry
from supervisor.store import quarantine
from supervisor.store.tests.hours import hours as hours_of
from supervisor.wire.messages import Telemetry
from supervisor.wire.reports import Damaged

MOST_W = 66_000  # a zone's 60 kW and the tolerance


@pytest.fixture
async def works(setup: Setup) -> Works:
    return Works(setup)


async def test_a_stolen_key_cannot_write_other_boards_zones(works: Works) -> None:
    store = works.setup.store
    for second in range(10, 200, 10):
        works.setup.clock.advance(10)
        own, foreign = sample(dev_wh=167 * second // 10), sample("z03", dev_wh=10**6 * second)
        await works.hear([telemetry(second, own, foreign, sample("z99", dev_wh=second), up=100 + second)])
    totals = await store.telemetry.zone_totals()
    assert totals.keys() == {"z01"}
    assert {row.zone for row in await store.read(lambda db: hours_of(db, 0, 2**40))} == {"z01"}
    assert not works.setup.live.view("z03").online
    assert works.meter.mean_kw(START_UTC_S + 190)["f1"] == pytest.approx(60 * 190 / 900)
    assert works.alarm_codes() == [("telemetry-refused", "b01")]
    assert len(works.link.acks()) == 19
    rows = await store.read(lambda db: quarantine.found(db, 0, 2**40))
    assert {row.zone for row in rows} == {"z03", "z99"}
    refused = works.setup.metrics.registry.get_sample_value("roadheat_telemetry_refused_total", {"board": "b01"})
    assert refused == 38


async def test_a_greeting_with_other_boards_zones_is_alarmed_and_gives_no_right_to_them(works: Works) -> None:
    hello = msgspec.structs.replace(greet(), z=("z01", "z02", "z03"))
    works.intake.attach(works.link, hello)
    works.setup.clock.advance(10)
    await works.intake.heard(works.link, hello, [telemetry(1, sample("z03"), up=110)])
    assert ("board-zones", "b01") in works.alarm_codes()
    assert await works.setup.store.telemetry.zone_totals() == {}


async def test_a_zone_named_twice_in_a_frame_counts_once(works: Works) -> None:
    works.setup.clock.advance(10)
    await works.hear([telemetry(1, sample(dev_wh=160), sample(dev_wh=170, surface_mc=9000), up=110)])
    assert await works.setup.store.telemetry.zone_totals() == {"z01": 160}
    assert works.setup.live.view("z01").surface_c == 1.5
    assert works.meter.mean_kw(START_UTC_S + 10)["f1"] == pytest.approx(60 * 10 / 900)


async def test_a_zone_that_moved_to_another_board_is_heard_of_the_new_one_only(works: Works) -> None:
    """z03 was on b01 once: its old board's journal does not count any more, its new board's does."""
    other = RecordingLink("b02")
    works.intake.attach(other, greet("b02"))
    works.setup.clock.advance(10)
    await works.hear([telemetry(1, sample("z03", dev_wh=50_000), up=110)])
    await works.intake.heard(other, greet("b02"), [telemetry(1, sample("z03", dev_wh=160), up=110)])
    assert await works.setup.store.telemetry.zone_totals() == {"z03": 160}


async def test_excess_energy_is_alarmed_counted_and_never_in_the_peak(works: Works) -> None:
    setup = works.setup
    for q in range(1, 10):
        setup.clock.advance(10)
        wh = 167 * q + (10**6 if q > 4 else 0)
        await works.hear([telemetry(q, sample(dev_wh=wh, power_w=60_000 if q != 5 else 4_000_000), up=100 + 10 * q)])
    assert works.alarm_codes() == [("energy-quarantined", "z01")]
    assert (await setup.store.telemetry.zone_totals())["z01"] < 9 * 167 + 500
    works.meter.roll(START_UTC_S + 90)
    assert works.meter.peaks_kw["f1"] <= 66 * 90 / 900
    counted = setup.metrics.registry.get_sample_value("roadheat_quarantined_wh_total", {"zone": "z01"})
    kept = await setup.store.read(lambda db: quarantine.found(db, 0, 2**40))
    assert counted == sum(row.excess_wh for row in kept) > 999_000
    assert setup.live.view("z01").power_w == 60_000


async def test_impossible_power_is_bounded_wherever_it_goes(works: Works) -> None:
    works.setup.clock.advance(10)
    await works.hear([telemetry(1, sample(power_w=2**32 - 1), up=110)])
    assert works.setup.live.view("z01").power_w == MOST_W
    assert works.meter.mean_kw(START_UTC_S + 10)["f1"] == pytest.approx(66 * 10 / 900)
    assert works.estimation._sums[1, 0] <= MOST_W * 10 + 1


async def test_many_records_of_one_time_do_not_move_a_feeder_s_load(works: Works) -> None:
    """Else one board's key would make the demand guard open its neighbours' circuits."""
    works.setup.clock.advance(100)
    for q in range(1, 400):
        await works.hear([telemetry(q, sample(dev_wh=0), up=200)])
    assert works.meter.mean_kw(START_UTC_S + 100)["f1"] <= 60 * 960 / 900
    works.meter.roll(START_UTC_S + 100)
    assert works.meter.peaks_kw["f1"] <= 60 * 960 / 900


async def test_the_journal_of_a_boot_without_a_clock_does_not_count_as_load_now(works: Works) -> None:
    works.setup.clock.advance(10)
    await works.hear([telemetry(q, sample(dev_wh=167 * q), up=10 * q, boot=2) for q in range(1, 30)])
    assert works.meter.mean_kw(START_UTC_S + 10)["f1"] == 0
    assert not works.setup.live.view("z01").online
    assert sum(len(ack.q) for ack in works.link.acks()) == 29


@pytest.mark.parametrize("extreme", [0, 10**9, 10**13, 2**62, 2**63, 2**64, 10**30])
async def test_one_frame_of_any_time_ends_nothing_and_the_next_is_kept(
    works: Works, extreme: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As `up=10, utc=0` after `up=10**13`: nothing is stamped before 2020 or after its receipt."""
    setup = works.setup
    for n, (up, utc) in enumerate([(extreme, 0), (10, 0), (extreme, extreme), (10, extreme), (130, 1)]):
        setup.clock.advance(10)
        works.intake.attach(works.link, greet(up=min(extreme, 10**9) if n == 3 else 110 + 10 * n))
        await works.hear([telemetry(n + 1, sample(dev_wh=min(extreme, 2**32 - 1)), up=up, utc=utc)])
        now = setup.clock.utc_s()
        end = works.intake.end_utc_s("b01", telemetry(1, up=up, utc=utc), now)
        assert 1_577_836_800 <= end <= now
    setup.clock.advance(10)
    works.intake.attach(works.link, greet(up=160))
    await works.hear([telemetry(9, sample(dev_wh=100), up=160)])
    assert works.setup.live.view("z01").online
    assert [q for ack in works.link.acks() for q in ack.q] == [1, 2, 3, 4, 5, 9]
    await setup.store.upkeep.roll_up()
    hours = await setup.store.read(lambda db: hours_of(db, -(2**60), 2**60))
    assert all(row.start_utc_s > START_UTC_S - 8 * 86_400 for row in hours)
    assert (await setup.store.telemetry.zone_totals()).get("z01", 0) < 20_000
    again = Works(setup)  # and so it is after a restart
    await again.watch.start()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_boot_that_the_greeting_does_not_know_yet_is_not_believed(works: Works) -> None:
    works.setup.clock.advance(10)
    await works.hear([telemetry(1, sample(dev_wh=10**6), up=110, boot=2**31)])
    assert await works.setup.store.telemetry.zone_totals() == {}
    assert [(ack.boot, ack.q) for ack in works.link.acks()] == [(2**31, (1,))]
    assert works.alarm_codes() == [("telemetry-refused", "b01")]


async def test_a_record_that_can_never_be_kept_is_acknowledged_and_kept_aside(works: Works) -> None:
    damaged = [
        Damaged(3, 7, ("up: too large",), b'{"t":"tel"}', None),
        Damaged(3, 8, ("z[0]: x",), b"{}", telemetry(8)),
    ]
    await works.intake.damaged(works.link, damaged)
    assert [(ack.boot, ack.q) for ack in works.link.acks()] == [(3, (7,))]  # the other goes the way of its good part
    rows = await works.setup.store.read(lambda db: quarantine.found(db, 0, 2**40))
    assert [row.reason for row in rows] == ["up: too large", "z[0]: x"]
    assert works.alarm_codes() == [("telemetry-refused", "b01")]


async def test_alarms_of_what_is_not_believed_end_a_day_after_the_last_case(works: Works) -> None:
    works.setup.clock.advance(10)
    await works.hear([telemetry(1, sample("z03"), up=110)])
    for hour in range(1, 26):
        works.setup.clock.advance(distrust.STANDS_S / 24)
        await works.hear([telemetry(1 + hour, sample(dev_wh=0, power_w=0), up=110 + 3600 * hour)])
        assert (works.alarm_codes() == []) == (hour >= 25)


async def test_frames_that_a_board_refused_make_one_event_a_minute(works: Works) -> None:
    for q in range(1, 31):
        works.setup.clock.advance(10)
        frame = msgspec.structs.replace(telemetry(q, up=100 + 10 * q), bad=q)
        await works.hear([frame])
    await works.setup.background.close()
    assert 4 <= len(await works.setup.store.events.happened(0, 2**40, "bad-frames")) <= 6


EXTREMES = (60_000, 10**8, int(START_UTC_S), 2**31 - 1, 2**32 - 1)


def any_frame(rng: random.Random, numbers: list[int]) -> Telemetry:
    zones = rng.choices(["z01", "z02", "z03", "z99"], k=rng.randint(0, 4))
    samples = tuple(
        sample(zone, power_w=rng.choice(numbers), dev_wh=rng.choice(numbers), surface_mc=rng.choice([-273_150, 10**6]))
        for zone in zones
    )
    boot, dt = rng.choice([1, 2, 3, 3, 3, 2**32 - 1]), rng.choice([0, 10, 60, 65_535])
    return Telemetry(boot, rng.choice(numbers), rng.choice(numbers), rng.choice(numbers), dt, 0, samples)


async def test_free_counters_and_times_leave_the_books_and_the_others_right(works: Works) -> None:
    """Some hundreds of frames with every number free, between those of an honest board."""
    rng = random.Random(4)
    other, hello = RecordingLink("b02"), greet("b02")
    works.intake.attach(other, hello)
    first = greet(boot=1, up=0)  # its record begins here: no time before it is left to be claimed
    works.intake.attach(works.link, first)
    await works.intake.heard(works.link, first, [telemetry(1, sample(dev_wh=0), boot=1, up=0)])
    works.intake.attach(works.link, greet())
    for n in range(1, 150):
        works.setup.clock.advance(10)
        frames = [
            any_frame(rng, [0, 1, 10, 100, n, 100 + 10 * n, 167 * n, *EXTREMES]) for _ in range(rng.randint(1, 6))
        ]
        await works.hear(frames)
        await works.intake.heard(other, hello, [telemetry(n, sample("z03", dev_wh=167 * n), up=100 + 10 * n)])
    totals = await works.setup.store.telemetry.zone_totals()
    assert totals["z03"] == 167 * 149
    for zone in ("z01", "z02"):
        assert totals.get(zone, 0) <= (1490 + 400) * MOST_W / 3600
    hours = await works.setup.store.read(lambda db: hours_of(db, -(2**60), 2**60))
    sums: dict[str, int] = {}
    for row in hours:
        sums[row.zone] = sums.get(row.zone, 0) + row.energy_wh
    assert sums == totals
    assert works.setup.live.view("z03").online


async def test_a_board_put_in_another_s_place_begins_a_life_of_its_own(works: Works) -> None:
    """By the id of its greeting, or with older firmware by a boot number that falls: none is taken for a repetition."""
    greetings = [
        msgspec.structs.replace(greet(boot=boot, up=0), life=life)
        for boot, life in ((9, "00000000000000aa"), (9, "00000000000000bb"), (3, ""))
    ]
    for n, hello in enumerate(greetings):
        works.intake.attach(works.link, hello)
        works.setup.clock.advance(100)
        await works.intake.heard(works.link, hello, [telemetry(1, sample(dev_wh=100 + n), boot=hello.boot, up=20)])
    assert await works.setup.store.telemetry.zone_totals() == {"z01": 100 + 101 + 102}
    assert works.alarm_codes() == []
