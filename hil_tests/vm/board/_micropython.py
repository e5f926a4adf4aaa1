"""`micropython` with `kbd_intr`, which the unix port lacks."""

from micropython import *  # noqa: F403


def kbd_intr(char):
    pass
