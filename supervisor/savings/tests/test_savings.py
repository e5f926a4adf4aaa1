"""Savings: a record that a baseline made itself saves nothing; what is not sure is not shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from supervisor import config as configuration
from supervisor.calibration.kept import Kept, keep
from supervisor.cli import main
from supervisor.config.tests.examples import banded
from supervisor.domain.zone import Zone
from supervisor.energy.baselines import BASELINES, Memory, Seen, decide
from supervisor.road import Forcing, Pavement, simulate
from supervisor.savings import cases
from supervisor.savings.cases import Curve
from supervisor.savings.command import NAMES
from supervisor.savings.controllers import Controllers
from supervisor.savings.error import model_errors
from supervisor.savings.replay import AS_SET, MODELS, SHIFTS_K, STEP_S, Recorded, replay, start
from supervisor.store import DATABASE_NAME, database

DAYS, SPIN_UP = 6, 96
MIDDLE, BASE = MODELS.index(0.0), 1 + AS_SET
FROM = int(datetime(2023, 12, 29, 15, tzinfo=UTC).timestamp())  # midnight in Seoul


@given(
    surface_c=st.lists(st.floats(-10, 10), min_size=1, max_size=40),
    wet=st.lists(st.booleans(), min_size=40, max_size=40),
    ahead=st.lists(st.booleans(), min_size=40, max_size=40),
    name=st.sampled_from(NAMES),
    air_off_k=st.floats(-5, 5),
)
def test_controllers_on_arrays_decide_as_each_alone(
    surface_c: list[float], wet: list[bool], ahead: list[bool], name: str, air_off_k: float
) -> None:
    controllers, memory = Controllers(BASELINES[name], np.zeros(1)), Memory()
    for n, surface in enumerate(surface_c):
        seen = Seen(1800.0 * n, surface, wet[n], surface + air_off_k, ahead[n])
        memory, duty = decide(BASELINES[name], memory, seen)
        [many] = controllers.duty(seen.time_s, np.array([surface]), np.array([wet[n]]), seen.air_c, seen.snow_ahead)
        assert many == duty


def test_the_command_offers_every_baseline() -> None:
    assert tuple(BASELINES) == NAMES


def weather(steps: int) -> Forcing:
    """Frosty days with a fall of snow from the third day's evening, 1.5 mm/h for 6 h."""
    hours = np.arange(steps)[:, None] / 4.0
    air = -3.0 - 3.0 * np.cos(2 * np.pi * (hours - 3) / 24)
    snow = np.where((hours >= 66) & (hours < 72), 1.5, 0.0)
    same = np.zeros_like(air)
    sun = 250.0 * np.maximum(0.0, np.sin(2 * np.pi * (hours - 6) / 24))
    return Forcing(air, air - 3.0, same + 2.0, sun, same + 250.0, same, snow)


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Zone, ...]:
    path = tmp_path_factory.mktemp("city") / "city.toml"
    path.write_text(banded())
    (path.parent / "weather.csv").write_text("time_utc\n")
    return tuple(configuration.load(path).zone[:2])


def made(zones: tuple[Zone, ...], wh: np.ndarray, forcing: Forcing, *, warmer_k: float = 0.0) -> Recorded:
    """A record of roads that behave as modelled, with sensors that show `warmer_k` too much."""
    pavements = tuple(Pavement.from_zone(zone) for zone in zones)
    empty = Recorded(zones, pavements, wh, np.full(wh.shape, np.nan), SPIN_UP)
    roads, state = start(pavements, forcing)
    shown, _ = simulate(roads, state, forcing, empty.heat_w_m2, STEP_S)
    return Recorded(zones, pavements, wh, shown.surface_c + warmer_k, SPIN_UP)


@pytest.fixture(scope="module")
def by_baseline(zones: tuple[Zone, ...]) -> tuple[Recorded, Forcing]:
    """A record as the reactive controller made it."""
    forcing = weather(96 * DAYS)
    idle = made(zones, np.zeros((forcing.steps, len(zones)), dtype=np.int64), forcing)
    first = replay(idle, forcing, BASELINES["reactive"], np.zeros(len(zones)))
    full = np.array([round(zone.power_w / 4) for zone in zones])
    wh = np.zeros((forcing.steps, len(zones)), dtype=np.int64)
    wh[SPIN_UP:] = first.on[MIDDLE, BASE] * full
    assert wh.sum() > 0
    assert idle.wh.sum() == 0
    return made(zones, wh, forcing), forcing


