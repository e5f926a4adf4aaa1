"""Certification figures of an invented winter: each is worked out again here, from the rows and not by its query."""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config, load
from supervisor.config.tests.examples import EXAMPLE
from supervisor.domain.alarm import AlarmCode, Severity
from supervisor.domain.outlook import Outlook, RoadOutlook
from supervisor.reports.certification.collect import BASELINE, Certification, collect
from supervisor.reports.certification.figures import QUERIES
from supervisor.reports.certification.page import LANGUAGES, words, write_page
from supervisor.reports.tests.season_record import BEGIN, HOUR_S, SEOUL, STORMS, duty_at, fill, local, series
from supervisor.road import ICE_MM, Pavement, build_roads, initial_state, simulate
from supervisor.savings.collect import Asked
from supervisor.savings.collect import collect as collect_savings
from supervisor.store import DATABASE_NAME, database, events, outlook, tally
from supervisor.weather.resample import at_steps

YEAR = 2023
UNTIL = local("2024-01-10T00:00")
ROADS = 2
# raised, minutes until acknowledged (None: never), code, cleared after minutes
ALARMS = [
    (local("2023-11-20T03:00"), 6, AlarmCode.EARTH_FAULT, 90),
    (local("2023-12-01T07:00"), 14, AlarmCode.LATCHED, 40),
    (local("2023-12-16T18:00"), 55, AlarmCode.CABLE_BROKEN, 900),
    (local("2023-12-30T02:00"), None, AlarmCode.LATCHED, 30),
    (local("2022-12-30T02:00"), 2, AlarmCode.LATCHED, 30),
    (local("2023-12-30T04:00"), 1, AlarmCode.FORECAST, 30),
    (local("2023-11-28T06:00"), 12, AlarmCode.ICE_REPORTED, 60),
    (local("2023-12-30T06:00"), None, AlarmCode.ICE_REPORTED, 44),
    (local("2023-12-30T09:00"), 80, AlarmCode.ICE_REPORTED, 20),
]
TALLIES = [
    ("2022-12-31", "ngsi_ld delivered", 7),
    ("2023-01-01", "ngsi_ld delivered", 40),
    ("2023-12-31", "platform delivered", 9),
    ("2024-01-01", "platform delivered", 5),
    ("2023-12-30", "ngsi_ld refused", 2),
    ("2023-12-30", "platform dropped", 1),
    ("2023-12-29", "open_data made", 1),
    ("2023-12-30", "open_data made", 1),
    ("2023-12-30", "open_data get csv", 31),
    ("2023-12-30", "open_data get json", 4),
    ("2023-12-30", "residents view", 512),
    ("2023-12-30", "modbus taken", 3),
]
LESSONS = [
    (local("2023-11-16T14:00"), "missed-forecast", 82, "Kim"),
    (local("2023-11-16T15:00"), "welded-contactor", 91, "Kim"),
    (local("2023-11-17T15:00"), "contract-limit", 60, "Lee"),
    (local("2024-01-02T15:00"), "contract-limit", 10, "Park"),
    (local("2023-11-18T15:00"), "contract-limit", 75, ""),
]
# evening, probability, called, came
EVENINGS = [
    (local("2023-11-27T17:00"), 0.9, True, True), (local("2023-11-28T17:00"), 0.4, True, False),
    (local("2023-11-29T17:00"), 0.1, False, False), (local("2023-12-16T17:00"), 0.2, False, True),
    (local("2024-01-02T17:00"), 0.5, True, False),
]  # fmt: skip
OBSERVED = [local("2023-12-30T01:00") + 60 * n for n in range(5)]
REPORTS = [local("2023-12-30T06:00"), local("2023-11-28T06:00"), local("2024-01-03T06:00")]


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("season")
    text = EXAMPLE.read_text()
    (folder / "weather.csv").touch()
    (folder / "city.toml").write_text(text)
    config = load(folder / "city.toml", without_data=True)
    config.state_dir.mkdir(exist_ok=True)
    with closing(database.connect(config.state_dir / DATABASE_NAME)) as db:
        database.migrate(db)
        fill(db, config.zone[:ROADS], UNTIL)
        for raised, seen_min, code, over_min in ALARMS:
            seen = None if seen_min is None else raised + 60 * seen_min
            db.execute(
                "INSERT INTO alarm (code, subject, detail, raised_utc_s, acknowledged_utc_s, cleared_utc_s) "
                "VALUES (?, 'z01', '', ?, ?, ?)",
                (str(code), raised, seen, raised + 60 * over_min),
            )
        for day, what, count in TALLIES:
            tally.add(db, day, {what: count})
        for lesson in LESSONS:
            tally.trained(db, *lesson)
        for issued, probability, called, came in EVENINGS:
            road = RoadOutlook(zone="", stage="none", probability=probability, black_ice=0, snow_cm=0, onset_utc_s=None)
            made = Outlook(issued_utc_s=issued, until_utc_s=issued + 86_400, members=5, district=road, roads=())
            outlook.put(db, made, {"": called}, "")
            outlook.check(db, issued, {"z01": 45 * came}, issued + 99_999)
        for at in OBSERVED:
            events.happen(db, None, events.Event(at, "observation", "z01", "wet"))
        for at in REPORTS:
            events.happen(db, None, events.Event(at, "ice-report", "z01", ""))
        for name, made_s, ends_s in (
            ("hub", BEGIN, UNTIL),
            ("old", BEGIN - 9e7, BEGIN - 8e7),
            ("new", UNTIL, UNTIL + 9),
        ):
            db.execute(
                "INSERT INTO api_token (token_sha256, name, scopes, made_by, made_utc_s, expires_utc_s) "
                "VALUES (?, ?, 'read', 'x', ?, ?)",
                (name.encode(), name, int(made_s), int(ends_s)),
            )
    return config


