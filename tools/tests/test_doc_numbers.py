"""Numbers of the documentation that are constants of the code."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from hil_tests.bench.bench import DIAL_QUANTUM_MS, QUANTUM_MS
from supervisor.config import load
from supervisor.control.demand_guard import LOOK_EACH_S
from supervisor.planner import pipeline, plans, stability
from supervisor.planner.contract import HEADROOM
from supervisor.planner.inputs import PlanSettings
from supervisor.planner.solve import fleet
from supervisor.store.access import SESSIONS_MAX
from supervisor.web.login import FAILURES_MAX, WINDOW_S
from supervisor.web.session import TOKEN_BYTES
from supervisor.web.sessions import SESSION_MAX_S, SESSION_S
from tools.provision import board_config
from tools.tests.doc_files import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "city.toml"


DAY_S = 24 * 3600


def page(name: str) -> str:
    """Text of a page, every run of white space as one space."""
    return re.sub(r"\s+", " ", (ROOT / "docs" / name).read_text(encoding="utf-8"))


def test_numbers_of_the_planner_page_are_those_of_the_code() -> None:
    settings = PlanSettings()
    expected = (
        f"within {fleet.GOOD_GAP:.2%}".replace("%", " %") + " together",
        f"not within {fleet.TO_EXACT_GAP:.0%}".replace("%", " %"),
        f"batches of {'a hundred' if fleet.BATCH_ZONES == 100 else fleet.BATCH_ZONES} zones",
        f"below {pipeline.FLEET_ZONES} zones exactly",
        f"gains more than {100 * stability.WORTH_CHANGING:g} % and more than {stability.WORTH_CHANGING_FLAT:g} units",
        f"at most {plans.MAX_RUNS} runs",
        f"less {HEADROOM:.0%}".replace("%", " %"),
        f"every {LOOK_EACH_S:g} s",
        f"about {settings.road_error_k:g} K",
        f"{settings.standby_on_c:g} °C (released at {settings.standby_off_c:g} °C)",
        f"with {settings.standby_after_run_s / 60:g} min of after-run",
    )
    text = page("planner.md")
    assert not [words for words in expected if words not in text]


def test_limits_of_signing_in_are_those_of_the_operator_s_page() -> None:
    expected = (
        f"lives for {SESSION_S // DAY_S} days after its last use and for {SESSION_MAX_S // DAY_S} days at most",
        f"has {SESSIONS_MAX} sessions at most",
        f"({TOKEN_BYTES * 8} bits)",
        f"After {FAILURES_MAX} wrong ones from one address within {WINDOW_S / 60:g} minutes",
    )
    text = page("operator.md")
    assert not [words for words in expected if words not in text]


def test_the_code_of_the_fleet_solver_names_its_own_gap() -> None:
    assert "0.4 %" not in Path(fleet.__file__).read_text(encoding="utf-8")


def test_steps_of_the_emulation_page_are_those_of_the_bench() -> None:
    steps = f"steps of {QUANTUM_MS // 1000} s ({DIAL_QUANTUM_MS // 1000} s while a board connects)"
    assert steps in page("emulation.md")


def test_pins_of_the_hardware_page_are_those_of_provisioning(tmp_path: Path) -> None:
    city = tmp_path / "city.toml"
    city.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    config = load(city, without_data=True)
    three = tuple(msgspec.structs.replace(config.zone[i], board="b01", relay=i) for i in range(3))
    made = board_config(msgspec.structs.replace(config, zone=three), "b01", {})
    text = page("hardware.md")
    rows = (("relay outputs 0, 1, 2", "relay_pin"), ("moisture of relay 0, 1, 2", "moist_pin"))
    for name, key in (*rows, ("current of relay 0, 1, 2", "ct_pin")):
        pins = ", ".join(str(zone[key]) for zone in made["zones"])
        assert f"| {name} | GPIO {pins} |" in text
    assert f"| 1-Wire bus | GPIO {made['ow_pin']} |" in text
