"""Running code at an emulated board's raw prompt on granted time, for tests that need no mpremote."""

from __future__ import annotations

import os
import time

from hil_tests.vm.emulated_board import BoardError, EmulatedBoard

_ENTER, _RUN, _LEAVE = b"\r\x03\x01", b"\x04", b"\x02"
_RAW = b"raw REPL; CTRL-B to exit\r\n>"
_WALL_S = 20


class Prompt:
    """Like an engineer's terminal. Interrupts what runs; leaves the board at the friendly prompt."""

    def __init__(self, board: EmulatedBoard, step_ms: int = 100) -> None:
        self._board = board
        self._step_ms = step_ms
        self._line = os.open(board.console.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._seen = b""

    def close(self) -> None:
        os.close(self._line)

    def run(self, code: str) -> str:
        """What `code` prints; raises BoardError with the traceback if it fails."""
        self._enter()
        self._send(code.encode() + _RUN)
        self._until(b"OK")
        out = self._until(_RUN)
        error = self._until(_RUN)
        self._send(_LEAVE)
        self._until(b">>> ")
        if error:
            raise BoardError(error.decode(), where=self._board.name)
        return out.decode().replace("\r\n", "\n")

    def _enter(self) -> None:
        self._send(_ENTER)
        self._until(_RAW)

    def send(self, data: bytes) -> None:
        self._send(data)

    def until(self, end: bytes) -> bytes:
        """What comes before `end`; time passes meanwhile."""
        return self._until(end)

    def _send(self, data: bytes) -> None:
        os.write(self._line, data)

    def _until(self, end: bytes) -> bytes:
        deadline = time.monotonic() + _WALL_S
        while end not in self._seen:
            with self._board.console.quiet:  # so that Ctrl-C never arrives within a grant
                self._board.grant(self._step_ms)
                self._board.collect()
            try:
                self._seen += os.read(self._line, 65536)
            except BlockingIOError:
                time.sleep(0.0005)
            if time.monotonic() > deadline:
                raise BoardError(f"no {end!r} in {self._seen!r}", where=self._board.name)
        before, _, self._seen = self._seen.partition(end)
        return before
