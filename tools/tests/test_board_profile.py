"""One board profile: the firmware's check, provisioning, the rules of city.toml and the docs say the same."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.rh import check as board_check
from firmware.rh import config as board_records
from supervisor.config import load, read
from supervisor.config.limit_rules import find_limit_problems
from supervisor.config.source import Source
from supervisor.domain.board_profile import PATH, PROFILE, Limits
from supervisor.domain.errors import ConfigError
from supervisor.wire.messages import FRAME_ZONES_MAX
from tools.provision import AS_WRITTEN, LIMITS, board_config, board_limits, provision

BOUNDS = {name: bounds for name, bounds in PROFILE.limits.items() if name != "v"}
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "weather.csv").write_text("time_utc\n")
    return Path(shutil.copy(DOCS / "examples" / "city.toml", tmp_path / "city.toml"))


def _rows(page: str) -> list[list[str]]:
    lines = (DOCS / page).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_records_of_limits_have_the_profiles_names() -> None:
    names = list(PROFILE.limits)
    assert names == ["v", *(field.name for field in msgspec.structs.fields(Limits))]
    assert names[1:] == [name for name in board_records.Limits.__annotations__ if name != "zones"]
    assert {*PROFILE.optional, *PROFILE.zone_limits} <= {*names}


def test_defaults_are_within_their_bounds() -> None:
    for name, (least, most, default) in PROFILE.limits.items():
        assert least <= default <= most, name


def test_each_zone_of_a_full_board_has_pins_of_its_own_and_fits_a_frame() -> None:
    pins = [pin for slot in PROFILE.slots for pin in (slot.relay_pin, slot.moist_pin, slot.ct_pin)] + [PROFILE.ow_pin]
    assert len(pins) == len({*pins})
    assert max(pins) <= PROFILE.pin_max
    assert PROFILE.zones_max <= len(PROFILE.slots)
    assert PROFILE.zones_max <= FRAME_ZONES_MAX


@pytest.mark.parametrize("relay", range(1, 10))
def test_check_config_passes_a_relay_if_and_only_if_it_can_be_provisioned(city: Path, relay: int) -> None:
    text = city.read_text().replace('board = "b01"\nrelay = 1', f'board = "b01"\nrelay = {relay}')
    city.write_text(text)
    config, problems = read(city)
    assert config is not None
    try:
        made = board_config(config, "b01", {})
    except ConfigError:
        assert [problem.where.partition(": ")[2] for problem in problems] == [f"zone[1].relay = {relay}"]
    else:
        assert not problems
        assert {z["relay_pin"] for z in made["zones"]} <= {slot.relay_pin for slot in PROFILE.slots}


def test_pins_and_zones_in_the_docs() -> None:
    rows = {row[0]: row[1] for row in _rows("hardware.md")}
    for label, name in (("relay outputs", "relay_pin"), ("moisture", "moist_pin"), ("current", "ct_pin")):
        (cell,) = [cell for key, cell in rows.items() if key.startswith(label)]
        assert [int(pin) for pin in re.findall(r"\d+", cell)] == [getattr(slot, name) for slot in PROFILE.slots]
    assert rows["1-Wire bus"] == f"GPIO {PROFILE.ow_pin}"
    assert f"up to {PROFILE.zones_max} zones" in (DOCS / "hardware.md").read_text()
    assert f"that board's relay, 0 to {len(PROFILE.slots) - 1} |" in (DOCS / "configuration.md").read_text()


def test_limits_in_the_docs() -> None:
    rows = {row[0].strip("`"): row[2:4] for row in _rows("hardware.md") if row[1] in ("m°C", "s", "‰", "mA")}
    expected = {name: [f"{low}…{high}", str(default)] for name, (low, high, default) in PROFILE.limits.items()}
    assert rows == {name: row for name, row in expected.items() if name != "v"}
    said: dict[str, int] = {}
    for row in _rows("configuration.md"):
        names = re.findall(r"`(\w+)`", row[0])
        if names and {*names} <= {*PROFILE.limits}:
            said |= dict(zip(names, map(int, row[2].split(", ")), strict=True))
    assert said == msgspec.structs.asdict(Limits())
    (own,) = re.findall(r"A zone may have its own (.+?);", (DOCS / "hardware.md").read_text(), re.DOTALL)
    assert re.findall(r"`(\w+)`", own) == list(PROFILE.zone_limits)


def test_a_zone_has_its_own_limits_before_those_of_the_city(city: Path) -> None:
    text = city.read_text().replace("[planner]", "[limits]\nt_max_mc = 12000\noverride_max_s = 7200\n[planner]", 1)
    city.write_text(text.replace("priority = 1\nlayers", "priority = 1\nlimits = { t_max_mc = 9000 }\nlayers", 1))
    config = load(city)
    assert [zone.limits.t_max_mc for zone in config.zone[:2]] == [9000, 12000]
    assert config.zone[0].limits.cable_max_mc == 80_000
    assert {zone.longest_override_min for zone in config.zone} == {120}


def test_the_file_is_small_for_the_chip() -> None:
    assert PATH.stat().st_size <= 1500


def test_a_zones_limits_are_provisioned_by_zone(city: Path) -> None:
    text = city.read_text().replace("[planner]", "[limits]\nt_max_mc = 12000\n[planner]", 1)
    city.write_text(text.replace("priority = 1\nlayers", "priority = 1\nlimits = { cable_max_mc = 60000 }\nlayers", 1))
    config = load(city)
    assert board_limits(config, "b01") == {**LIMITS, "t_max_mc": 12_000, "zones": {"z01": {"cable_max_mc": 60_000}}}
    assert board_limits(config, "b02") == {**LIMITS, "t_max_mc": 12_000}


def test_an_edited_limit_is_kept_and_told_until_the_city_says_the_same(city: Path) -> None:
    said: list[str] = []
    path = provision(load(city), "b01", tell=said.append) / "limits.json"
    provision(load(city), "b01", tell=said.append)
    assert said == []
    path.write_text(json.dumps({**LIMITS, "t_max_mc": 9000, "local_duty_permille": 500}))
    city.write_text(city.read_text().replace("[planner]", "[limits]\nlockout_mc = 5000\n[planner]", 1))
    for _ in range(2):
        said.clear()
        provision(load(city), "b01", tell=said.append)
        kept = {**LIMITS, "lockout_mc": 5000, "t_max_mc": 9000, "local_duty_permille": 500}
        assert json.loads(path.read_text()) == kept
        assert len(said) == 2
        assert "t_max_mc = 9000" in said[1]
        assert "15000" in said[1]
        assert "--reset-limits" in said[1]
    city.write_text(city.read_text().replace("[limits]", "[limits]\nt_max_mc = 9000\nlocal_duty_permille = 500", 1))
    said.clear()
    provision(load(city), "b01", tell=said.append)
    assert said == []
    provision(load(city), "b01", reset_limits=True)
    assert json.loads(path.read_text()) == kept


def test_reset_limits_overwrites_an_edit_and_what_cannot_be_read(city: Path) -> None:
    path = provision(load(city), "b01") / "limits.json"
    for text in (json.dumps({**LIMITS, "t_max_mc": 9000}), "{", "[]"):
        path.write_text(text)
        if text in ("{", "[]"):
            with pytest.raises(ConfigError, match="reset-limits"):
                provision(load(city), "b01")
        provision(load(city), "b01", reset_limits=True)
        assert json.loads(path.read_text()) == LIMITS


def test_limits_of_earlier_releases_are_no_edits(city: Path) -> None:
    said: list[str] = []
    path = provision(load(city), "b01") / "limits.json"
    (path.parent / AS_WRITTEN).unlink()
    path.write_text(json.dumps({**LIMITS, "period_s": 1200}))
    provision(load(city), "b01", tell=said.append)
    assert (json.loads(path.read_text()), said) == (LIMITS, [])


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {}, optional={name: st.integers(low - 1, high + 1) for name, (low, high, _) in BOUNDS.items()}
    )
)
def test_limits_pass_the_rules_if_and_only_if_a_board_takes_them_as_they_are(changed: dict[str, int]) -> None:
    limits = Limits(**changed)
    wanted = {"v": 1, **msgspec.structs.asdict(limits)}
    problems = list(find_limit_problems(limits, Source(Path("city.toml"), "", {})))
    try:
        made = board_check.limits(wanted)
    except board_check.ConfigError:
        assert problems
    else:
        lowered = {name for name in BOUNDS if getattr(made, name) != wanted[name]}
        assert bool(problems) == bool(lowered or limits.period_s % 30)


def test_what_check_config_passes_a_board_takes_as_it_is(city: Path) -> None:
    for line in ("period_s = 1200", "power_return_max_s = 300", "local_duty_permille = 500", "min_off_s = 600"):
        text = (DOCS / "examples" / "city.toml").read_text()
        city.write_text(text.replace("[planner]", f"[limits]\n{line}\n[planner]", 1))
        config, problems = read(city)
        assert not problems
        assert config is not None
        wanted = board_limits(config, "b01")
        made = board_check.limits(wanted)
        assert {name: getattr(made, name) for name in wanted if name != "v"} == {
            name: value for name, value in wanted.items() if name != "v"
        }
