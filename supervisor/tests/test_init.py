"""`roadheat init`: what it writes passes check-config and runs; what it refuses leaves nothing behind."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from supervisor.check import explain
from supervisor.cli import main
from supervisor.config import load
from supervisor.tests.test_service import client, service

FLAGS = {
    "--name": '성북 "A"', "--timezone": "Asia/Seoul", "--latitude": "37.59", "--longitude": "127.02",
    "--elevation-m": "60", "--roads": "11", "--roads-per-board": "2", "--area-m2": "200", "--w-per-m2": "300",
    "--price-per-kwh": "120", "--currency": "KRW",
}  # fmt: skip


def run(folder: Path, answers: str | None = None, **changes: str) -> Result:
    flags = FLAGS | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    flat = [part for pair in flags.items() for part in pair] if answers is None else []
    return CliRunner().invoke(main, ["init", str(folder), *flat], input=answers, env={"COLUMNS": "300"})


async def test_a_service_starts_on_what_it_writes(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "city"
    result = run(folder)
    assert result.exit_code == 0, result.output
    path = folder / "city.toml"
    config = load(path)
    assert explain(config)[0] == ()
    assert config.site.name == FLAGS["--name"]
    assert (len(config.zone), len(config.board), len(config.feeder)) == (11, 6, 2)
    assert stat.S_IMODE(config.state_dir.stat().st_mode) == 0o700
    assert all(config.board_key_path(board.id).exists() for board in config.board)
    key = config.board_key_path("b01").read_bytes()
    # No forecast in a test: the weather is a file that is missing, with which the service starts too.
    text = path.read_text().replace('provider = "open-meteo"', 'provider = "file"\nfile = "weather.csv"')
    path.write_text(text.replace(":8443", ":0").replace(":8080", ":0"))
    async with service(load(path, without_data=True)) as started, client() as http:
        async with http.get(f"{started.web_url}/healthz") as answer:
            assert answer.status == 200
        assert started.admin_link
    assert config.board_key_path("b01").read_bytes() == key


def test_it_asks_for_what_no_option_gives(tmp_path: Path) -> None:
    result = run(tmp_path, "north\n\n95\n37.5\n127\n60\n4\n\n\n\n110.5\n\n")
    assert result.exit_code == 0, result.output
    assert "95" in result.output
    config = load(tmp_path / "city.toml")
    assert (config.site.name, len(config.zone), len(config.board)) == ("north", 4, 2)


REFUSED = (
    ({"timezone": "Asia/Soul"}, 2, "unknown time zone"),
    ({"name": "a\tb"}, 2, "site.name"),
    ({"w_per_m2": "1e9"}, 2, "--w-per-m2"),
    ({"currency": "!"}, 2, "currency"),
)


@pytest.mark.parametrize(("changes", "status", "said"), REFUSED)
def test_refused_values_leave_nothing(tmp_path: Path, changes: dict[str, str], status: int, said: str) -> None:
    result = run(tmp_path, **changes)
    assert result.exit_code == status
    assert said in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_an_existing_configuration_stays(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text("mine")
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "exists already" in result.output
    assert (tmp_path / "city.toml").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "city")
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert "file" in result.output
