"""The prices in use: read again when their file changes, kept while it cannot be read; an alarm names what is missing.

No content of a price file, nor its absence, stops planning: missing hours are filled, ended prices are repeated, and
without any price all hours cost the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from supervisor.config import Config
from supervisor.control.alarms import Alarms
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import TariffError
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell
from supervisor.runtime.pace import each
from supervisor.runtime.work import in_thread
from supervisor.tariff.configured import fallback_tariff, known_span_utc_s, tariff_file, usable_tariff
from supervisor.tariff.kind import Tariff
from supervisor.tariff.price_series import PriceSeries

logger = logging.getLogger(__name__)

LOOK_EACH_S = 60.0  # tomorrow's prices come once a day; a plan is made every 15 min


class Prices:
    """`tariff` can always be planned with. `changed` is called with a new one."""

    def __init__(self, config: Config, alarms: Alarms, clock: Clock) -> None:
        self._config = config
        self._path = tariff_file(config)
        self._alarms = alarms
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._fault: TariffError | None = None  # the file as it is now cannot be used at all
        self._wrong: tuple[TariffError, ...] = ()  # with the file that is in use
        self._read_once = False  # whether `tariff` is from the file
        self._said = ""
        self.tariff: Tariff = fallback_tariff(config.planner.price_per_kelvin_hour, config.tariff.currency)
        self.changed: list[Callable[[Tariff], object]] = []

    async def start(self) -> None:
        """Read for the first time. Raises TariffError for prices in city.toml itself, not for a file."""
        if self._path is None:
            self.tariff = usable_tariff(self._config)[0]
        await self.look()

    async def run(self) -> None:
        """Check the file every minute until cancelled."""
        async for _ in each(self._clock, LOOK_EACH_S):
            await self.look()

    async def look(self) -> None:
        """Read the file if it has changed, and raise or clear the alarm. Raises nothing for its content."""
        if self._path is None:
            return
        try:
            stat = self._path.stat()
        except OSError as error:
            self._seen = None
            self._fault = TariffError(
                f"cannot be read: {error.strerror}", where=str(self._path), remedy="Put it there or correct tariff.file"
            )
        else:
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                await self._read()
                self._seen = seen
        self._say()

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
        self._said = kind

    def _trouble(self) -> tuple[str, str]:
        now = self._clock.utc_s()
        known = known_span_utc_s(self.tariff)
        if self._fault is not None:
            kept = "The last good prices are kept" if self._read_once else "All hours are planned at one price"
            return f"fault {self._read_once}", f"{self._fault}. {kept} until the file is correct"
        if known is not None and now >= known[1]:
            text = f"Prices ended at {_text(known[1])}: those of the last day are repeated. Supply newer ones"
            return "ended", f"{self._path}: {text}"
        if known is not None and now < known[0]:
            text = f"Prices begin at {_text(known[0])} only: those of their first day serve until then. Supply today's"
            return "not begun", f"{self._path}: {text}"
        if self._wrong:
            counts = self.tariff.counts() if isinstance(self.tariff, PriceSeries) else {}
            what = ", ".join(f"{n} quarters {name}" for name, n in counts.items() if name != "read")
            return "wrong", f"{self._wrong[0]} ({len(self._wrong)} such rows; {what or 'the others are used'})"
        return "", ""


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")
