from __future__ import annotations

from collections.abc import Sequence

import pytest

from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.intake import Intake, IntakeRecord, Measured
from supervisor.control.live import LiveState
from supervisor.control.meter import FeederMeter
from supervisor.control.monitoring import Monitoring
from supervisor.control.peaks import KeptPeaks
from supervisor.control.tests.conftest import FEEDERS, START_UTC_S, ZONES, RecordingLink, Setup, greet
from supervisor.control.tests.test_off_with_a_full_disk import fill, limit
from supervisor.control.watch import Watch
from supervisor.domain.errors import StoreError
from supervisor.domain.override import OverrideState
from supervisor.domain.zone import Site
from supervisor.gateway.tests.board_client import sample, telemetry, until
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.provider import FileProvider
from supervisor.wire.messages import Flag, ResultFrame, Telemetry, Winner

BOOTED = START_UTC_S - 100  # the board's greeting says that it is up for 100 s


class Works:
    """Control with intake and watch."""

    def __init__(self, setup: Setup) -> None:
        site = Site("seongbuk", "Asia/Seoul", 37.59, 127.02)
        series = design_storm(START_UTC_S - 6 * 3600, hours=72)
        self.setup = setup
        self.forecasts = Forecasts(
            FileProvider(series), site, 30 * 3600, setup.clock, setup.alarms, setup.metrics, setup.degradations
        )
        self.estimation = Estimation(ZONES, self.forecasts, setup.live, setup.store.values, setup.clock)
        self.meter = FeederMeter(FEEDERS, ZONES, site.timezone, setup.metrics)
        self.intake = Intake(
            setup.dispatcher, setup.overrides, Measured(setup.live, self.estimation, self.meter),
            IntakeRecord(setup.store.telemetry, setup.store.quarantine, setup.store.events),
            Monitoring(setup.alarms, setup.metrics), setup.clock, setup.background,
        )  # fmt: skip
        self.watch = Watch(
            setup.live,
            setup.overrides,
            setup.dispatcher,
            KeptPeaks(self.meter, setup.store.values),
            setup.store.upkeep,
            setup.alarms,
            setup.clock,
        )
        self.link = RecordingLink("b01")
        self.intake.attach(self.link, greet())

    async def hear(self, frames: Sequence[Telemetry]) -> None:
        await self.intake.heard(self.link, greet(), frames)

    def alarm_codes(self) -> list[tuple[str, str]]:
        return [(alarm.code, alarm.subject) for alarm in self.setup.alarms.standing()]


@pytest.fixture
async def works(setup: Setup) -> Works:
    return Works(setup)


async def test_frames_are_kept_acknowledged_and_shown(works: Works) -> None:
    works.setup.clock.advance(20)
    await works.hear([telemetry(1, sample(dev_wh=166), up=110), telemetry(2, sample(dev_wh=333), up=120)])
    assert [ack.q for ack in works.link.acks()] == [(1, 2)]
    view = works.setup.live.view("z01")
    assert (view.online, view.surface_c, view.power_w) == (True, 1.5, 60_000)
    assert view.updated_utc_s == int(START_UTC_S) + 20
    assert works.meter.mean_kw(START_UTC_S + 20)["f1"] == pytest.approx(60 * 20 / 900)


async def test_duplicate_is_acknowledged_but_counts_nothing(works: Works) -> None:
    works.setup.clock.advance(10)
    for _ in range(3):
        await works.hear([telemetry(1, up=110)])
    assert [ack.q for ack in works.link.acks()] == [(1,), (1,), (1,)]
    assert works.meter.mean_kw(START_UTC_S + 10)["f1"] == pytest.approx(60 * 10 / 900)


async def test_acknowledgements_name_the_boot_of_their_frames(works: Works) -> None:
    works.setup.clock.advance(10)
    await works.hear([telemetry(9, utc=int(START_UTC_S) - 500, boot=2), telemetry(1, up=110)])
    assert [(ack.boot, ack.q) for ack in works.link.acks()] == [(2, (9,)), (3, (1,))]


