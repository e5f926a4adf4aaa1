"""Questions that cannot be answered get one sentence and status 2, whatever the command."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.energy.tests.billing import add_hours, make_city
from supervisor.store import DATABASE_NAME

REVERSED = ("--from", "2024-01-01", "--to", "2023-12-01")
FUTURE = ("--from", "2099-01-01", "--to", "2099-02-01")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = make_city(tmp_path)
    add_hours(path, "z01", [("2023-12-05T11:00", 60)])
    return path


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("energy", *REVERSED), "the period is empty"),
        (("energy", "storms", *REVERSED), "the period is empty"),
        (("energy", "correct", "list", *REVERSED), "the period is empty"),
        (("savings", *REVERSED), "the period is empty"),
        (("energy", *FUTURE), "in the future"),
        (("energy", "report", "--month", "2099-01", "--output", "r.html"), "in the future"),
        (("energy", "report", "--season", "2098-99", "--output", "r.html"), "in the future"),
        (("energy", "bill", "--month", "2099-01"), "no record of this month"),
        (("energy", "bill", "--month", "0001-01"), "outside the years"),
        (("energy", "bill", "--month", "9999-12"), "outside the years"),
        (("energy", "report", "--month", "0001-01", "--output", "r.html"), "outside the years"),
        (("energy", "--from", "0001-01-01", "--to", "2023-12-02"), "outside the years"),
        (("energy", "--from", "2023-02-29", "--to", "2023-03-01"), "not a date"),
        (("energy", "--from", "2023-12-01T00:07", "--to", "2023-12-02"), "not a quarter of an hour"),
    ],
)
def test_with_a_configuration(city: Path, command: tuple[str, ...], message: str, tmp_path: Path) -> None:
    named = [str(tmp_path / one) if one == "r.html" else one for one in command]
    at = 1 if command[0] == "savings" else next((n for n, one in enumerate(named) if one.startswith("--")), 1)
    assert message in refused(*named[:at], "--config", str(city), *named[at:])
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("content", [None, b""])
def test_a_folder_without_a_record(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / DATABASE_NAME).write_bytes(content)
    said = refused("energy", "--state", str(tmp_path), "--from", "2023-12-01", "--to", "2023-12-02")
    assert ("no database" if content is None else "an empty database") in said
