"""What a board has reported, kept on flash: at least 1,000 lines in two files. When the newer is full, the older goes.

A line: boot, uptime [s], UTC [s] (0: not known), what, detail. What is reported again and again is written once in ten
minutes, with how often: flash wears, and a line that repeats says nothing new.
"""

import os

PATH = "events."  # and 0 for the newer file, 1 for the older
CRASH = "crash.txt"  # traceback of the last start that ended in one
FILE_MAX = 81_920  # bytes: 1,000 lines of the usual length, so that the older file alone has as many
FRAMES_MAX = 6  # that are kept in memory, for a crash
_FRAMES = b"\nlast frames:"
AGAIN_S = 600
_KNOWN_MAX = 16  # kinds whose repetitions are counted
_DETAIL_MAX = 160
CHUNK = 400  # bytes that the console shows at a time: the line to it blocks


_frames: "list[str]" = []


def frame(what: str) -> None:
    """Note a frame of the supervisor: a crash tells of the last ones."""
    _frames.append(what)
    if len(_frames) > FRAMES_MAX:
        _frames.pop(0)


class Events:
    """boot: this start's number. Nothing here raises: a full or worn flash costs lines only."""

    def __init__(self, boot: int, path: str = PATH) -> None:
        self._boot = boot
        self._path = path
        self._last: "dict[str, list[int]]" = {}  # what: [written at, how often since]

    def add(self, t: int, utc: int, what: str, detail: object) -> None:
        """Keep a line."""
        try:
            known = self._last.get(what)
            if known is not None and t - known[0] < AGAIN_S:
                known[1] += 1
                return
            again = " ({} times more before)".format(known[1]) if known is not None and known[1] else ""
            if len(self._last) >= _KNOWN_MAX:
                self._last.clear()
            self._last[what] = [t, 0]
            self._write("{} {} {} {}: {}{}".format(self._boot, t, utc, what, _plain(detail), again))
        except Exception:
            pass

    def _write(self, line: str) -> None:
        newer = self._path + "0"
        if _size(newer) >= FILE_MAX:
            os.rename(newer, self._path + "1")
        with open(newer, "ab") as f:
            f.write(_plain(line, 400).encode() + b"\n")


def read(at: int, path: str = PATH) -> "tuple[bytes, int, int]":
    """(bytes from place `at` on, where they end, how many there are) of both files, older first.

    at: negative counts from the end.
    """
    older = _size(path + "1")
    whole = older + _size(path + "0")
    at = max(0, whole + at) if at < 0 else min(at, whole)
    name, start = (path + "1", at) if at < older else (path + "0", at - older)
    found = b""
    try:
        with open(name, "rb") as f:
            f.seek(start)
            found = f.read(CHUNK)
    except OSError:
        pass
    return found, at + len(found), whole


def crashed(error: BaseException, path: str = CRASH) -> None:
    """Keep the traceback of what ends this start. Nothing is written where it is the last one once more."""
    import io
    import sys

    try:
        text = io.StringIO()
        sys.print_exception(error, text)
        raw = text.getvalue()[-800:].encode()
        if crash(path).split(_FRAMES)[0] != raw:
            with open(path, "wb") as f:
                f.write(raw + _FRAMES + _plain("; ".join(_frames)).encode())
    except Exception:
        pass


def crash(path: str = CRASH) -> bytes:
    """The last traceback, b"" where there is none."""
    try:
        with open(path, "rb") as f:
            raw: bytes = f.read(1_024)
            return raw
    except OSError:
        return b""


def last_line(raw: bytes) -> str:
    """Of a traceback: the error, at most 80 characters."""
    lines = raw.split(_FRAMES)[0].split(b"\n")
    lines = [line for line in lines if line.strip()]
    return _plain("".join([chr(c) for c in lines[-1]]), 80) if lines else ""


def _plain(value: object, most: int = _DETAIL_MAX) -> str:
    """One line of printable ASCII."""
    return "".join([c if " " <= c <= "~" else "?" for c in str(value)[:most]])


def _size(path: str) -> int:
    try:
        return os.stat(path)[6]
    except OSError:
        return 0
