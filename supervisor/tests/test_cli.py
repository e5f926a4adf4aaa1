from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config.tests.examples import banded
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import write_weather_csv


@pytest.fixture
def city(tmp_path: Path) -> Path:
    write_weather_csv(tmp_path / "weather.csv", design_storm(1_703_808_000.0))
    (tmp_path / "city.toml").write_text(banded())
    return tmp_path / "city.toml"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments), env={"COLUMNS": "200"})
    return result.exit_code, " ".join(result.output.split())


def test_good_configuration_is_summed_up(city: Path) -> None:
    status, output = run("check-config", str(city))
    assert status == 0
    assert "OK" in output
    assert "f2" in output


def test_every_error_is_explained_with_status_1(city: Path) -> None:
    text = city.read_text().replace("priority = 3", "priority = 7", 1).replace("Asia/Seoul", "Asia/Soul")
    city.write_text(text)
    status, output = run("check-config", str(city))
    assert status == 1
    for part in ("2 errors", "priority = 7", "Asia/Soul", "unknown time zone", "steepest"):
        assert part in output


def test_files_that_it_names_are_checked_too(city: Path) -> None:
    text = city.read_text().replace('["09-12", "16-19"]', '["09-12"]')
    weather = city.with_name("weather.csv")
    weather.write_text(weather.read_text().replace(",2.", ",999.", 1))
    city.write_text(text)
    status, output = run("check-config", str(city))
    assert status == 1
    assert "weather.csv" in output
    assert "tariff" in output


