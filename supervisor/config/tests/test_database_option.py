"""`roadheat serve --database`: it takes the place of the address, the district stays, and no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec import structs

from supervisor.cli import main
from supervisor.config import Config, load
from supervisor.config.database_rules import with_database
from supervisor.domain.errors import CommandError

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
THERE = "postgresql://roadheat@db.city/roadheat"


def example(folder: Path, more: str = "") -> Config:
    (folder / "city.toml").write_text(EXAMPLE.read_text() + more)
    return load(folder / "city.toml", without_data=True)


def test_the_district_is_the_configured_one_or_the_sites(tmp_path: Path) -> None:
    config = example(tmp_path, '\n[database]\naddress = "postgresql://elsewhere/r"\ndistrict = "north"\n')
    moved = with_database(config, THERE).database
    assert moved is not None
    assert (moved.address, moved.district) == (THERE, "north")
    plain = example(tmp_path)
    named = structs.replace(plain, site=structs.replace(plain.site, name="seongbuk"))
    assert with_database(named, THERE).database.district == "seongbuk"  # type: ignore[union-attr]
    korean = structs.replace(plain, site=structs.replace(plain.site, name="성북구"))
    with pytest.raises(CommandError, match="cannot name a district"):
        with_database(korean, THERE)


@pytest.mark.parametrize("command", ["serve --database ADDRESS", "store copy ADDRESS"])
def test_a_password_is_refused_and_not_shown(tmp_path: Path, command: str) -> None:
    config = example(tmp_path)
    words = command.replace("ADDRESS", "postgresql://roadheat:hush-hush@db.city/roadheat").split()
    done = CliRunner().invoke(main, [*words, "--config", str(config.path)])
    assert done.exit_code == 2
    assert "contains a password" in done.output
    assert "hush-hush" not in done.output


def test_a_wrong_table_is_found_by_check_config(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text(
        EXAMPLE.read_text() + '\n[database]\naddress = "postgresql://u:hush-hush@h/d"\ndistrict = "North 1"\n'
    )
    done = CliRunner().invoke(main, ["check-config", str(tmp_path / "city.toml")])
    assert done.exit_code == 1
    assert "database.address" in done.output
    assert "database.district" in done.output
    assert "hush-hush" not in done.output
