"""`micropython` with `kbd_intr`, which the unix port lacks."""

from micropython import *  # noqa: F403


def kbd_intr(char):
    """Whether Ctrl-C interrupts the running program; -1: it is a byte like any other."""
    import _repl  # it needs this module's neighbours first

    _repl.signals(char >= 0)
