"""`roadheat energy import`: an older system's CSV, row by row; nothing of a file with bad rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from supervisor.cli import main
from supervisor.runtime.single import alone_in
from supervisor.store import DATABASE_NAME, database

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
HOUR = 3600
T0 = 1_609_858_800  # 2021-01-06T00:00 in Seoul
INFLUX = '\n[influx]\napi = "v1"\nurl = "http://127.0.0.1:1"\ndatabase = "d"\n'


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text(encoding="utf-8") + INFLUX, encoding="utf-8")
    (tmp_path / "state").mkdir()
    with opened(tmp_path) as db:
        database.migrate(db)
    return tmp_path


@contextmanager
def opened(city: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(city / "state" / DATABASE_NAME, isolation_level=None)) as db:
        yield db


def run(city: Path, content: str, *more: str, encoding: str = "utf-8") -> Result:
    (city / "old.csv").write_text(content, encoding=encoding)
    command = ["energy", "import", "--config", str(city / "city.toml"), str(city / "old.csv"), *more]
    return CliRunner().invoke(main, command)


def held(city: Path) -> dict[tuple[str, int], tuple[int, ...]]:
    with opened(city) as db:
        rows = db.execute("SELECT zone, start_utc_s, wh0, wh1, wh2, wh3, covered_s FROM zone_1h ORDER BY 1, 2")
        return {(zone, (start - T0) // HOUR): tuple(numbers) for zone, start, *numbers in rows}


def test_hours_become_part_of_the_record_its_days_and_its_points(city: Path) -> None:
    content = "time,zone,energy\n2021-01-06 00:00,z01,12.5\n2021-01-06 01:00,z01,8.001\n2021-01-06T01:00,z02,0\n"
    told = run(city, content, "--zone-column", "zone")
    assert told.exit_code == 0, told.output
    assert "Imported 20.5 kWh in 3 hours of zones. Rows: 3, repeated 0, bad 0." in told.output.replace("\n", " ")
    assert held(city) == {
        ("z01", 0): (3125, 3125, 3125, 3125, HOUR),
        ("z01", 1): (2000, 2000, 2000, 2001, HOUR),
        ("z02", 1): (0, 0, 0, 0, HOUR),
    }
    with opened(city) as db:
        assert db.execute("SELECT day, energy_wh FROM zone_1d WHERE zone = 'z01'").fetchall() == [
            ("2021-01-06", 20_501)
        ]
        assert db.execute("SELECT user, action FROM audit").fetchall() == [("console", "import")]
        lines = "\n".join(row[0] for row in db.execute("SELECT lines FROM spool")).split("\n")
    assert len([line for line in lines if line.startswith("zone_1h,")]) == 3
    assert len([line for line in lines if line.startswith("zone_1d,")]) == 2


def test_columns_units_marks_and_the_ends_of_intervals(city: Path) -> None:
    told = run(
        city, "Zeit;Kreis;Arbeit\n06.01.2021 00:15;Nord;1,5\n06.01.2021 00:30;Nord;1.000,0\n", "--delimiter", ";",
        "--decimal", ",", "--time-column", "Zeit", "--energy-column", "Arbeit", "--zone-column", "Kreis", "--rename",
        "Nord=z01", "--unit", "Wh", "--interval-min", "15", "--stamp", "end", "--time-format", "%d.%m.%Y %H:%M",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert held(city) == {("z01", 0): (2, 1000, 0, 0, 1800)}


def test_korean_excel(city: Path) -> None:
    content = "일시,구역,전력량\n2021/01/06 23:00,z01,1\n2021/01/06 24:00,z01,2\n"
    columns = ("--time-column", "일시", "--energy-column", "전력량", "--zone-column", "구역")
    refused = run(city, content, *columns, encoding="cp949")
    assert refused.exit_code == 2
    assert "cp949" in refused.output
    assert run(city, content, *columns, "--encoding", "cp949", encoding="cp949").exit_code == 0
    assert sorted(held(city)) == [("z01", 23), ("z01", 24)]


BAD = """time,zone,energy
2021-01-06 00:00,z01,1
yesterday,z01,1
2021-01-06 02:00,z99,1
2021-01-06 03:00,z01,many
2021-01-06 04:00,z01,-1
2021-01-06 05:00,z01,5000
2021-01-06 06:20,z01,1
2021-01-06 00:00,z01,1.0
2021-01-06 00:00,z01,2
2999-01-06 00:00,z01,1
2021-01-06 07:00

