"""Prices while their file is missing, broken, old or replaced: the service starts, plans and says what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from supervisor.config import Config, load
from supervisor.config.tests.examples import banded
from supervisor.control.alarms import Alarms
from supervisor.control.degraded import Degradations
from supervisor.control.metrics import Metrics
from supervisor.control.prices import Prices
from supervisor.control.tests.conftest import Setup
from supervisor.control.tests.test_plan_loop import EXAMPLE, Planning
from supervisor.domain.errors import TariffError
from supervisor.domain.plan import PlanLabel
from supervisor.runtime.clock import ManualClock
from supervisor.tariff.configured import configured_tariff
from supervisor.tariff.demand import Demand
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.kind import Tariff

NOW = 1_703_808_000.0  # 29 December 2023, 00:00 UTC


def city(folder: Path, file: str = "prices.csv") -> Config:
    (folder / "weather.csv").touch()
    text = EXAMPLE.read_text()
    begin, end = text.index("[tariff]"), text.index("[planner]")
    (folder / file).touch()
    (folder / "city.toml").write_text(text[:begin] + f'[tariff]\ncurrency = "EUR"\nfile = "{file}"\n\n' + text[end:])
    return load(folder / "city.toml")


def write(path: Path, hours: range, price: float = 100.0) -> None:
    rows = [f"{datetime.fromtimestamp(NOW + 3600 * hour, UTC):%Y-%m-%dT%H:%M:%SZ},{price}" for hour in hours]
    path.write_text("time_utc_start,price_eur_per_mwh\n" + "\n".join(rows) + "\n")
    touched = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(touched, touched))


class Watched:
    def __init__(self, folder: Path, file: str = "prices.csv") -> None:
        self.config = city(folder, file)
        self.path = folder / file
        self.clock = ManualClock(NOW)
        self.alarms = Alarms(self.clock, Metrics())
        self.metrics = Metrics()
        self.degradations = Degradations(self.clock)
        self.prices = self.again()
        self.heard: list[Tariff] = []
        self.prices.changed.append(self.heard.append)

    def again(self) -> Prices:
        return Prices(self.config, self.alarms, self.clock, self.degradations, self.metrics)

    def alarm(self) -> str:
        """The text of the one alarm that stands, or nothing."""
        standing = self.alarms.standing()
        assert len(standing) <= 1
        assert all((alarm.code, alarm.subject) == ("prices", "") for alarm in standing)
        return standing[0].text if standing else ""

    def price(self, hour: int = 0) -> float:
        return float(self.prices.tariff.prices(NOW + 3600.0 * hour, 1)[0])


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


BROKEN: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "empty": lambda path: path.write_bytes(b""),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 99),
    "a page": lambda path: path.write_text("<html>Sign in</html>"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_without_prices_all_hours_cost_the_usual_until_the_file_is_right(watched: Watched, kind: str) -> None:
    BROKEN[kind](watched.path)
    await watched.prices.start()
    assert watched.prices.tariff.prices(NOW, 120).tolist() == [8000.0 / 64] * 120
    assert "one price" in watched.alarm()
    assert "prices.csv" in watched.alarm()
    if watched.path.is_dir():
        watched.path.rmdir()
    write(watched.path, range(48), 80.0)
    await watched.prices.look()
    assert watched.price() == pytest.approx(0.08)
    assert watched.alarm() == ""
    assert len(watched.heard) == 1


async def test_a_broken_new_file_keeps_the_last_good_prices(watched: Watched) -> None:
    write(watched.path, range(48), 80.0)
    await watched.prices.start()
    assert watched.alarm() == ""
    watched.path.write_text("<html>Sign in</html>")
    await watched.prices.look()
    assert watched.price() == pytest.approx(0.08)
    assert "last good prices" in watched.alarm()
    watched.path.unlink()
    await watched.prices.look()
    assert watched.price() == pytest.approx(0.08)
    write(watched.path, range(48), 90.0)
    await watched.prices.look()
    assert watched.price() == pytest.approx(0.09)
    assert watched.alarm() == ""


async def test_prices_that_end_are_repeated_and_said_at_their_end(watched: Watched) -> None:
    write(watched.path, range(24))
    await watched.prices.start()
    watched.clock.advance(24 * 3600 - 1)
    await watched.prices.look()
    assert watched.alarm() == ""
    watched.clock.advance(1)
    await watched.prices.look()
    assert "ended at 2023-12-30T00:00Z" in watched.alarm()
    watched.clock.advance(40 * 86_400)
    await watched.prices.look()
    assert np.isfinite(watched.prices.tariff.prices(watched.clock.utc_s(), 144)).all()
    write(watched.path, range(24 * 40, 24 * 43))
    await watched.prices.look()
    assert watched.alarm() == ""


async def test_prices_that_begin_tomorrow_serve_today(watched: Watched) -> None:
    write(watched.path, range(24, 48))
    await watched.prices.start()
    assert watched.price() == pytest.approx(0.1)
    assert "begin at 2023-12-30T00:00Z" in watched.alarm()
    watched.clock.advance(86_400)
    await watched.prices.look()
    assert watched.alarm() == ""


async def test_a_missing_hour_is_filled_and_said(watched: Watched) -> None:
    write(watched.path, range(48))
    lines = watched.path.read_text().splitlines()
    watched.path.write_text("\n".join([*lines[:24], *lines[25:]]) + "\n")
    await watched.prices.start()
    assert watched.price(23) == pytest.approx(0.1)
    assert "gap before 2023-12-30T00:00Z" in watched.alarm()
    assert "4 quarters filled" in watched.alarm()


async def test_what_the_plan_s_prices_are_made_of_is_counted_and_shown_only_with_trouble(watched: Watched) -> None:
    def parts() -> dict[tuple[str, str], float]:
        return {
            (sample.labels["treatment"], sample.labels["part"]): sample.value
            for metric in watched.metrics.registry.collect()
            if metric.name == "roadheat_price_parts"
            for sample in metric.samples
        }

    write(watched.path, range(24))
    await watched.prices.start()
    assert parts() == {("used", "read"): 96, ("estimated", "held"): 24}
    assert watched.degradations.now() == []  # as every morning: tomorrow's prices come at noon
    lines = watched.path.read_text().splitlines()
    lines[5] = lines[5].rpartition(",")[0] + ",cheap"
    lines[9] = lines[9].rpartition(",")[0] + ",157000"
    write(watched.path, range(0))
    watched.path.write_text("\n".join(lines) + "\n")
    await watched.prices.look()
    assert parts() == {
        ("used", "read"): 88, ("estimated", "filled"): 4, ("dropped", "bounded"): 4, ("estimated", "held"): 24,
        ("dropped", "row"): 1,
    }  # fmt: skip
    assert [(line.code, line.detail) for line in watched.degradations.now()] == [("prices", {"hours": 2})]
    watched.path.unlink()
    await watched.prices.look()
    assert [line.detail["hours"] for line in watched.degradations.now()] == [8]
    write(watched.path, range(48))
    await watched.prices.look()
    assert watched.degradations.now() == []


async def test_prices_in_another_currency_serve_by_their_shape_and_are_said(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    write(watched.path, range(48), 80.0)
    text = watched.path.read_text().replace("price_eur", "price_sek")
    watched.path.write_text(text)
    await watched.prices.start()
    assert watched.price() == pytest.approx(0.08)
    assert "prices in SEK, and tariff.currency is EUR" in watched.alarm()
    assert [line.detail for line in watched.degradations.now()] == [{"hours": 30}]
    with pytest.raises(TariffError, match="prices in SEK"):
        configured_tariff(watched.config)


async def test_a_restart_raises_no_second_alarm_for_the_same_trouble_but_one_for_another(watched: Watched) -> None:
    watched.path.unlink()
    await watched.prices.start()
    changes: list[bool] = []
    watched.alarms.changed.append(lambda alarm: changes.append(alarm.cleared_utc_s is None))
    await watched.again().start()
    assert changes == []
    write(watched.path, range(-48, -24))
    await watched.again().start()
    assert changes == [False, True]
    assert "ended" in watched.alarm()


async def test_a_json_tariff_is_watched_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "tariff.json")
    await watched.prices.start()
    assert "one price" in watched.alarm()
    watched.path.write_text('{"currency":"EUR","bands":[{"name":"a","price_per_kwh":99.0}]}')
    await watched.prices.look()
    assert (watched.price(), watched.alarm()) == (99.0, "")
    watched.path.write_text("[" * 100_000)
    await watched.prices.look()
    assert watched.price() == 99.0
    assert "last good" in watched.alarm()


async def test_what_city_toml_itself_says_of_prices_is_still_refused(tmp_path: Path) -> None:
    (tmp_path / "weather.csv").touch()
    (tmp_path / "city.toml").write_text(banded().replace('["09-12", "16-19"]', '["09-12"]'))
    config = load(tmp_path / "city.toml")
    clock = ManualClock(NOW)
    with pytest.raises(TariffError):
        await Prices(config, Alarms(clock, Metrics()), clock, Degradations(clock), Metrics()).start()


class Failing:
    currency = "KRW"

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = 900) -> np.ndarray:
        raise TariffError("no price for tomorrow", where="tariff.csv")


@pytest.mark.parametrize(
    "tariff",
    [FlatTariff(-0.282, "EUR"), FlatTariff(0.0, "EUR"), FlatTariff(157.0, "EUR"), FlatTariff(0.25, "EUR"), Failing()],
)
@pytest.mark.parametrize("wet", [False, True])
async def test_no_price_decides_whether_a_road_is_heated(
    setup: Setup, tmp_path: Path, tariff: Tariff, wet: bool
) -> None:
    """Without a price of a K·h and with base charges in won: snow is melted, a dry warm road is not."""
    (tmp_path / "weather.csv").touch()
    text = EXAMPLE.read_text().replace("price_per_ice_free_hour", "# ").replace('"KRW"', '"EUR"')
    (tmp_path / "city.toml").write_text(text)
    planning = Planning(setup, load(tmp_path / "city.toml"))
    planning.tariff = tariff
    planning.meter.demand = Demand(price_per_kw=5550.0)
    await planning.forecasts.ask()
    await planning.estimation.start()
    if not wet:
        known = planning.forecasts.latest
        assert known is not None
        member = known.members[0]
        dry, sky = 0.0 * member.precipitation_mm_h, member.longwave_w_m2 + 120
        warm = replace(member, air_c=member.air_c + 25, precipitation_mm_h=dry, longwave_w_m2=sky)
        planning.forecasts.latest = replace(known, members=(warm,))
    await planning.loop.cycle("test")
    heat = [
        sum(slot.duty_permille for slot in zone.plan.slots if slot.duty_permille > 0)
        for zone in setup.live.zones.values() if zone.plan is not None
    ]  # fmt: skip
    assert len(heat) == 3
    assert all(heat) if wet else not any(heat)


async def test_a_tariff_that_fails_stops_no_plan(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "weather.csv").touch()
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    planning = Planning(setup, load(tmp_path / "city.toml"))
    planning.tariff = Failing()
    await planning.forecasts.ask()
    await planning.estimation.start()
    await planning.loop.cycle("test")
    assert planning.labels() == {PlanLabel.OPTIMAL}
    assert setup.alarms.standing() == []
