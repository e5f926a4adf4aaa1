"""Providers in the order in which they are to plan: where the first fails or lacks too much, the next one answers.

What an answer lacks is counted in hours: its age, what it does not reach of the wanted horizon, and the share of its
parts that were estimated or dropped times that horizon. The next provider is asked only where an answer lacks more than
`LACK_MAX_H`, and plans only where it lacks clearly less, so that services are not asked without need and plans do not
jump between two that are alike.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.domain.weather import ISSUE, MEMBER, NOWCAST, Forecast, WeatherSeries
from supervisor.weather.gate import ESSENTIAL, utc_text
from supervisor.weather.hours import HOUR
from supervisor.weather.keeper import sound
from supervisor.weather.providers.answers import unexpected
from supervisor.weather.providers.kind import WeatherProvider

logger = logging.getLogger(__name__)

ASKED_TOGETHER_S = 50.0  # for all providers of a cycle, within the time limit of `Forecasts`
ASKED_MAX_S = 20.0  # for one: services answer within a few seconds
LACK_MAX_H = 5.0  # KMA issues every 3 h and is out 10 min later; an issue that fails to appear makes it over 6 h
LACK_CLEARLY_H = 2.0  # less than another: below it, the order of the list decides
GOOD_AGAIN = 2  # answers in a row before a provider further up the list plans again
# What a column weighs: temperature and amount decide whether a road is heated, for the others estimates are good.
WEIGHTS = {f.name: 3.0 if f.name in ESSENTIAL else 0.5 for f in fields(WeatherSeries) if f.name != "time_utc_s"}
ROW = sum(WEIGHTS.values())


@dataclass(frozen=True)
class Link:
    """A provider, and what it is called in the configuration, the log and the app."""

    name: str
    provider: WeatherProvider


@dataclass(frozen=True)
class _Answer:
    """What a link gave: `lack_h` is infinite without a usable forecast, and `why` says what is wrong."""

    place: int
    forecast: Forecast | None
    lack_h: float
    why: str = ""


def lack_h(forecast: Forecast, now_utc_s: float, horizon_s: float) -> float:
    """How much a forecast lacks [h]; 0 for one of this moment, whole and as long as wanted."""
    end = float(forecast.members[0].time_utc_s[-1])
    unreached_s = max(now_utc_s + horizon_s - end, 0.0)
    age_s = max(now_utc_s - forecast.issued_utc_s, 0.0)
    return (age_s + unreached_s + treated_share(forecast) * horizon_s) / 3600.0


def treated_share(forecast: Forecast) -> float:
    """Share of a forecast's parts, by weight, that were estimated or dropped, 0–1; an older issue counts by its age."""
    members = max(forecast.members_offered, len(forecast.members), 1)
    rows = forecast.rows_treated or len(forecast.members[0])
    lost = 0.0
    for (how, what), count in forecast.treated.items():
        if how in (Treatment.ESTIMATED, Treatment.DROPPED) and what not in (MEMBER, ISSUE, NOWCAST):
            lost += count * (ROW if what == HOUR else WEIGHTS.get(what, min(WEIGHTS.values())))
    return min(lost / (members * rows * ROW) + forecast.members_missing / members, 1.0)


class ChainProvider:
    """Asks its links in order. Raises WeatherError where none has a usable forecast, and names what each lacks.

    A link may hang, raise anything or answer late: it has its own time limit, and is not asked again before its last
    request has ended.
    """

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = tuple(links)
        self._asked_s = min(ASKED_MAX_S, ASKED_TOGETHER_S / len(self._links))
        self._pending: dict[int, asyncio.Task[Forecast]] = {}
        self._place = 0  # of the link that plans
        self._good = [0] * len(self._links)  # answers in a row that lack little

    @property
    def planning(self) -> str:
        """Name of the provider that plans."""
        return self._links[self._place].name

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        """Of the first link that lacks little, else of the one that lacks least."""
        answers: list[_Answer] = []
        for place in range(len(self._links)):
            answer = await self._ask(place, now_utc_s, horizon_s)
            answers.append(answer)
            self._good[place] = self._good[place] + 1 if answer.lack_h <= LACK_MAX_H else 0
            if self._good[place] >= (GOOD_AGAIN if place < self._place else 1):
                break
        best = answers[-1] if self._good[answers[-1].place] >= GOOD_AGAIN else min(answers, key=self._cost_h)
        if best.forecast is None:
            text = "; ".join(f"{self._links[answer.place].name}: {answer.why}" for answer in answers)
            raise WeatherError(text, where="weather", remedy="Check the network and the services")
        self._change_to(best, answers)
        return best.forecast if best.place == 0 else replace(best.forecast, instead_of=self._links[0].name)

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """The past of the link that plans, else of the first that has one."""
        order = sorted(range(len(self._links)), key=lambda place: (place != self._place, place))
        for place in order:
            try:
                found = self._links[place].provider.observed(now_utc_s, back_s)
            except Exception as error:
                logger.error("%s: no observed weather: %s", self._links[place].name, error or type(error).__name__)
                continue
            if found is not None:
                return found
        return None

    async def _ask(self, place: int, now_utc_s: float, horizon_s: float) -> _Answer:
        """One link's answer within its time; raises nothing for what the link does."""
        link = self._links[place]
        if place in self._pending and not self._pending[place].done():
            return _Answer(place, None, float("inf"), "its last request has not ended")
        task = asyncio.ensure_future(link.provider.forecast(now_utc_s, horizon_s))
        self._pending[place] = task
        try:
            await asyncio.wait({task}, timeout=self._asked_s)
        finally:
            if not task.done():
                task.cancel()
                task.add_done_callback(_discard)
        try:
            if not task.done():
                raise WeatherError(f"no answer within {self._asked_s:g} s")
            if task.cancelled():
                raise WeatherError("it gave up the request")
            forecast = sound(task.result(), now_utc_s)
            lack = lack_h(forecast, now_utc_s, horizon_s)
            return _Answer(place, forecast, lack, f"issued {utc_text(forecast.issued_utc_s)}, lacks {lack:.1f} h")
        except (WeatherError, TimeoutError, OSError) as error:
            return _Answer(place, None, float("inf"), str(error) or type(error).__name__)
        except Exception as error:
            return _Answer(place, None, float("inf"), str(unexpected(error, link.name)))

    def _cost_h(self, answer: _Answer) -> float:
        """What decides between answers: the one that plans goes on unless another lacks clearly less."""
        return answer.lack_h + (0.0 if answer.place == self._place else LACK_CLEARLY_H)

    def _change_to(self, best: _Answer, answers: Sequence[_Answer]) -> None:
        """Let a link plan, and say so in the log where another did."""
        before, self._place = self._place, best.place
        if best.place > before:
            above = [answer for answer in answers if answer.place < best.place]
            why = "; ".join(f"{self._links[answer.place].name}: {answer.why}" for answer in above)
            logger.warning("the forecast of %s is used now (%s)", self.planning, why)
        elif best.place < before:
            logger.warning("the forecast of %s is used again", self.planning)


def _discard(task: asyncio.Task[Forecast]) -> None:
    """Read what came of a request that nobody waits for, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()