def test_a_record_made_by_the_baseline_saves_nothing(by_baseline: tuple[Recorded, Forcing]) -> None:
    recorded, forcing = by_baseline
    found = replay(recorded, forcing, BASELINES["reactive"], np.zeros(2))
    full = np.array([round(zone.power_w / 4) for zone in recorded.zones])
    assert (found.on[MIDDLE, BASE] * full == recorded.wh[SPIN_UP:]).all()
    assert (found.ice_minutes(MIDDLE, 0) == found.ice_minutes(MIDDLE, BASE)).all()
    assert found.ice_minutes(MIDDLE, 0).max() > 0


def test_a_higher_threshold_costs_more_and_leaves_less_ice(by_baseline: tuple[Recorded, Forcing]) -> None:
    found = replay(*by_baseline, BASELINES["thermostat"], np.zeros(2))
    energy = [found.on[MIDDLE, 1 + n].sum() for n in range(len(SHIFTS_K))]
    ice = [found.ice_minutes(MIDDLE, 1 + n).sum() for n in range(len(SHIFTS_K))]
    assert energy == sorted(energy)
    assert ice == sorted(ice, reverse=True)
    assert energy[0] < energy[-1]


def test_roads_that_lose_more_heat_make_the_baseline_heat_more(by_baseline: tuple[Recorded, Forcing]) -> None:
    found = replay(*by_baseline, BASELINES["thermostat"], np.full(2, 20.0))
    low, middle, high = (int(found.on[model, BASE].sum()) for model in range(len(MODELS)))
    assert low > middle > high
    alike = replay(*by_baseline, BASELINES["thermostat"], np.zeros(2))
    assert (alike.on[0] == alike.on[-1]).all()


def test_the_error_of_a_model_is_heat(zones: tuple[Zone, ...]) -> None:
    """The road itself needs no other heat; one that is measured warmer would need more than it got."""
    forcing = weather(96 * DAYS)
    wh = np.full((forcing.steps, len(zones)), 10_000, dtype=np.int64)
    for one in model_errors(made(zones, wh, forcing), forcing):
        assert one.hours > 24
        assert abs(one.nmbe or 1) < 0.02
        assert one.within_guideline
    for one in model_errors(made(zones, wh, forcing, warmer_k=3.0), forcing):
        assert one.nmbe is not None
        assert one.nmbe < -0.1
        assert not one.within_guideline


def test_too_few_heated_hours_say_nothing(zones: tuple[Zone, ...]) -> None:
    forcing = weather(96 * 2)
    wh = np.zeros((forcing.steps, len(zones)), dtype=np.int64)
    wh[100:140] = 10_000
    assert [(one.hours, one.sigma_w_m2) for one in model_errors(made(zones, wh, forcing), forcing)] == [(10, None)] * 2


def curve(cost: float, ice_min: float, more: float = 0.0) -> Curve:
    return Curve(cost, ice_min, (60 + more, 100 + more, 140 + more), (90.0, 50.0, 10.0))


def test_three_cases() -> None:
    curves = [curve(80, 30, more) for more in (-4.0, 0.0, 4.0)]
    cost, ice = cases.as_done(curves, 1)
    assert (cost.value, cost.low, cost.high) == (20.0, 16.0, 24.0)
    assert (ice.value, ice.low, ice.high) == (20.0, 20.0, 20.0)
    assert cases.same_ice(curves).value == pytest.approx(120 - 80)  # the baseline at 30 min costs 120
    assert cases.same_money(curves).value == pytest.approx(70 - 30)  # at 80 it has 70 min


def test_what_is_not_sure_is_not_shown_and_why() -> None:
    unsure = cases.as_done([curve(80, 30, more) for more in (-15.0, 0.0, 15.0)], 1)[0]
    assert (unsure.value, unsure.low, unsure.high) == (None, 5.0, 35.0)
    assert "uncertainty" in unsure.why
    assert cases.same_ice([curve(80, 5)] * 3) == cases.OUT_OF_REACH
    assert cases.shown([0.0, 0.0, 0.0]).value == 0.0