@pytest.mark.parametrize(
    ("utc", "up", "boot", "end"),
    [
        (0, 110, 3, BOOTED + 110),  # no clock: by uptime
        (int(BOOTED) + 112, 110, 3, BOOTED + 112),  # a clock that agrees: its own
        (int(BOOTED) + 9_000, 110, 3, BOOTED + 110),  # a wrong clock: by uptime
        (1, 110, 3, BOOTED + 110),
        (int(START_UTC_S) - 4000, 77, 2, START_UTC_S - 4000),  # an earlier boot with a clock
        (0, 77, 2, START_UTC_S + 30),  # an earlier boot without one: its receipt
        (0, 10_000, 3, START_UTC_S + 30),  # never after its receipt
    ],
)
async def test_interval_ends_when_uptime_says_unless_the_clock_agrees(
    works: Works, utc: int, up: int, boot: int, end: float
) -> None:
    frame = telemetry(1, utc=utc, up=up, boot=boot)
    assert works.intake.end_utc_s("b01", frame, START_UTC_S + 30) == end


async def test_journal_is_kept_but_not_shown_as_now(works: Works) -> None:
    works.setup.clock.advance(600)
    await works.hear([telemetry(60, sample(surface_mc=2000), up=700)])
    await works.hear([telemetry(7, sample(surface_mc=-9000), up=170)])
    assert works.setup.live.view("z01").surface_c == 2.0
    assert [ack.q for ack in works.link.acks()] == [(60,), (7,)]


async def test_sample_of_another_board_s_zone_changes_nothing(works: Works) -> None:
    works.setup.clock.advance(10)
    await works.hear([telemetry(1, sample("z03"), sample("z99"), up=110)])
    assert not works.setup.live.view("z03").online


async def test_flags_raise_one_alarm_each_and_clear_it(works: Works) -> None:
    for second, flags in ((10, 0), (20, Flag.EARTH_FAULT | Flag.LATCHED), (30, Flag.EARTH_FAULT), (40, 0)):
        works.setup.clock.advance(10)
        await works.hear([telemetry(second, sample(flags=int(flags)), up=100 + second)])
        wanted = {0: [], 20: ["earth-fault", "latched"], 30: ["earth-fault"]}.get(second, [])
        assert works.alarm_codes() == [(code, "z01") for code in wanted]


async def test_accepted_override_is_measured_when_the_power_shows_it(works: Works) -> None:
    setup = works.setup
    made = await setup.overrides.request("z01", "off", 60, "cable works", "kim")
    command = works.link.overrides()[0]
    await setup.dispatcher.answered(works.link, ResultFrame(ep=command.ep, q=command.q, rc=0))
    setup.clock.advance(10)
    await works.hear([telemetry(1, sample(who=int(Winner.OVERRIDE), power_w=40_000), up=110)])
    assert setup.overrides.get(made.id).state is OverrideState.ACCEPTED  # still on
    setup.clock.advance(10)
    await works.hear([telemetry(2, sample(who=int(Winner.OVERRIDE), power_w=0), up=120)])
    await until(lambda: setup.overrides.get(made.id).state is OverrideState.MEASURED)


async def test_board_that_forgot_an_override_is_told_again_and_boost_ends_itself(works: Works) -> None:
    setup = works.setup
    for zone, mode in (("z01", "on"), ("z02", "boost")):
        await setup.overrides.request(zone, mode, 60, "ice on the bend", "kim")
        command = works.link.overrides()[-1]
        await setup.dispatcher.answered(works.link, ResultFrame(ep=command.ep, q=command.q, rc=0))
    setup.clock.advance(60)
    plain = int(Winner.LOCAL)
    await works.hear([telemetry(6, sample("z01", who=plain), sample("z02", who=plain), up=160)])
    await until(lambda: setup.overrides.live_for("z02") is None)
    assert [(o.z, o.m) for o in works.link.overrides()] == [("z01", "on"), ("z02", "boost"), ("z01", "on")]


