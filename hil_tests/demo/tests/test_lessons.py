"""Lessons: each played by a script on the emulated district in virtual time, judged, and counted for certification."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.demo.cli import LESSONS, demo
from hil_tests.demo.lesson.lessons import lessons
from hil_tests.demo.lesson.play import LANGUAGES, words
from hil_tests.demo.lesson.score import Option, Question, judge
from supervisor.config import load
from supervisor.config.tests.examples import EXAMPLE
from supervisor.reports.certification.collect import collect
from supervisor.store import DATABASE_NAME, database


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    config = load(tmp_path / "city.toml", without_data=True)
    config.state_dir.mkdir()
    with closing(database.connect(config.state_dir / DATABASE_NAME)) as db:
        database.migrate(db)
    return tmp_path / "city.toml"


SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"  # as `make soak` sets it
PLAYED = [
    ("missed-forecast", "ko", "2,2,2", 80, 100), ("welded-contactor", "en", "2,1", 0, 79),
    ("contract-limit", "en", "1,1", 0, 40),  # the longest: in `make soak`
][: 3 if SOAK else 2]  # fmt: skip


@pytest.mark.parametrize(("lesson", "language", "answers", "least", "most"), PLAYED)
def test_a_script_plays_it_and_the_service_counts_it(
    city: Path, lesson: str, language: str, answers: str, least: int, most: int
) -> None:
    asked = ["--lesson", lesson, "--language", language, "--answers", answers, "--record", str(city), "--person", "Kim"]
    done = CliRunner().invoke(demo, asked, env={"COLUMNS": "300"})
    assert done.exit_code == 0, (done.output, done.exception)
    text = words(language)
    assert text[lesson][:20] in done.output
    config = load(city, without_data=True)
    with closing(database.connect_read_only(config.state_dir / DATABASE_NAME)) as db:
        [(at, name, points, person)] = db.execute("SELECT utc_s, lesson, score, person FROM training").fetchall()
        from datetime import UTC, datetime

        year = datetime.fromtimestamp(at, UTC).year
        figures = {one.id: one.value for one in collect(config, db, year, at + 1).figures}
    assert (name, person) == (lesson, "Kim")
    assert least <= points <= most, done.output
    assert text["score"].format(points=points) in done.output
    assert (text["better"] in done.output) == (most < 80)  # what would have been better, where something would
    assert (figures["lessons"], figures["trained_people"], figures["lesson_score"]) == (1, 1, points)


def test_the_score_falls_with_ice_energy_and_wrong_decisions() -> None:
    questions = (Question("q", 1, (Option("good", 10), Option("bad", 0))),)

    def score(chosen: str, ice: float, over: int = 0, kwh: float = 10.0) -> int:
        return judge("x", questions, {"q": chosen}, ice_min=ice, over_contract_min=over, kwh=kwh, good_ice_min=20,
                     good_kwh=10).points  # fmt: skip

    assert score("good", 10) == 100
    assert score("bad", 10) == 30
    assert score("good", 40) < score("good", 30) < 100
    assert score("good", 10, kwh=25) < 100
    assert score("good", 10, over=15) == 70
    assert score("bad", 999, over=15) == 0


def test_every_text_is_there_in_both_languages() -> None:
    assert set(words("ko")) == set(words("en"))
    assert tuple(lessons()) == LESSONS
    wanted = {"which", "score", "outcome", "better"}
    for lesson in lessons().values():
        wanted.add(lesson.id)
        for question in lesson.questions:
            key = f"{lesson.id}.{question.id}"
            wanted |= {key, f"{key}.why", *(f"{key}.{option.id}" for option in question.options)}
            assert set(lesson.acts[question.id]) == {option.id for option in question.options}
    assert wanted == set(words(LANGUAGES[0]))


@pytest.mark.parametrize("answers", ["2", "2,2,9", "x", "0,1,1", "1,1,1,1"])
def test_answers_that_do_not_fit_are_refused_before_anything_runs(answers: str) -> None:
    done = CliRunner().invoke(demo, ["--lesson", "missed-forecast", "--answers", answers])
    assert done.exit_code == 2
    assert "--answers" in done.output


def test_a_record_that_is_none_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    asked = ["--lesson", "missed-forecast", "--answers", "1,1,1", "--record", str(tmp_path / "city.toml")]
    done = CliRunner().invoke(demo, asked)
    assert done.exit_code == 2
    assert "no database" in done.output
