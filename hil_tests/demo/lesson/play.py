"""Plays a lesson: the district lives on, stops at each question, does what was decided, and is judged at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
from rich.console import Console

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import working_folder, write_city
from hil_tests.demo.lesson.lessons import BOARDS, START_UTC_S, ZONES_PER_BOARD, Lesson, lessons
from hil_tests.demo.lesson.score import Question, Score, judge
from supervisor import terminal
from supervisor.config import load
from supervisor.console import transaction
from supervisor.domain.errors import CommandError
from supervisor.road import ICE_MM
from supervisor.runtime.clock import SystemClock
from supervisor.store import tally
from tools.get_vm import vm_path

LANGUAGES = ("ko", "en")
QUARTER_MIN = 15
Ask = Callable[[Question], str]  # the id of the chosen option


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `roadheat demo --lesson` was asked for."""

    lesson: str
    language: str
    answers: tuple[int, ...]  # from 1; (): ask at the terminal
    record: Path | None  # city.toml of the service that counts the lesson
    person: str


@cache
def words(language: str) -> dict[str, str]:
    """`<lesson>` and `<lesson>.<question>` texts, `….<option>` options, `….<option>.why` what to learn."""
    return dict(json.loads((Path(__file__).parent / "words" / f"{language}.json").read_text(encoding="utf-8")))


def play(asked: Request) -> Score:
    """Play, print the score, and note it where wanted. Raises RoadheatError."""
    lesson, console, text = lessons()[asked.lesson], terminal.console(), words(asked.language)
    check_answers(lesson, asked.answers)
    if asked.record is not None:
        with transaction(load(asked.record, without_data=True)):
            pass  # where there is no such record it is refused now, not after the lesson
    vm_path()
    console.print(text[lesson.id], soft_wrap=True)
    answers = iter(asked.answers)

    def ask(question: Question) -> str:
        key = f"{lesson.id}.{question.id}"
        console.print(f"\n{text[key]}", soft_wrap=True)
        for number, option in enumerate(question.options, 1):
            console.print(f"  {number}  {text[f'{key}.{option.id}']}", soft_wrap=True)
        numbers = [str(number) for number in range(1, len(question.options) + 1)]
        given = next(answers, None)
        number = given or int(click.prompt(text["which"], type=click.Choice(numbers)))
        console.print(f"  → {number}", soft_wrap=True)
        return question.options[number - 1].id

    with working_folder() as folder:
        score = live_through(lesson, folder, ask)
    tell(score, asked.language, console)
    if asked.record is not None:
        with transaction(load(asked.record, without_data=True)) as db:
            tally.trained(db, int(SystemClock().utc_s()), score.lesson, score.points, asked.person)
    return score


def check_answers(lesson: Lesson, answers: Sequence[int]) -> None:
    """Raises CommandError where a script's answers do not fit the questions."""
    counts = [len(question.options) for question in lesson.questions]
    if answers and (
        len(answers) != len(counts) or any(not 1 <= n <= most for n, most in zip(answers, counts, strict=True))
    ):
        raise CommandError(
            f"{lesson.id} asks {len(counts)} questions with {', '.join(map(str, counts))} answers",
            where="--answers", remedy="Give the number of one answer for each, such as --answers "
            + ",".join("1" for _ in counts),
        )  # fmt: skip


def live_through(lesson: Lesson, folder: Path, ask: Ask) -> Score:
    """The district through the lesson. `ask` decides; time stands still meanwhile."""
    path = write_city(
        folder, lesson.foreseen, boards=BOARDS, zones_per_board=ZONES_PER_BOARD, contract_share=lesson.contract_share
    )
    asked = {question.at_min: question for question in lesson.questions}
    chosen: dict[str, str] = {}
    with Bench(path, start_utc_s=START_UTC_S, weather=lesson.weather, seed=1) as bench:
        bench.flash()
        bench.start_supervisor()
        bench.crew.login()
        ice, over, quarter_wh, wh_at_quarter = 0.0, 0, 0.0, _wh(bench)
        contract_kw = sum(feeder.contract_kw for feeder in bench.config.feeder)
        for minute in range(1, lesson.minutes + 1):
            bench.advance(60.0)
            ice += sum(zone.truth.lying_mm >= ICE_MM for zone in bench.zones.values())
            if minute % QUARTER_MIN == 0:
                quarter_wh, wh_at_quarter = _wh(bench) - wh_at_quarter, _wh(bench)
                over += QUARTER_MIN * (quarter_wh * 4 / 1000 > 1.02 * contract_kw)
            if minute in lesson.events:
                lesson.events[minute](bench)
            question = asked.get(minute)
            if question is not None:
                chosen[question.id] = ask(question)
                lesson.acts[question.id][chosen[question.id]](bench)
        kwh = _wh(bench) / 1000
    return judge(
        lesson.id, lesson.questions, chosen, ice_min=ice, over_contract_min=over, kwh=kwh,
        good_ice_min=lesson.good_ice_min, good_kwh=lesson.good_kwh,
    )  # fmt: skip


def _wh(bench: Bench) -> float:
    return sum(zone.truth.energy_wh for zone in bench.zones.values())


def tell(score: Score, language: str, console: Console) -> None:
    """The score, and what would have been better."""
    text = words(language)
    console.print(f"\n{text['score'].format(points=score.points)}", style="bold", soft_wrap=True)
    outcome = {"ice": round(score.ice_min), "kwh": round(score.kwh), "over": score.over_contract_min}
    console.print(text["outcome"].format(points=score.outcome_points, **outcome), soft_wrap=True)
    for one in score.decisions:
        key = f"{score.lesson}.{one.question}"
        console.print(f"{one.points:2d}/10  {text[f'{key}.{one.chosen}']}", soft_wrap=True)
        if one.chosen != one.best:
            console.print(f"       {text['better']} {text[f'{key}.{one.best}']}", soft_wrap=True)
        console.print(f"       {text[f'{key}.why']}", soft_wrap=True)
