"""Starts the program: the one flashed by cable, or one that came over the link (`rh.slot`)."""

import sys
import time

import machine


def elsewhere() -> None:
    """Where the flashed copy of `rh.slot` is damaged: a slot whose own copy finds it whole and proved."""
    for name in ("a", "b"):
        sys.path.insert(0, "/" + name)
        for module in list(sys.modules):
            if module.partition(".")[0] in ("rh", "drivers") and module != "rh.maintenance":
                del sys.modules[module]
        try:
            slot = __import__("rh.slot").slot
            record = slot.load()
            known = {record["was"]: record["wid"]}
            if not record["new"]:  # such a start could not be counted
                known[record["run"]] = record["id"]
            if name in known and slot.whole(name, known[name]):
                return
        except Exception as e:
            sys.print_exception(e)
        sys.path.pop(0)


try:
    try:
        __import__("rh.slot").slot.choose()
    except Exception as e:  # of importing it
        sys.print_exception(e)
        elsewhere()
    del elsewhere  # it has done its work
    if not __import__("rh.program").program.main():
        __import__("rh.slot").slot.refused()
except Exception as e:  # of importing it; the program answers for everything else
    sys.print_exception(e)
    time.sleep(5)  # so that a fault at every start does not wear the flash; shorter than the watchdog
    machine.reset()