def test_missing_token_and_weak_breaker_are_told(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROADHEAT_TEST_TOKEN", raising=False)
    influx = '[influx]\napi = "v1"\nurl = "http://127.0.0.1:1"\ndatabase = "x"\ntoken_env = "ROADHEAT_TEST_TOKEN"\n'
    text = city.read_text().replace("breaker_kw = 244", "breaker_kw = 220") + influx
    city.write_text(text)
    status, output = run("check-config", str(city))
    assert (status, "ROADHEAT_TEST_TOKEN is not set" in output) == (1, True)
    monkeypatch.setenv("ROADHEAT_TEST_TOKEN", "x")
    status, output = run("check-config", str(city))
    assert (status, "every board may heat at once" in output) == (0, True)
    monkeypatch.setenv("ROADHEAT_TEST_TOKEN", "two\nlines")
    status, output = run("check-config", str(city))
    assert (status, "contains a line break" in output) == (1, True)


def test_a_token_that_only_the_service_has_is_read_from_its_file(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADHEAT_TEST_TOKEN", "")  # undone after the test
    token = 'metrics_token_env = "ROADHEAT_TEST_TOKEN"'
    city.write_text(city.read_text().replace('listen = "127.0.0.1:8080"', f'listen = "127.0.0.1:8080"\n{token}'))
    file = city.parent / "environment"
    status, output = run("check-config", str(city))
    assert (status, "--environment-file" in output) == (1, True)
    file.write_text("# tokens\n; of the service\n\nROADHEAT_TEST_TOKEN='abc def'\n")
    assert run("check-config", "--environment-file", str(file), str(city))[0] == 0
    for content, said in (
        (b"ROADHEAT_TEST_TOKEN\n", "environment:1: not NAME=value"),
        (b"A=1\nbad name=2\n", "environment:2: not NAME=value"),
        (b"\xff=1", "not UTF-8"),
    ):
        file.write_bytes(content)
        status, output = run("check-config", "--environment-file", str(file), str(city))
        assert (status, said in output) == (2, True), output
    file.unlink()
    status, output = run("check-config", "--environment-file", str(file), str(city))
    assert (status, "cannot be read" in output) == (2, True)


def test_a_weather_provider_without_its_key_is_told(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city.write_text(city.read_text().replace('provider = "file" # or "open-meteo"', 'provider = "kma"').replace(
        'file = "weather.csv"', 'station = 108 #'))  # fmt: skip
    for value in (None, ""):
        monkeypatch.delenv("KMA_SERVICE_KEY", raising=False)
        if value is not None:
            monkeypatch.setenv("KMA_SERVICE_KEY", value)
        status, output = run("check-config", str(city))
        assert status == 1
        for part in (
            "city.toml:22: weather.provider = 'kma'",
            "KMA_SERVICE_KEY is not set",
            "If only the service has it",
        ):
            assert part in output
    monkeypatch.setenv("KMA_SERVICE_KEY", "x")
    monkeypatch.delenv("KMA_APIHUB_KEY", raising=False)
    status, output = run("check-config", str(city))
    assert (status, "weather.station = 108" in output, "KMA_APIHUB_KEY is not set" in output) == (1, True, True)
    monkeypatch.setenv("KMA_APIHUB_KEY", "x")
    assert run("check-config", str(city))[0] == 0
    city.write_text(city.read_text().replace("station = 108", "station = 0"))
    monkeypatch.delenv("KMA_APIHUB_KEY")
    assert run("check-config", str(city))[0] == 0


def test_tokens_are_told_with_the_key_that_names_them(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROADHEAT_TEST_TOKEN", raising=False)
    token = 'metrics_token_env = "ROADHEAT_TEST_TOKEN"'
    city.write_text(city.read_text().replace('listen = "127.0.0.1:8080"', f'listen = "127.0.0.1:8080"\n{token}'))
    status, output = run("check-config", str(city))
    assert (status, "city.toml:20: web.metrics_token_env = 'ROADHEAT_TEST_TOKEN'" in output) == (1, True)


def test_errors_of_the_tariff_name_the_file(city: Path) -> None:
    city.write_text(city.read_text().replace('["09-12", "16-19"]', '["09-12"]'))
    status, output = run("check-config", str(city))
    assert (status, re.search(r"city\.toml:\d+: tariff", output) is not None) == (1, True)


@pytest.mark.parametrize(
    ("right", "wrong", "shown"),
    [
        ('"Asia/Seoul"', '"[/Seoul]"', ("'[/Seoul]'", "unknown time zone")),
        ('"Asia/Seoul"', '"[bold]"', ("'[bold]'",)),
        ('"Asia/Seoul"', "[]", ("site.timezone", 'Write text in "quotes"')),
        ("[planner]", '[planner]\n"[/x]" = 1', ("[/x]", "unknown key")),
        ('"peak"', '"[/peak]"', ()),
        ('file = "weather.csv"', 'file = "[/w].csv"', ("'[/w].csv'", "no such file", "Put it at")),
    ],
)
def test_brackets_are_shown_as_written(city: Path, right: str, wrong: str, shown: tuple[str, ...]) -> None:
    assert right in city.read_text()
    city.write_text(city.read_text().replace(right, wrong, 1))
    status, output = run("check-config", str(city))
    assert status == (1 if shown else 0), output
    for part in shown:
        assert part in output


def test_what_to_add_is_shown_with_its_brackets(city: Path) -> None:
    city.write_text(city.read_text().split("[[feeder]]")[0])
    status, output = run("check-config", str(city))
    assert status == 1
    for table in ("feeder", "board", "zone"):
        assert f"Add at least one [[{table}]]" in output


def test_a_district_s_name_is_shown_as_written(city: Path) -> None:
    city.write_text(city.read_text().replace('"seongbuk"', '"[/x] :fire: [red]성북"'))
    status, output = run("check-config", str(city))
    assert (status, "[/x] :fire: [red]성북" in output) == (0, True)


def test_serve_refuses_a_bad_configuration_with_place_and_remedy(city: Path) -> None:
    city.write_text(city.read_text().replace("latitude = 37.59", "latitude = 137.59"))
    result = CliRunner().invoke(main, ["serve", "--config", str(city)], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "city.toml:7" in result.stderr
    assert "site.latitude = 137.59" in result.stderr
    assert "south negative" in result.stderr
    assert not (city.parent / "state").exists()


def test_commands_of_other_packages_are_loaded_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name, loads = "salt", 0

        def load(self) -> click.Command:
            Point.loads += 1
            return click.Command("salt", callback=lambda: click.echo("spread"))

    class Broken:
        name = "broken"

        def load(self) -> click.Command:
            raise ImportError("No module named 'matplotlib'")

    monkeypatch.setattr("supervisor.cli.entry_points", lambda group: [Point(), Broken()])
    assert run("check-config", "--help")[0] == 0
    assert Point.loads == 0
    assert run("salt") == (0, "spread")
    status, output = run("broken")
    assert status == 2
    assert "matplotlib" in output
    assert run("nothing-like-it")[0] == 2