"""


def test_bad_rows_are_listed_by_line_and_nothing_is_imported(city: Path) -> None:
    told = run(city, BAD, "--zone-column", "zone")
    assert told.exit_code == 1
    listed = [line for line in told.output.splitlines() if line.startswith("line ")]
    assert [int(line.split()[1].rstrip(":")) for line in listed] == [3, 4, 5, 6, 7, 8, 10, 11, 12]
    assert "line 10: z01 at 2021-01-06 00:00 is in line 2 too, with 1 kWh" in listed
    assert held(city) == {}
    with opened(city) as db:
        assert db.execute("SELECT count(*) FROM audit").fetchone() == (0,)
    told = run(city, BAD, "--zone-column", "zone", "--skip-bad")
    assert told.exit_code == 0
    assert "repeated 1, bad 9" in told.output.replace("\n", " ")
    assert held(city) == {("z01", 0): (250, 250, 250, 250, HOUR)}


def test_what_the_record_has_stays_and_a_second_import_changes_nothing(city: Path) -> None:
    assert run(city, "time,energy\n2021-01-06 00:00,1\n", "--zone", "z01").exit_code == 0
    before = held(city)
    told = run(city, "time,energy\n2021-01-06 00:00,9\n2021-01-06 01:00,2\n", "--zone", "z01", "--dry-run")
    assert "Would import 2.0 kWh in 1 hours" in told.output
    assert held(city) == before
    told = run(city, "time,energy\n2021-01-06 00:00,9\n2021-01-06 01:00,2\n", "--zone", "z01")
    assert "left as they are: 1" in told.output.replace("\n", " ")
    assert held(city) == {**before, ("z01", 1): (500, 500, 500, 500, HOUR)}


def test_the_hour_that_exists_twice_and_the_one_that_does_not(city: Path) -> None:
    """Berlin: 2020-10-25 has 02:00 twice, 2021-03-28 has none."""
    twice = "time,energy\n" + "".join(f"2020-10-25 {hour}:00,1\n" for hour in ("01", "02", "02", "03"))
    assert run(city, twice, "--zone", "z01", "--timezone", "Europe/Berlin").exit_code == 0
    starts = [hour for _, hour in sorted(held(city))]
    assert [hour - starts[0] for hour in starts] == [0, 1, 2, 3]
    told = run(city, "time,energy\n2021-03-28 02:00,1\n", "--zone", "z01", "--timezone", "Europe/Berlin")
    assert told.exit_code == 1
    assert "does not exist in Europe/Berlin" in told.output


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("time,energy\n", (), "--zone-column, --zone"),
        ("time,power\n", ("--zone", "z01"), "no column 'energy'"),
        ("", ("--zone", "z01"), "no column 'time'"),
        ("time,energy,energy\n", ("--zone", "z01"), "more than one column 'energy'"),
        ("time,energy\n", ("--zone", "z77"), "not in city.toml"),
        ("time,energy\n", ("--zone", "z01", "--timezone", "Mars/Base"), "unknown time zone"),
        ("time,energy\n", ("--zone", "z01", "--encoding", "latin-77"), "unknown encoding"),
        ("time,energy\n", ("--zone", "z01", "--delimiter", ";;"), "--delimiter"),
        ("time,energy\n", ("--zone", "z01", "--rename", "a"), "--rename a"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_sentence(
    city: Path, content: str, options: tuple[str, ...], says: str
) -> None:
    told = run(city, content, *options)
    assert told.exit_code == 2, told.output
    assert says in told.output.replace("\n", " ")


def test_beside_a_running_service_neither_import_nor_vacuum_starts(city: Path) -> None:
    with alone_in(city / "state"):
        for told in (
            run(city, "time,energy\n2021-01-06 00:00,1\n", "--zone", "z01"),
            CliRunner().invoke(main, ["energy", "vacuum", "--config", str(city / "city.toml")]),
        ):
            assert told.exit_code == 2
            assert "another service" in told.output
    assert held(city) == {}


def test_vacuum_gives_the_space_of_deleted_records_back(city: Path) -> None:
    path = city / "state" / DATABASE_NAME
    with opened(city) as db:
        db.executemany("INSERT INTO spool (points, lines) VALUES (1, ?)", [("x" * 10_000,)] * 400)
        db.execute("DELETE FROM spool")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.stat().st_size
    told = CliRunner().invoke(main, ["energy", "vacuum", "--config", str(city / "city.toml")])
    assert told.exit_code == 0, told.output
    assert path.stat().st_size < before / 4
    with opened(city) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
