"""The three lessons: weather, faults, questions, and what each answer does on the district."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from hil_tests.bench.bench import Bench
from hil_tests.demo.lesson.score import Option, Question
from supervisor.domain.weather import WeatherSeries
from supervisor.weather.design_storm import design_storm

START_UTC_S = datetime(2024, 1, 16, 15, tzinfo=UTC).timestamp()  # midnight in Seoul
BOARDS, ZONES_PER_BOARD = 2, 2
ROADS = tuple(f"z{number:02d}" for number in range(1, BOARDS * ZONES_PER_BOARD + 1))
Act = Callable[[Bench], object]


@dataclass(frozen=True)
class Lesson:
    """One situation. `acts`: question → option → what is done, by the API as the app does it."""

    id: str
    minutes: int
    weather: WeatherSeries  # as it is
    foreseen: WeatherSeries  # as the service's forecast has it
    questions: tuple[Question, ...]
    acts: Mapping[str, Mapping[str, Act]]
    events: Mapping[int, Act] = field(default_factory=dict)  # minute → what happens
    contract_share: float = 1.0
    good_ice_min: float = 0.0
    good_kwh: float = 0.0


def _storm(snow_start_h: float) -> WeatherSeries:
    return design_storm(START_UTC_S, 48.0, snow_start_h=snow_start_h, peak_mm_h=2.0)


def _without_snow(series: WeatherSeries) -> WeatherSeries:
    return replace(series, precipitation_mm_h=np.zeros(len(series)))


def _command(mode: str, minutes: int, *zones: str, reason: str) -> Act:
    def act(bench: Bench) -> None:
        for zone in zones:
            bench.crew.override(zone, mode, minutes, reason)

    return act


def _nothing(bench: Bench) -> None:
    """Time passes."""


def _cancel_all(bench: Bench) -> None:
    for zone in bench.crew.request("GET", "/api/v1/zones"):
        if zone["override"] is not None:
            bench.crew.cancel(zone["id"], zone["override"]["id"])


def _note(text: str) -> Act:
    return lambda bench: bench.crew.request("POST", "/api/v1/handovers", {"text": text})


def _acknowledge(code: str, subject: str, comment: str) -> Act:
    def act(bench: Bench) -> None:
        body = {"code": code, "subject": subject, "comment": comment, "assigned_to": "duty electrician"}
        bench.crew.request("POST", "/api/v1/alarms/acknowledge", body)

    return act


def _both(*acts: Act) -> Act:
    def act(bench: Bench) -> None:
        for one in acts:
            one(bench)

    return act


def _weld(bench: Bench) -> None:
    bench.zone("z01").weld_contactor(True)


def _open_upstream(bench: Bench) -> None:
    bench.zone("z01").tripped = True


def _question(id: str, at_min: int, **points: int) -> Question:
    return Question(id, at_min, tuple(Option(name, value) for name, value in points.items()))


def lessons() -> dict[str, Lesson]:
    """By name."""
    missed, limit = _storm(0.3), _storm(0.1)
    calm = _without_snow(missed)
    found = (
        Lesson(
            id="missed-forecast", minutes=100, weather=missed, foreseen=calm,
            questions=(
                _question("call", 30, wait=0, steep=10, everything=5),
                _question("clearing", 70, end_all=2, let_lapse=10, prolong=4),
                _question("handover", 95, nothing=2, note=10),
            ),
            acts={
                "call": {
                    "wait": _nothing,
                    "steep": _command("boost", 60, *ROADS, reason="Snow reported, forecast says none"),
                    "everything": _command("on", 480, *ROADS, reason="Snow"),
                },
                "clearing": {
                    "end_all": _cancel_all, "let_lapse": _nothing,
                    "prolong": _command("on", 480, *ROADS, reason="To be safe"),
                },
                "handover": {
                    "nothing": _nothing, "note": _note("The forecast misses this snow: look at the roads"),
                },
            },
            good_ice_min=220.0, good_kwh=260.0,
        ),
        Lesson(
            id="welded-contactor", minutes=50, weather=calm, foreseen=calm,
            questions=(
                _question("alarm", 35, off_again=1, isolate=10, later=0),
                _question("repaired", 45, reset_from_desk=0, test_on_site=10),
            ),
            acts={
                "alarm": {
                    "off_again": _command("off", 60, "z01", reason="Contactor welded"),
                    "isolate": _both(
                        _acknowledge("contactor-welded", "z01", "Upstream breaker opened, road barred"), _open_upstream
                    ),
                    "later": _nothing,
                },
                "repaired": {"reset_from_desk": _nothing, "test_on_site": _nothing},
            },
            events={5: _command("on", 20, "z01", reason="Monthly test"), 15: _weld},
            good_ice_min=0.0, good_kwh=60.0,
        ),
        Lesson(
            id="contract-limit", minutes=100, weather=limit, foreseen=limit, contract_share=0.5,
            questions=(
                _question("call", 30, all_on=0, steepest=10, switch_off=3),
                _question("limit", 60, raise_all=0, explain=10, end_all=4),
            ),
            acts={
                "call": {
                    "all_on": _command("on", 480, *ROADS, reason="Asked to heat all roads"),
                    "steepest": _command("boost", 30, "z01", reason="Bus stops here"),
                    "switch_off": _command("off", 120, "z03", "z04", reason="To save power"),
                },
                "limit": {
                    "raise_all": _command("on", 240, *ROADS, reason="More heat"), "explain": _nothing,
                    "end_all": _cancel_all,
                },
            },
            good_ice_min=400.0, good_kwh=260.0,
        ),
    )  # fmt: skip
    return {one.id: one for one in found}