async def test_silent_board_goes_offline_then_raises_one_alarm_and_its_return_clears_it(works: Works) -> None:
    setup, silent, heard = works.setup, list[str](), list[str]()
    works.watch.gap.append(silent.append)
    works.intake.returned.append(heard.append)
    setup.live.board_names = {"b01": "pole 12"}  # board.name of city.toml
    setup.clock.advance(10)
    await works.hear([telemetry(1, up=110)])
    for second in range(15, 400, 5):
        setup.clock.advance(5)
        await works.watch.round(START_UTC_S + second)
    assert silent == ["z01"]
    assert not setup.live.view("z01").online
    assert works.alarm_codes() == [("board-absent", "b02"), ("board-absent", "b01")]
    assert ["pole 12" in alarm.text for alarm in setup.alarms.standing()] == [False, True]
    await works.hear([telemetry(40, up=495)])
    await works.watch.round(START_UTC_S + 400)
    assert heard == ["z01", "z01"]
    assert works.alarm_codes() == [("board-absent", "b02")]


async def test_watch_expires_overrides_sends_the_time_every_hour_and_stores_peaks(works: Works) -> None:
    setup = works.setup
    await works.watch.start()
    made = await setup.overrides.request("z01", "on", 10, "ice on the bend", "kim")
    setup.clock.advance(600)
    works.meter.add(START_UTC_S, 600, [sample(power_w=90_000)])
    await works.watch.round(START_UTC_S + 600)
    assert setup.overrides.get(made.id).state is OverrideState.EXPIRED
    clocks = len(works.link.clocks())
    setup.clock.advance(3000)
    await works.watch.round(START_UTC_S + 3600)
    assert len(works.link.clocks()) == clocks + 1
    again = Works(setup)
    await again.watch.start()
    assert again.meter.peaks_kw == {"f1": pytest.approx(60.0)}


async def test_load_over_the_contract_raises_an_alarm_once(works: Works) -> None:
    works.setup.clock.advance(900)
    works.meter.add(START_UTC_S + 0, 899, [sample("z01", power_w=70_000), sample("z02", power_w=70_000)])
    await works.watch.round(START_UTC_S + 899)
    assert ("contract", "f1") in works.alarm_codes()
    await works.watch.round(START_UTC_S + 905)
    assert ("contract", "f1") in works.alarm_codes()
    await works.watch.round(START_UTC_S + 1805)  # a whole quarter without
    assert ("contract", "f1") not in works.alarm_codes()


async def test_estimate_follows_the_sensor_and_outlives_a_restart(works: Works) -> None:
    setup = works.setup
    await works.forecasts.ask()
    await works.estimation.start()
    for minute in range(1, 31):
        setup.clock.advance(60)
        for _ in range(6):
            works.estimation.observe(sample(surface_mc=4000), 10)
        works.estimation.update(START_UTC_S + 60 * minute)
    state = works.estimation.state
    assert state.surface_c[0] == pytest.approx(4.0, abs=0.05)
    assert setup.live.view("z01").state is not None
    await works.estimation.keep(setup.clock.utc_s())
    live = LiveState(ZONES, setup.clock)
    after = Estimation(ZONES, works.forecasts, live, setup.store.values, setup.clock)
    await after.start()
    assert live.zones["z01"].surface_word == setup.live.zones["z01"].surface_word  # from the first moment on
    assert (after.state.temperature_c == state.temperature_c).all()
    setup.clock.advance(4 * 3600)  # too old: spun up on the observed weather instead
    stale = Estimation(ZONES, works.forecasts, setup.live, setup.store.values, setup.clock)
    await stale.start()
    assert not (stale.state.temperature_c == state.temperature_c).all()


async def test_calibrated_zone_is_estimated_with_its_own_road(works: Works) -> None:
    setup = works.setup
    await works.forecasts.ask()
    own = {"z02": {"conductivity_factor": 2.0}}
    fitted = Estimation(ZONES, works.forecasts, setup.live, setup.store.values, setup.clock, own)
    await works.estimation.start()
    await fitted.start()
    generic_c, fitted_c = works.estimation.state.surface_c, fitted.state.surface_c
    assert fitted_c[0] == pytest.approx(generic_c[0])
    assert abs(fitted_c[1] - generic_c[1]) > 0.005


