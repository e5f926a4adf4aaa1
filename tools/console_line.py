"""The line that a board with a locked console answers: what it does, and letting an engineer in. Needs no mpremote."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from tools.flashing import BoardToolError

BAUD = 115_200
_ANSWER_S = 3.0  # a board looks at its console every half second
MINUTES_MAX = 120


@contextmanager
def _port(path: str) -> Iterator[Any]:
    """The serial port, opened without the control lines that reset a board."""
    import serial

    port = serial.Serial(baudrate=BAUD, timeout=0.1, write_timeout=_ANSWER_S)
    port.port = path
    port.dtr = port.rts = False
    try:
        port.open()
    except (OSError, serial.SerialException) as error:
        raise BoardToolError(f"cannot be opened: {error}", where=path, remedy="Check the cable and the port") from None
    try:
        yield port
    finally:
        port.close()


def _ask(port: Any, line: str, wait_s: float = _ANSWER_S) -> str:
    """The board's answer to a line, or nothing in `wait_s`."""
    port.reset_input_buffer()
    port.write(b"\r" + line.encode() + b"\r")
    seen, deadline = b"", time.monotonic() + wait_s
    while time.monotonic() < deadline:
        seen += port.read(4096)
        for text in seen.decode("utf-8", "replace").splitlines(keepends=True):
            if text.startswith("rh ") and text.endswith("\n"):
                return str(text[3:].strip())
    return ""


def now(path: str, wait_s: float = _ANSWER_S) -> dict[str, Any] | None:
    """What a board in operation says of itself without being disturbed; None where it does not answer the line.

    Keys: `b` id, `fw` firmware, `up` s, `open_s` seconds for which the console is unlocked, `nonce`, `z` zones as
    [id, surface m°C, W, who decides, flags].
    """
    with _port(path) as port:
        said = _ask(port, "rh?", wait_s)
    try:
        found = json.loads(said) if said else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"b", "nonce", "open_s"} <= set(found) else None


def log(path: str, most: int) -> str:
    """The end of a board's log, at most so many bytes, whole lines; the heat goes on. Raises BoardToolError."""
    text, at = "", -most
    with _port(path) as port:
        while True:
            found = _said(port, f"rh log {at}", path)
            part, after = found.get("log"), found.get("next")
            if not isinstance(part, str) or not isinstance(after, int) or not part:
                break
            if at < 0 and after - len(part) > 0:
                part = part.partition("\n")[2]  # it begins within a line
            text, at = text + part, after
            if after >= found.get("size", 0) or len(text) > 2 * most:
                break
    return text


def crash(path: str) -> str:
    """Traceback of the last start that ended in one, "" where there was none. Raises BoardToolError."""
    with _port(path) as port:
        return str(_said(port, "rh crash", path).get("crash", ""))


def _said(port: Any, line: str, path: str) -> dict[str, Any]:
    """The board's answer as an object; raises BoardToolError where it gives none."""
    try:
        found = json.loads(_ask(port, line))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BoardToolError(
            "no answer from a locked console", where=path, remedy="Its firmware may be older, or its console open"
        )
    return found


def unlock(path: str, board: str, key: bytes, minutes: int) -> None:
    """Let Ctrl-C through for some minutes; the heat goes on. Raises BoardToolError."""
    found = now(path)
    if found is None:
        raise BoardToolError(
            "no answer from a locked console", where=path, remedy="It may be open already: try mpremote"
        )
    if found["b"] != board:
        raise BoardToolError(f"this is {found['b']}, not {board}", where=path, remedy="Check the port")
    text = f" {minutes}"
    mac = hmac.new(key, b"console" + found["nonce"].encode() + text.encode(), sha256).hexdigest()
    with _port(path) as port:
        said = _ask(port, f"rh unlock{text} {mac}")
    if said != "unlocked":
        remedy = "It has another key: provision and flash it again after erasing its flash with esptool"
        raise BoardToolError("the board refused the key", where=path, remedy=remedy)
