"""Starts the program: the one flashed by cable, or one that came over the link (`rh.slot`)."""

import sys
import time

import machine

try:
    __import__("rh.slot").slot.choose()
    if not __import__("rh.program").program.main():
        __import__("rh.slot").slot.refused()
except Exception as e:  # of importing it; the program answers for everything else
    sys.print_exception(e)
    time.sleep(5)  # so that a fault at every start does not wear the flash; shorter than the watchdog
    machine.reset()
