"""Background tasks: kept referenced, their failures logged, all ended when the service stops.

`spawn` is for work that ends. `keep` is for loops: whatever ends one, except its cancellation, starts it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from prometheus_client import Counter

from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import ROUNDS, Rounds, each
from supervisor.runtime.supervision import Failures, RaisesAlarms

logger = logging.getLogger(__name__)

RESTART_FIRST_S = 1.0  # after a single bad message the next round is hardly delayed
RESTART_MAX_S = 60.0  # a lasting cause must not fill the log; recovery within a minute of its end
WATCH_EACH_S = 60.0
WELL_S = 60.0  # beyond a round's length without failure: it counts as running again


class LoopEnded(Exception):
    """A loop that is meant to run for ever has returned."""


class Background:
    """A group of tasks that end together. Use as `async with`, or `spawn` and `close`.

    With `alarms` and `restarts` (a counter by loop) it also reports which loops fail. Waits by the event loop's timers,
    so that it runs on virtual time.
    """

    def __init__(self, alarms: RaisesAlarms | None = None, restarts: Counter | None = None) -> None:
        self._alarms = alarms
        self._restarts = restarts
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rounds: dict[str, Rounds] = {}

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work`; a failure is logged with its name and ends nothing else."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def keep(
        self, name: str, factory: Callable[[], Coroutine[Any, Any, Any]], round_s: float = WELL_S
    ) -> asyncio.Task[None]:
        """Run what `factory` makes, again and again: it ends by cancellation only.

        A failure (or an unwanted end) is logged, counted and alarmed as `loop-failed` of `name`; the next run starts
        after 1 s, then 2 s … 60 s. Once it has run for `round_s` (the length of its rounds) and a minute without
        failing, the alarm is cleared and the pause is 1 s again.
        """
        return self.spawn(self._keep(name, factory, round_s + WELL_S), name)

    async def watch(self, clock: Clock) -> None:
        """Look for loops that hang, until cancelled: a loop of its own, since any other may be the one that hangs."""
        async for _ in each(clock, WATCH_EACH_S):
            self.look_for_hanging(clock.monotonic_s())

    def look_for_hanging(self, now_s: float) -> None:
        """Alarm loops whose round neither ends nor fails; `now_s` is the clock's monotonic time."""
        for name, rounds in self._rounds.items():
            hangs_s = rounds.hangs_s(now_s)
            if self._alarms is not None:
                self._alarms.set(
                    AlarmCode.LOOP_FAILED,
                    f"{name} (hangs)",
                    hangs_s > 0,
                    f"{name} has been busy for {hangs_s:.0f} s. The rest of the service goes on. Look at the log and "
                    "restart the service; if it comes back, report it with the log",
                )

    async def _keep(self, name: str, factory: Callable[[], Coroutine[Any, Any, Any]], well_s: float) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        ROUNDS.set(self._rounds.setdefault(name, Rounds()))
        failures = Failures(name, self._alarms, self._restarts)
        pause_s = RESTART_FIRST_S
        while True:
            began_s = loop.time()
            well = loop.call_later(well_s, failures.well)
            error: BaseException
            try:
                await factory()
                error = LoopEnded("it returned")
            except asyncio.CancelledError as cancelled:
                if task is not None and task.cancelling():
                    raise
                error = cancelled  # something it waited for was cancelled, not the loop itself
            except Exception as raised:
                error = raised
            finally:
                well.cancel()
                self._rounds[name].waiting = True
            if task is not None and task.cancelling():  # the loop swallowed the cancellation
                raise asyncio.CancelledError
            if loop.time() - began_s >= well_s:
                pause_s = RESTART_FIRST_S
            failures.failed(error, f"it starts again in {pause_s:g} s")
            del error  # its traceback keeps the run's objects alive
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RESTART_MAX_S)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("task %s failed", task.get_name(), exc_info=error)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Background:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
