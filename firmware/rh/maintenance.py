"""What an engineer needs at the prompt: a watchdog that does not bite meanwhile, a look at the board, clearing latches.

The chip's watchdog cannot be stopped, so with outputs off a timer feeds it; after half an hour it is left to bite, and
the board goes back to work should the engineer have forgotten it.
"""

import select
import sys
import time

import machine

WINDOW_S = 1_800
ATTENDED_S = 15  # one Ctrl-C may be noise on the line; whoever means it, or mpremote, sends something more
_FEED_MS = 2_000
_TIMER = 0


class _Feeder:
    """Feeds the watchdog by a timer, a limited number of times."""

    def __init__(self) -> None:
        self._timer = machine.Timer(_TIMER)
        self._watchdog = machine.WDT(timeout=8_000)
        self._left = WINDOW_S * 1000 // _FEED_MS
        self._timer.init(period=_FEED_MS, mode=machine.Timer.PERIODIC, callback=self._feed)

    def _feed(self, _timer: machine.Timer) -> None:
        self._left -= 1
        if self._left > 0:
            self._watchdog.feed()

    def stop(self) -> None:
        self._timer.deinit()


_feeder: "_Feeder | None" = None


def begin() -> None:
    """Outputs are off and nobody runs the safety loop: feed the watchdog for WINDOW_S."""
    global _feeder
    end()
    _feeder = _Feeder()


def end() -> None:
    """The safety loop takes over."""
    global _feeder
    if _feeder is not None:
        _feeder.stop()
        _feeder = None


def attended() -> bool:
    """Whether something more comes from the console within ATTENDED_S. It is left to the prompt."""
    console = select.poll()
    console.register(sys.stdin, select.POLLIN)
    try:
        for _ in range(10 * ATTENDED_S):
            if console.poll(0):
                return True
            time.sleep_ms(100)
    except KeyboardInterrupt:
        return True
    return False


def clear_latches() -> None:
    """A person has looked at the place: forget all latches on flash; takes effect when the board starts again."""
    from .check import load
    from .state import State

    config, _ = load()
    state = State([zone.id for zone in config.zones])
    for zone in state.latched:
        state.latched[zone] = 0
    state.boot -= 1  # this was no boot
    state.bad_boots -= 1
    state.save()
    print("latches cleared; machine.reset() starts the board")


def accept_files() -> None:
    """Check config.json, limits.json and the authority's file as they are, and seal them: an engineer has changed them
    by hand. Raises ConfigError, and then the last good copies stay in force.
    """
    from .check import load

    load(accept=True)
    print("files checked and sealed; machine.reset() starts the board")
