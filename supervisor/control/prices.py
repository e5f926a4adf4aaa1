"""The prices in use: read again when their file changes, kept while it cannot be read; an alarm names what is missing.

No content of a price file, nor its absence, stops planning: missing hours are filled, ended prices are repeated, and
without any price all hours cost the same.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from supervisor.config import Config
from supervisor.control.alarms import Alarms
from supervisor.control.degraded import Degradations, DegradedCode
from supervisor.control.meter import FeederMeter
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.treatment import Tally, Treatment
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell
from supervisor.runtime.pace import each
from supervisor.runtime.work import in_thread
from supervisor.store.feeder_quarters import Billing
from supervisor.store.upkeep import UpkeepRepository
from supervisor.tariff.configured import (
    configured_demand,
    currency_problem,
    fallback_tariff,
    known_span_utc_s,
    peak_counts,
    price_fetcher,
    tariff_file,
    usable_tariff,
)
from supervisor.tariff.kind import Get, PriceFetcher, Tariff
from supervisor.tariff.price_series import PriceSeries

logger = logging.getLogger(__name__)

LOOK_EACH_S = 60.0  # tomorrow's prices come once a day; a plan is made every 15 min
FETCH_EACH_S = 300.0


class Prices:
    """`tariff` can always be planned with. `changed` is called with a new one."""

    def __init__(
        self, config: Config, alarms: Alarms, clock: Clock, degradations: Degradations, metrics: Metrics
    ) -> None:
        self._config = config
        self._path = tariff_file(config)
        self._alarms = alarms
        self._clock = clock
        self._degradations = degradations
        self._fetcher: PriceFetcher | None = None  # from the start on, where a service gives the prices
        self._metrics = metrics
        self._seen: tuple[int, int, int] | None = None
        self._fault: TariffError | None = None  # the file as it is now cannot be used at all
        self._wrong: tuple[TariffError, ...] = ()  # with the file that is in use
        self._unfetched = ""  # why the service of the prices gave none
        self._read_once = False  # whether `tariff` is from the file
        self._said = ""
        self.tariff: Tariff = fallback_tariff(config.planner.price_per_ice_free_hour, config.tariff.currency)
        self.changed: list[Callable[[Tariff], object]] = []

    async def start(self) -> None:
        """Read for the first time. Raises TariffError for prices in city.toml itself, not for a file."""
        self._fetcher = price_fetcher(self._config)
        if self._path is None:
            self.tariff = usable_tariff(self._config)[0]
        await self.look()

    async def run(self) -> None:
        """Check the file every minute until cancelled."""
        async for _ in each(self._clock, LOOK_EACH_S):
            await self.look()

    @property
    def fetched(self) -> bool:
        """Whether a service gives the prices."""
        return self._fetcher is not None

    async def run_fetch(self, get: Get) -> None:
        """Bring the file up to date by the service that gives the prices until cancelled."""
        await self.fetch(get)
        async for _ in each(self._clock, FETCH_EACH_S):
            await self.fetch(get)

    async def fetch(self, get: Get) -> None:
        """Ask the service for what is missing. Raises nothing for its answers."""
        if self._fetcher is None:
            return
        try:
            fresh = await self._fetcher.update(self._clock.utc_s(), get)
            self._unfetched = ""
        except TariffError as error:
            if error.message != self._unfetched:
                logger.warning("no new prices: %s", error)
            self._unfetched = error.message
            return
        if fresh:
            await self.look()

    async def look(self) -> None:
        """Read the file if it has changed, and raise or clear the alarm. Raises nothing for its content."""
        if self._path is not None:
            try:
                stat = self._path.stat()
            except OSError as error:
                self._seen = None
                self._fault = self._missing(error)
            else:
                seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                if seen != self._seen:
                    await self._read()
                    self._seen = seen
        self._say()

    def _missing(self, error: OSError) -> TariffError:
        remedy = "Put it there or correct tariff.file"
        if self.fetched:
            remedy = f"The service is asked again ({self._unfetched or 'no answer yet'}). Check network and tariff.area"
        return TariffError(f"cannot be read: {error.strerror}", where=str(self._path), remedy=remedy)

    async def _read(self) -> None:
        try:
            tariff, wrong = await in_thread(None, usable_tariff, self._config)
        except TariffError as error:
            self._fault = error
            return
        self._fault, self._wrong = None, wrong
        if isinstance(tariff, PriceSeries):
            logger.info("prices until %s: %s", _text(tariff.end_utc_s), tariff.counts())
        self.tariff, self._read_once = tariff, True
        tell(self.changed, "prices", tariff)

    def _say(self) -> None:
        """One alarm, with the most important reason; raised again when that changes."""
        kind, text = self._trouble()
        stood = next((alarm.text for alarm in self._alarms.standing() if alarm.code == AlarmCode.PRICES), text)
        if kind != self._said and stood != text:
            self._alarms.set(AlarmCode.PRICES, "", False)
        self._alarms.set(AlarmCode.PRICES, "", bool(kind), text)
        self._count(kind)
        self._said = kind

    def _count(self, kind: str) -> None:
        """What the prices of the next plan's horizon are made of, for metrics and the app's head.

        Every morning some hours are held until tomorrow's prices come: without other trouble nothing is degraded.
        """
        slots = int(self._config.planner.horizon_h * 3600 // SLOT_S)
        tally = Tally()
        if kind in ("none", "currency"):
            tally.add(Treatment.ESTIMATED, "quarter", slots)
        elif isinstance(self.tariff, PriceSeries):
            tally = self.tariff.tally(self._clock.utc_s(), slots)
        else:
            known = known_span_utc_s(self.tariff) or (-math.inf, math.inf)
            inside = known[0] <= self._clock.utc_s() < known[1]
            tally.add(Treatment.USED if inside else Treatment.ESTIMATED, "quarter", slots)
        self._metrics.price_parts.clear()
        for (how, what), count in tally.items():
            self._metrics.price_parts.labels(how, what).set(count)
        parts = [(what, n) for (how, what), n in tally.items() if how is not Treatment.USED and what != "row"]
        quarters = sum(n for what, n in parts if kind != "wrong" or what != "held")
        hours = math.ceil(quarters * SLOT_S / 3600)
        self._degradations.set(DegradedCode.PRICES, {"hours": hours} if kind and hours else None)

    def _trouble(self) -> tuple[str, str]:
        """Kind and text of what is wrong now, the most important first; empty where nothing is."""
        now = self._clock.utc_s()
        known = known_span_utc_s(self.tariff)
        where = self._path or self._config.path.name
        if self._fault is not None:
            if self._read_once:
                return "kept", f"{self._fault}. The last good prices are kept until the file is correct"
            return "none", f"{self._fault}. All hours are planned at one price until the file is correct"
        if problem := currency_problem(self._config, self.tariff):
            return "currency", f"{problem}. Until then plans follow the shape of the prices, and no base charge"
        if known is not None and now >= known[1]:
            text = f"Prices ended at {_text(known[1])}: the last ones known are repeated. Supply newer ones"
            return "ended", f"{where}: {text}{self._why_unfetched()}"
        if known is not None and now < known[0]:
            text = f"Prices begin at {_text(known[0])} only: the first ones known serve until then. Supply today's"
            return "not-begun", f"{where}: {text}{self._why_unfetched()}"
        if self._wrong:
            counts = self.tariff.counts() if isinstance(self.tariff, PriceSeries) else {}
            what = ", ".join(f"{n} quarters {name}" for name, n in counts.items() if name != "read")
            return "wrong", f"{self._wrong[0]} ({len(self._wrong)} such rows; {what or 'the others are used'})"
        return "", ""

    def _why_unfetched(self) -> str:
        return f" (the service: {self._unfetched})" if self._unfetched else ""


def bill_by(prices: Prices, meter: FeederMeter, kept: UpkeepRepository, config: Config) -> None:
    """Let the meter and the record find the billed peak as the tariff does, now and whenever the tariff changes."""
    contract_kw = {feeder.id: feeder.contract_kw for feeder in config.feeder}

    def apply(tariff: Tariff) -> None:
        try:
            meter.demand = configured_demand(config)
        except TariffError as error:
            logger.warning("the base charge is found as before: %s", error)
        meter.counts_peak = lambda utc_s: bool(peak_counts(tariff, utc_s, 1)[0])
        kept.billing = Billing(meter.demand, contract_kw, partial(peak_counts, tariff))

    apply(prices.tariff)
    prices.changed.append(apply)


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")