async def test_store_that_fails_acknowledges_nothing(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    from supervisor.domain.errors import StoreError

    commit = works.setup.store.telemetry.commit

    async def fails_once(board: str, frame: Telemetry, *times: float) -> bool:
        if frame.q == 2:
            raise StoreError("disk full")
        return await commit(board, frame, *times)

    works.setup.clock.advance(30)
    frames = [telemetry(q, up=100 + 10 * q) for q in (1, 2, 3)]
    with monkeypatch.context() as broken:
        broken.setattr(works.setup.store.telemetry, "commit", fails_once)
        with pytest.raises(StoreError):
            await works.hear(frames)
    assert [ack.q for ack in works.link.acks()] == [(1, 3)]
    assert works.alarm_codes() == [("store", "")]
    await works.hear([frames[1]])
    assert works.alarm_codes() == []


@pytest.mark.parametrize(
    ("mode", "power_w", "who", "flags", "measured", "failed"),
    [
        ("on", 60_000, Winner.OVERRIDE, 0, True, None),
        ("on", 0, Winner.INTERLOCK, Flag.EARTH_FAULT | Flag.LATCHED, False, "measured"),
        ("boost", 0, Winner.MAINTENANCE, 0, False, "measured"),
        ("on", 0, Winner.OVERRIDE, Flag.CABLE_BROKEN, False, "measured"),
        ("off", 0, Winner.OVERRIDE, 0, True, None),
        ("off", 0, Winner.INTERLOCK, Flag.EARTH_FAULT | Flag.LATCHED, True, None),
        ("off", 60_000, Winner.INTERLOCK, Flag.CONTACTOR_WELDED | Flag.LATCHED, False, "measured"),
    ],
)
async def test_an_override_is_measured_only_where_the_current_says_so(
    works: Works, mode: str, power_w: int, who: Winner, flags: int, measured: bool, failed: str | None
) -> None:
    setup = works.setup
    made = await setup.overrides.request("z01", mode, 60, "ice on the bend", "kim")
    command = works.link.overrides()[-1]
    await works.intake.answered(works.link, ResultFrame(ep=command.ep, q=command.q, rc=0))
    setup.clock.advance(10)
    await works.hear([telemetry(1, sample(power_w=power_w, who=int(who), flags=int(flags)), up=110)])
    await until(lambda: not setup.background._tasks)
    wanted = OverrideState.MEASURED if measured else OverrideState.ACCEPTED
    assert setup.overrides.get(made.id).state is wanted
    view = setup.live.view("z01").override
    assert view is not None
    assert view.failed_step == failed


async def test_a_measured_on_that_a_fault_stops_is_shown_as_stopped(works: Works) -> None:
    setup = works.setup
    made = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    await setup.overrides.advance(made.id, OverrideState.MEASURED)
    setup.clock.advance(10)
    flags = int(Flag.EARTH_FAULT | Flag.LATCHED)
    await works.hear([telemetry(1, sample(power_w=0, who=1, flags=flags), up=110)])
    view = setup.live.view("z01")
    assert view.override is not None
    assert (view.not_heating, view.override.failed_step) == ("earth-fault", "measured")


async def test_with_a_full_disk_boards_are_still_seen_and_an_off_is_still_measured(works: Works) -> None:
    """What cannot be kept is not acknowledged, and shown all the same: "no contact" would be false."""
    setup = works.setup
    await fill(setup.store)
    made = await setup.overrides.request("z01", "off", 60, "cable works", "kim")
    command = works.link.overrides()[-1]
    await works.intake.answered(works.link, ResultFrame(ep=command.ep, q=command.q, rc=0))
    shown, frames = 0, 0
    while True:
        setup.clock.advance(10)
        frames += 1
        frame = telemetry(frames, sample(power_w=0, who=3, dev_wh=frames), up=100 + 10 * frames)
        try:
            await works.hear([frame])
        except StoreError:
            shown += 1
            if shown == 3:
                break
    view = setup.live.view("z01")
    assert (view.online, view.updated_utc_s) == (True, int(setup.clock.utc_s()))
    await until(lambda: not setup.background._tasks)
    assert setup.overrides.get(made.id).state is OverrideState.MEASURED
    kept = sum(len(ack.q) for ack in works.link.acks())
    assert kept == frames - 3
    limit(setup.store, 1_000_000)
    before = works.meter.mean_kw(setup.clock.utc_s())
    await works.hear([frame])  # the board sends it again: kept, and counted once
    assert works.link.acks()[-1].q == (frames,)
    assert works.meter.mean_kw(setup.clock.utc_s()) == before
