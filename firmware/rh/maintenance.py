"""What an engineer needs at the prompt: a watchdog that does not bite meanwhile, a look at the board, clearing latches.

The chip's watchdog cannot be stopped, so with outputs off a timer feeds it; after half an hour it is left to bite, and
the board goes back to work should the engineer have forgotten it.
"""

import machine

WINDOW_S = 1_800
_FEED_MS = 2_000
_TIMER = 0
_state = {"left": 0, "timer": None, "wdt": None}


def begin() -> None:
    """Outputs are off and nobody runs the safety loop: feed the watchdog for WINDOW_S."""
    try:
        timer = machine.Timer(_TIMER)
        _state["wdt"] = machine.WDT(timeout=8_000)
    except (AttributeError, OSError, ValueError):
        return  # a port without them
    _state["left"] = WINDOW_S * 1000 // _FEED_MS
    _state["timer"] = timer
    timer.init(period=_FEED_MS, mode=machine.Timer.PERIODIC, callback=_feed)


def end() -> None:
    """The safety loop takes over."""
    timer = _state["timer"]
    if timer is not None:
        timer.deinit()
        _state["timer"] = None


def _feed(_timer) -> None:  # type: ignore[no-untyped-def]
    _state["left"] -= 1
    if _state["left"] > 0:
        _state["wdt"].feed()


def after_soft_reset() -> None:
    """From boot.py: a watchdog started before the reset is still running."""
    if getattr(machine, "reset_cause", int)() == getattr(machine, "SOFT_RESET", None):
        begin()


def clear_latches() -> None:
    """A person has looked at the place: forget all latches on flash; takes effect when the board starts again."""
    from .config import load
    from .state import State

    config, _ = load()
    state = State([zone.id for zone in config.zones])
    for zone in state.latched:
        state.latched[zone] = 0
    state.boot -= 1  # this was no boot
    state.bad_boots -= 1
    state.save()
    print("latches cleared; machine.reset() starts the board")