@pytest.fixture
def city(tmp_path: Path, by_baseline: tuple[Recorded, Forcing]) -> Path:
    """The same record in a database, and the weather as a station's file; the first day is before the period."""
    recorded, forcing = by_baseline
    path = tmp_path / "city.toml"
    path.write_text(banded())
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "state").mkdir()
    db = database.connect(tmp_path / "state" / DATABASE_NAME)
    database.migrate(db)
    for n, zone in enumerate(recorded.zones):
        for hour in range(24 * DAYS):
            rows = slice(4 * hour, 4 * hour + 4)
            mean_mc = round(1000 * recorded.surface_c[rows, n].mean())
            db.execute(
                "INSERT INTO zone_1h (start_utc_s, zone, wh0, wh1, wh2, wh3, on_s, covered_s, surface_mc_s, surface_s, "
                "surface_min_mc) VALUES (?, ?, ?, ?, ?, ?, 0, 3600, ?, 3600, ?)",
                (FROM + 3600 * hour, zone.id, *recorded.wh[rows, n].tolist(), mean_mc * 3600, mean_mc),
            )
    db.commit()
    db.close()
    lines = [
        "time_utc,air_temperature_degC,dew_point_degC,wind_speed_m_s,shortwave_down_W_m2,cloud_fraction,"
        "precipitation_mm_h,snowfall_fraction"
    ]
    for hour in range(24 * DAYS + 2):
        row = min(4 * hour, forcing.steps - 1)
        air, snow = float(forcing.air_c[row, 0]), float(forcing.snow_mm_h[max(0, row - 4), 0])
        sun, end = float(forcing.shortwave_w_m2[row, 0]), datetime.fromtimestamp(FROM + 3600 * hour, UTC)
        lines.append(f"{end:%Y-%m-%dT%H:%M:%SZ},{air:.2f},{air - 3:.2f},2,{sun:.1f},0.5,{snow},1")
    (tmp_path / "station.csv").write_text("\n".join(lines) + "\n")
    return path


def run(city: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["savings", "--config", str(city), *arguments], env={"COLUMNS": "200"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, " ".join(done.output.split())


PERIOD = ("--from", "2023-12-31", "--to", "2024-01-05")


def test_the_command_shows_three_cases_model_error_and_minutes_to_clear(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "savings.json"
    station = ("--weather", str(city.parent / "station.csv"))
    code, said = run(city, *PERIOD, *station, "--baseline", "thermostat", "--json", str(out))
    assert code == 0, said
    for words in ("thermostat", "IPMVP option D", "68 % interval", "same money", "same ice", "generic road"):
        assert words in said
    found: dict[str, Any] = json.loads(out.read_text())
    assert {row["zone"] for row in found["zones"]} == {"z01", "z02"}
    assert all(row["baseline_kwh"] > row["kwh"] > 0 for row in found["zones"])
    [storm] = found["storms"]
    assert storm["longest_min"] is not None
    assert storm["longest_min"] >= storm["median_min"] >= 0
    code, said = run(city, *PERIOD, *station, "--clear-within-min", "0", "--json", str(out))
    late = json.loads(out.read_text())["storms"][0]["late"]
    assert set(late) == {"z01", "z02"}
    assert "beyond 0 min: z01, z02" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (PERIOD, "no weather of this period is on record"),
        (("--from", "2022-12-31", "--to", "2023-01-02"), "no weather of this period"),
        (("--from", "2024-01-05", "--to", "2024-01-01"), "the period is empty"),
        ((*PERIOD, "--baseline", "none"), "is not one of"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(city: Path, options: tuple[str, ...], words: str) -> None:
    code, said = run(city, *options)
    assert (code, words in said) == (2, True), said


def test_weather_that_does_not_reach_is_a_sentence(city: Path) -> None:
    code, said = run(city, "--from", "2023-12-31", "--to", "2024-02-01", "--weather", str(city.parent / "station.csv"))
    assert (code, "does not cover" in said) == (2, True), said


def test_a_calibrated_road_is_replayed_as_calibrated(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "savings.json"
    asked = (*PERIOD, "--weather", str(city.parent / "station.csv"), "--baseline", "thermostat", "--json", str(out))
    assert run(city, *asked)[0] == 0
    generic, other = json.loads(out.read_text())["zones"]
    bright = Kept("z01", "", "", "", "", 9, 1.0, 0.5, 0.6, 0.0, {"albedo": 0.35}, {}, [])
    keep(city.parent / "state", bright)
    code, said = run(city, *asked)
    found, same = json.loads(out.read_text())["zones"]
    assert (code, found["calibrated"], generic["calibrated"]) == (0, True, False)
    assert found["baseline_kwh"] > generic["baseline_kwh"], "less sun is absorbed"
    assert same == other
    assert "not calibrated: z02;" in said
