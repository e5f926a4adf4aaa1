"""Which program starts: the one flashed by cable, or one of two that came over the link (docs/decisions/0062).

    rh, drivers        flashed by cable, never changed over the link: the last resort
    a, b               one whole program each: rh, drivers, and the signed list of their files
    slot.rec           which of them runs and what ran before; slot.rec.1 is its copy

main.py asks the flashed copy of this module, so the record's form and the list's are fixed. A start is counted before
anything of the program is imported; three that were not proved lead back to the program before.
"""

import os
import sys
from binascii import hexlify

from . import store

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

PATH = "slot.rec"
COPY = "slot.rec.1"
SLOTS = ("a", "b")
LIST = "list"  # in a slot: header lines, then size, SHA-256 and path of each file
STARTS_MAX = 3
VERSION_MAX = 16  # characters, and of a reason: hello says both, and a frame has 1,024
WHY_MAX = 100
_START_MS = 30_000  # importing and checking take some seconds; a program that hangs there must not keep the board cold
_KEPT = "rh.maintenance"  # its timer feeds a watchdog that runs already; the program ends it


def load() -> "dict[str, Any]":
    """The record: slots `run` and `was` ("": flashed) with the hashes of their lists `id` and `wid`; `new`: 1 while
    `run` is not proved; `n`: starts not proved; `bad`, `why`: version that was left, and the reason.
    """
    made: "dict[str, Any]" = {"run": "", "id": "", "was": "", "wid": "", "new": 0, "n": 0, "bad": "", "why": ""}
    for path in (PATH, COPY):
        try:
            record = store.load(path)
        except store.Damaged:
            continue
        if record is not None:
            for key in made:
                if type(record.get(key)) is type(made[key]):
                    made[key] = record[key]
            return made
    return made


def save(record: "dict[str, Any]") -> None:
    """Raises OSError, and then the old record remains in force."""
    store.save(COPY, record)
    store.save(PATH, record)


def running() -> str:
    """The slot that this module was imported from; "" for the flashed program."""
    parts = __file__.split("/")
    return parts[-3] if len(parts) > 2 and parts[-3] in SLOTS else ""


def said() -> "list[Any]":
    """For hello: 1 while the running program is not proved, the version that was left last, and why."""
    record = load()
    return [record["new"], record["bad"][:VERSION_MAX], record["why"][:WHY_MAX]]


def choose() -> None:
    """Make `import rh` find the program that is to run. Never raises: without a usable slot it is the flashed one."""
    slot = ""
    try:
        record = load()
        while record["run"] and not slot:
            slot = _started(record)
    except Exception as e:
        sys.print_exception(e)
        slot = ""
    if slot:
        sys.path.insert(0, "/" + slot)
        for name in list(sys.modules):
            if name.partition(".")[0] in ("rh", "drivers") and name != _KEPT:
                del sys.modules[name]
    else:
        sys.modules.pop("rh.slot", None)


def _started(record: "dict[str, Any]") -> str:
    """Its slot, once this start is counted and its files are as the list says; else "", and the record goes back."""
    why = ""
    if record["n"] >= STARTS_MAX:
        why = "{} starts not proved".format(record["n"])
    elif not whole(record["run"], record["id"]):
        why = "files are damaged"
    else:
        record["n"] += 1
        try:
            save(record)
        except Exception:
            if record["new"]:  # a start that cannot be counted could be repeated for ever
                why = "the start cannot be counted"
        if not why:
            if record["new"]:
                import machine

                machine.WDT(timeout=_START_MS)
            return str(record["run"])
    back(record, why)
    return ""


def back(record: "dict[str, Any]", why: str) -> None:
    """To the program before; in force at the next start. Where flash does not take it, in memory only."""
    print("program in", record["run"], "left:", why)
    record["bad"], record["why"] = version(record["run"]), why
    record["run"], record["id"] = record["was"], record["wid"]
    record["was"] = record["wid"] = ""
    record["new"] = record["n"] = 0
    try:
        save(record)
    except Exception as e:
        print("slot:", e)
    from .state import forget_bad_boots  # rarely

    forget_bad_boots()


def switch(slot: str, identity: str) -> None:
    """Let another program run from the next start on, until it is proved or left. Raises OSError."""
    record, now = load(), running()
    if record["run"] == now:
        record["was"], record["wid"] = record["run"], record["id"]
    elif record["was"] != now:  # it is `now` where the record has been switched already, and no start has followed
        record["was"] = record["wid"] = ""
    record["run"], record["id"] = slot, identity
    record["new"], record["n"] = 1, 0
    save(record)


def proved() -> None:
    """The running program has shown that it works. Raises OSError."""
    record = load()
    if running() == record["run"] and (record["new"] or record["n"]):
        record["new"] = record["n"] = 0
        save(record)


def refused() -> None:
    """The program does not take this board's files: where it is new, back to the one before."""
    record = load()
    if running() == record["run"] and record["new"]:
        import machine

        back(record, "it does not take this board's files")
        machine.reset()


def whole(slot: str, identity: str) -> bool:
    """Whether the slot holds exactly the files of the list with this SHA-256 (hex digits)."""
    try:
        if digest(slot + "/" + LIST) != identity:
            return False
        more = -sum(
            1 for folder in ("/rh", "/drivers") for _ in store.names(slot + folder)
        )  # would be imported as well
        with open(slot + "/" + LIST) as f:
            for size, expected, path in files(f):
                if os.stat(slot + "/" + path)[6] != size or digest(slot + "/" + path) != expected:
                    return False
                more += 1
    except (OSError, ValueError):
        return False
    return more == 0


def files(f: "Any") -> "Any":
    """(size, SHA-256, path) of each line of an open list after its header; raises ValueError."""
    for line in f:
        part = line.split()
        if len(part) == 3 and part[0].isdigit():
            yield int(part[0]), part[1], part[2]


def version(slot: str) -> str:
    """As the slot's list says; "" where it has none."""
    try:
        with open(slot + "/" + LIST) as f:
            for line in f:
                if line.startswith("version "):
                    return str(line[8:].strip())
    except OSError:
        pass
    return ""


def digest(path: str) -> str:
    """SHA-256 as hex digits; raises OSError."""
    return hexlify(store.digest(path)).decode()
