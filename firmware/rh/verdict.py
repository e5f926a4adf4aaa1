"""Whether a program that came over the link may run: by its signature (`rh.approval`) and by its list (`rh.verify`).

Both take more memory than a board has in one piece once its link is up. Where it is not enough, the question is kept on
flash, and the next start answers it before anything else is in memory. An answer holds for the program that runs then.
"""

import gc
import os
import sys

from . import store

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

PATH = "list.rec"
SIGNATURE = "list.sig"
_RH = sys.modules[__name__.rpartition(".")[0]]
TRIES_MAX = 3  # starts that begin to answer: one that ends within must not be repeated for ever
DROPPED = ("approval", "signed", "verify", "chips")  # modules that have done their work


class Refused(Exception):
    """An image that this board must not run, or that cannot be had; args: the reason."""


def later(version: str, than: str) -> bool:
    """Whether a version is later: three numbers with dots; False where one of them is not."""
    try:
        return _numbers(version) > _numbers(than)
    except ValueError:
        return False


def _numbers(version: str) -> "list[int]":
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdigit() and len(part) <= 4 for part in parts):
        raise ValueError
    return [int(part) for part in parts]


def judge(path: str, identity: str, version: str, place: str) -> int:
    """Bytes of all files of the list at `path`; raises Refused, and MemoryError where there is not enough for it.

    identity: SHA-256 of the list, hex digits; place: the slot its files go to. SIGNATURE holds the signature.
    """
    try:
        from . import approval, slot

        if slot.digest(path) != identity:
            raise Refused("its list is damaged")
        with open(SIGNATURE, "rb") as f:
            approval.signature(identity, f.read(512))
        del approval  # or it would stay in memory beside what follows
        forget()
        from . import verify

        try:
            return int(verify.header(path, version, place))
        except ValueError:  # of reading it: no text, no numbers
            raise Refused(verify.NO_SENSE)
    finally:
        forget()


def ask(path: str, identity: str, version: str, place: str) -> None:
    """Let the next start answer. Raises OSError."""
    record = _load()
    tries = record["n"] if record is not None and record["id"] == identity else 0
    made = {"p": path, "id": identity, "v": version, "at": place, "by": _RH.VERSION, "n": tries, "total": 0, "why": ""}
    store.save(PATH, made)


def given(identity: str, place: str) -> "int | None":
    """What a start has answered: as `judge`; None where there is no answer for this program."""
    record = _load()
    if record is None or (record["id"], record["at"], record["by"]) != (identity, place, _RH.VERSION):
        return None
    if record["why"]:
        raise Refused(record["why"])
    return int(record["total"]) or None


def settle() -> None:
    """At a start: answer what waits for it. Never raises."""
    try:
        record = _load()
        if record is None or record["total"] or record["why"] or record["by"] != _RH.VERSION:
            return
        record["n"] += 1
        record["why"] = "its list could not be verified" if record["n"] > TRIES_MAX else ""
        store.save(PATH, record)
        if record["why"]:
            return
        try:
            record["total"] = judge(record["p"], record["id"], record["v"], record["at"])
        except Refused as e:
            record["why"] = str(e.args[0])
        store.save(PATH, record)
    except Exception as e:
        print("verdict:", e)


def withdraw() -> None:
    """Forget question and answer. Never raises."""
    for path in (PATH, SIGNATURE):
        try:
            os.remove(path)
        except OSError:
            pass


def _load() -> "dict[str, Any] | None":
    try:
        return store.load(PATH)
    except store.Damaged:
        return None


def forget() -> None:
    """Free what verifying needed."""
    for name in DROPPED:
        sys.modules.pop(_RH.__name__ + "." + name, None)
        if hasattr(_RH, name):
            delattr(_RH, name)
    gc.collect()