@pytest.fixture(scope="module")
def record(season: Config) -> Iterator[sqlite3.Connection]:
    with closing(database.connect_read_only(season.state_dir / DATABASE_NAME)) as db:
        yield db


@pytest.fixture(scope="module")
def made(season: Config, record: sqlite3.Connection) -> Certification:
    return collect(season, record, YEAR, UNTIL)


def hours(config: Config) -> list[tuple[int, int, int, int]]:
    """Start, road, Wh of each quarter and covered seconds of every hour of the year, as the record was filled."""
    past = local("2024-01-01T00:00")
    found = []
    for start in range(BEGIN, past, HOUR_S):
        for n in range(ROADS):
            wh = round(config.zone[n].power_w / 4 * duty_at(start, n))
            found.append((start, n, wh, HOUR_S if (start // HOUR_S + n) % 200 else 0))
    return found


def ice_minutes(config: Config) -> list[float]:
    """By a simulation of each road with the recorded heat, from the first hour of the record on."""
    past = local("2024-01-01T00:00")
    weather = series(UNTIL)
    steps = (past - BEGIN) // 900
    forcing = at_steps(weather, float(BEGIN), 900.0, steps, config.site)
    heat = np.zeros((steps, ROADS))
    for n, zone in enumerate(config.zone[:ROADS]):
        for t in range(steps):
            hour = BEGIN + 900 * t // HOUR_S * HOUR_S
            heat[t, n] = round(zone.power_w / 4 * duty_at(hour, n)) * 4 * zone.cable.efficiency / zone.area_m2
    roads = build_roads([Pavement.from_zone(zone) for zone in config.zone[:ROADS]])
    air = float(np.mean(forcing.air_c[:96]))
    trajectory, _ = simulate(roads, initial_state(roads, air, max(air, 4.0)), forcing, heat, 900.0)
    return [15.0 * float(np.count_nonzero(column >= ICE_MM)) for column in trajectory.frozen_mm.T]


def expected(config: Config) -> dict[str, float | None]:
    rows = hours(config)
    critical = [one for one in ALARMS if one[2].severity is Severity.CRITICAL and in_year(one[0])]
    seen = [minutes for _, minutes, _, _ in critical if minutes is not None]
    reports = [
        min(over, seen or over) for at, seen, code, over in ALARMS if code is AlarmCode.ICE_REPORTED and in_year(at)
    ]
    evenings = [one for one in EVENINGS if in_year(one[0])]
    lessons = [one for one in LESSONS if in_year(one[0])]
    tallied = [(what, count) for day, what, count in TALLIES if day.startswith("2023")]

    def total(*ends: str) -> int:
        return sum(count for what, count in tallied if what.endswith(ends))

    by_hour: dict[int, int] = {}
    for start, _, wh, _ in rows:
        by_hour[start] = by_hour.get(start, 0) + wh
    energy = sum(4 * wh for _, _, wh, _ in rows) / 1000
    area = sum(zone.area_m2 for zone in config.zone)
    snowing = [begin for begin, *_ in STORMS if in_year(begin)]
    return {
        "roads": len(config.zone), "area": area, "roads_recorded": ROADS,
        "availability": 100 * sum(covered for *_, covered in rows) / (ROADS * (local("2024-01-01T00:00") - BEGIN)),
        "energy": energy, "energy_per_area": energy / area,
        "heated": sum(round(HOUR_S * duty_at(start, n)) for start, n, _, _ in rows) / HOUR_S,
        "peak": max(by_hour.values()) * 4 / 1000,
        "alarms": len(critical), "alarms_seen": 100 * sum(one <= 15 for one in seen) / len(critical),
        "alarm_response": statistics.median(seen), "commands": 2,
        "ice_reports": sum(in_year(at) for at in REPORTS), "report_answer": statistics.median(reports),
        "resident_views": total("residents view"), "observations": len(OBSERVED),
        "evenings": len(evenings), "brier": statistics.mean((p - came) ** 2 for _, p, _, came in evenings),
        "hits": 1, "misses": 1, "false_alarms": 1,
        "delivered": total(" delivered"), "refused": total(" refused"), "dropped": total(" dropped"),
        "acknowledged": 100 * total(" delivered") / total(" delivered", " refused", " dropped"),
        "programs": 1, "downloads": 35, "refreshed_days": 2,
        "lessons": len(lessons), "trained_people": 2, "lesson_score": statistics.mean(one[2] for one in lessons),
        "storms": len(snowing), "ice_minutes": statistics.mean(ice_minutes(config)),
    }  # fmt: skip


def in_year(utc_s: int) -> bool:
    return datetime.fromtimestamp(utc_s, SEOUL).year == YEAR


def test_every_figure_worked_out_again_from_the_rows(
    season: Config, record: sqlite3.Connection, made: Certification
) -> None:
    wanted = expected(season)
    found = {one.id: one.value for one in made.figures}
    for id, value in wanted.items():
        assert found[id] == pytest.approx(value, rel=1e-9), id
    # What the replay of the former control gives, by the command that the figure names.
    spans = {one.source for one in made.figures if "roadheat savings" in one.source}
    assert spans == {f"roadheat savings --baseline {BASELINE} --from 2023-11-15T00:00 --to 2024-01-01T00:00"}
    asked = Asked(BEGIN, local("2024-01-01T00:00"), BASELINE, None, season.reports.clear_within_min)
    replayed = collect_savings(season, record, asked)
    late, roads = sum(len(storm.late) for storm in replayed.storms), len(replayed.zones)
    longest = [storm.longest_min for storm in replayed.storms]
    by_replay = {
        "ice_minutes_before": statistics.mean(zone.baseline_ice_min for zone in replayed.zones),
        "clear_median": statistics.median(one.median_min for one in replayed.storms if one.median_min is not None),
        "clear_longest": None if None in longest else max(longest),  # type: ignore[type-var]
        "clear_in_time": 100 * (1 - late / (roads * len(replayed.storms))),
        "saved_energy": replayed.kwh.value, "saved_cost": replayed.cost.value, "saved_ice": replayed.ice_min.value,
        "same_money_ice": replayed.same_money_ice_min.value, "same_ice_cost": replayed.same_ice_cost.value,
    }  # fmt: skip
    for id, value in by_replay.items():
        assert found[id] == (None if value is None else pytest.approx(value)), id
    assert set(found) == {*wanted, *by_replay}  # no figure is left out here
    assert all(one.why for one in made.figures if one.value is None)


def test_the_year_before_stands_beside_it_and_the_query_gives_the_figure(
    record: sqlite3.Connection, made: Certification
) -> None:
    by_id = {one.id: one for one in made.figures}
    assert (by_id["alarms"].before, by_id["delivered"].before, by_id["energy"].before) == (1, 7, 0)
    values = {"from": made.from_utc_s, "to": made.to_utc_s, "now": made.made_utc_s}
    for query in QUERIES:  # as whoever doubts it would do
        [again] = record.execute(by_id[query.id].source, values).fetchone()
        assert by_id[query.id].value == (None if again is None else float(again)), query.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_every_figure_with_formula_and_source(made: Certification, language: str) -> None:
    page, text = write_page(made, language), words(language)
    assert "<script" not in page
    for one in made.figures:
        assert escape(text[one.id]) in page
        assert escape(text[f"{one.id}.formula"]) in page
    assert len(re.findall("<code>", page)) == len(made.figures)
    assert set(words("ko")) == set(words("en"))


def test_on_the_command_line_in_both_forms_and_refusals(season: Config, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["report", "certification", "--config", str(season.path), *arguments])
        return done.exit_code, " ".join(done.output.split())

    output = tmp_path / "made.json"
    code, said = run("--year", "2023", "--output", str(output))
    assert code == 0, said
    document: Any = json.loads(output.read_text())
    assert {"id", "group", "unit", "value", "before", "source", "why"} == set(document["figures"][0])
    assert run("--year", "2023", "--language", "en", "--output", str(tmp_path / "made.html"))[0] == 0
    for year, name, words_said in (("23", "a.json", "not a year"), ("2099", "a.json", "has not begun"),
                                   ("2023", "a.pdf", "unknown form")):  # fmt: skip
        code, said = run("--year", year, "--output", str(tmp_path / name))
        assert (code, words_said in said) == (2, True)
        assert not (tmp_path / name).exists()
