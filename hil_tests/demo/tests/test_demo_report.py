"""The demo's figures and report from hand-made minutes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hil_tests.demo.page import write_html
from hil_tests.demo.record import Run, figures
from hil_tests.demo.run import built_in_storm, overrides_on_record, write_demo_city
from hil_tests.demo.story import Story, write_json
from hil_tests.demo.text import print_text
from supervisor.config import load
from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.domain.zone import Feeder, Layer, Zone
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, commands
from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import design_storm

START = 1_703_862_000.0  # 2023-12-29T15:00Z


def run(label: str, power_w: float, lying_mm: float, minutes: int = 30) -> Run:
    zones = tuple(
        Zone(
            id=f"z0{n}",
            name=f"Slope {n}",
            board="b01",
            relay=n,
            feeder="f1",
            power_w=60_000,
            area_m2=200.0,
            layers=(Layer("asphalt", 0.1),),
        )
        for n in (1, 2)
    )
    filled = Run(label, zones, (Feeder("f1", contract_kw=100.0, breaker_kw=120.0, demand_price_per_kw=10.0),), START)
    for _ in range(minutes):
        wh = power_w / 60.0
        filled.add_minute(
            np.array([1.0, -1.0]), np.array([0.0, lying_mm]), np.array([wh, 0.0]), np.array([power_w / 1e3])
        )
    return filled


def test_figures_sum_energy_ice_and_peak() -> None:
    result = figures(run("plan", 60_000, 0.1), FlatTariff(100.0, "KRW"))
    assert result.zones["z01"]["kwh"] == pytest.approx(30.0)
    assert result.zones["z01"]["cost"] == pytest.approx(3000.0)
    assert result.zones["z02"]["ice_minutes"] == 30
    assert result.peak_kw == pytest.approx(60.0)
    assert result.demand_cost == pytest.approx(600.0)
    assert result.feeder_cap_violations == 0


def test_figures_count_quarter_hours_over_contract_and_minutes_over_breaker() -> None:
    over_contract = figures(run("reactive", 110_000, 0.0), FlatTariff(1.0, "KRW"))
    assert over_contract.feeder_cap_violations == 2
    over_both = figures(run("reactive", 130_000, 0.0), FlatTariff(1.0, "KRW"))
    assert over_both.feeder_cap_violations == 2 + 30


def command(number: int, zone: str, state: OverrideState) -> Override:
    return Override(
        id=number,
        zone=zone,
        mode=OverrideMode.ON,
        reason="ice <here>",
        user="kim",
        created_utc_s=int(START) + 60,
        expires_utc_s=int(START) + 360,
        state=state,
    )


def story(minutes: int = 7, *, finished: bool = False) -> Story:
    plan, reactive = run("plan", 30_000, 0.0, minutes), run("reactive", 60_000, 0.5, minutes)
    tariff = FlatTariff(100_000.0, "KRW")
    return Story(
        title="Design storm <&>",
        timezone="Asia/Seoul",
        currency="KRW",
        weather=design_storm(START, 2.0),
        plan=plan,
        reactive=reactive,
        plan_figures=figures(plan, tariff),
        reactive_figures=figures(reactive, tariff),
        speed={"simulated_s": 420.0, "wall_s": 0.5, "ratio": 840.0},
        metered_kwh=3.5,
        drawn_kwh=3.5,
        seed=1,
        violations=["I3 z01 rose after 120 s off"],
        overrides=[command(1, "z02", OverrideState.EXPIRED)],
        finished=finished,
    )


def text(told: Story, width: int) -> list[str]:
    screen = io.StringIO()
    print_text(told, Console(file=screen, width=width))
    return screen.getvalue().splitlines()


def test_an_interrupted_run_still_reports(tmp_path: Path) -> None:
    told = story()
    write_json(told, tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["from"] == "2023-12-29T15:00:00Z"
    assert written["reactive"]["zones"]["z02"]["ice_minutes"] == 7
    assert written["overrides"][0]["reason"] == "ice <here>"
    write_html(told, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Design storm &lt;&amp;&gt; (stopped early)" in page
    assert page.count("<svg") == 5
    assert "I3 z01" in page
    assert "ice &lt;here&gt;" in page
    lines = text(told, 140)
    assert any("stopped early" in line for line in lines)
    assert any("I3 z01" in line for line in lines)
    assert any("z02 ON by kim, Sat 00:01 to Sat 00:06, “ice <here>”: expired" in line for line in lines)


def test_no_run_is_too_short_for_a_page(tmp_path: Path) -> None:
    write_html(story(1), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(("width", "name"), [(80, "z01 Slope 1"), (50, "z01 ")])
def test_the_table_is_whole_on_every_terminal(width: int, name: str) -> None:
    lines = text(story(), width)
    table = lines[lines.index(next(line for line in lines if line.startswith("road"))) - 1 :]
    table = table[: next(i for i, line in enumerate(table) if line.startswith("all")) + 1]
    assert not any("…" in line for line in table)
    assert any(line.startswith(name) for line in table)
    assert len({len(line) for line in table[1:]}) == 1
    assert max(map(len, table)) <= width
    assert table[-1].split()[-2:] == ["350", "700"]  # 3.5 and 7 kWh at 100,000 KRW, in thousands


async def test_what_people_did_is_told_in_their_order(tmp_path: Path) -> None:
    config = load(write_demo_city(tmp_path, built_in_storm(1, hours=1.0)))
    config.state_dir.mkdir()
    store = Store.open(config.state_dir / DATABASE_NAME, ManualClock(START))
    said = [command(1, "z02", OverrideState.CANCELLED), command(2, "z01", OverrideState.MEASURED)]
    for one in said:
        await store.write(lambda db, one=one: commands.add_override(db, one))
    assert overrides_on_record(config) == said
    await store.close()
