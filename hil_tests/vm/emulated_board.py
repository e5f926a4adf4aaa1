"""One emulated ESP32: the real MicroPython VM on its own flash image, its pins and sensors held by the host.

Time is granted: `grant(ms)` lets the board run that long, `collect()` waits until it has. What outputs did meanwhile
is in `edges`. A reset is a new process, so the heap is fresh; pins and flash live here, as on the chip.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import random
import socket
import struct
import subprocess
import termios
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hil_tests.vm import inputs
from hil_tests.vm.console import Console, ConsoleRelay, raw_pty
from hil_tests.vm.converters import Converters, Spi
from hil_tests.vm.inputs import Inputs
from hil_tests.vm.meters import Meters, Rs485
from supervisor.domain.errors import RoadheatError

BOARD_DIR = Path(__file__).with_name("board")
FLASH_BYTES = 2 * 1024 * 1024  # the file system partition of a 4 MB ESP32
# By word size: what the ESP32 gives an application with one TLS connection, on 32 bit 128 KB, and 44 KB for the
# emulation's own modules (measured there before the firmware is imported). No chip has 64 bit: there it is as much as
# sources take that are compiled again at the prompt.
HEAP = {64: "288k", 32: "172k"}

OPEN, SHORT, NOISE = inputs.OPEN, inputs.SHORT, inputs.NOISE
BUSY, _HEAP_IN_USE = -1, -2  # in the place of an edge's pin, see board/time.py
_DONE, _BYE, _EDGES, _RTC = 1, 2, 3, 4
_CONNECTING, _APPLICATION, _HEARD = 1, 2, 4
_SOFT, _SOFT_RAW, _HARD, _WATCHDOG, _NO_POWER = 64, 65, 66, 67, 68
_PWRON_RESET, _HARD_RESET, _WDT_RESET, _SOFT_RESET = 1, 2, 3, 5
_CAUSES = {_SOFT: _SOFT_RESET, _SOFT_RAW: _SOFT_RESET, _HARD: _HARD_RESET, _NO_POWER: _PWRON_RESET}
_HANG_S = 20  # wall seconds without an answer: the program loops without ever reading the clock


class BoardError(RoadheatError):
    code = "emulated-board"


class Edge(NamedTuple):
    """An output's change: time of the bench [ms], pin, level (-1: no longer driven)."""

    at_ms: int
    pin: int
    level: int


@dataclass
class Wiring:
    """What is connected to which pin."""

    sensors: list[tuple[int, str]] = field(default_factory=list)  # DS18B20: pin, ROM as 16 hex digits
    # Analogue input, output whose load it sees (-1 none), level of it that closes the contactor (default 1).
    adc: list[tuple[int, int] | tuple[int, int, int]] = field(default_factory=list)
    rs485: Rs485 = field(default_factory=Rs485)
    spi: Spi = field(default_factory=Spi)
    s0: list[tuple[int, int]] = field(default_factory=list)  # pin of `adc` with W in place of mV, pulses per kWh


class EmulatedBoard(Inputs):
    """Host side of one board. Not thread-safe: one thread grants."""

    def __init__(
        self,
        name: str,
        folder: Path,
        vm: Path,
        wiring: Wiring,
        relay: ConsoleRelay,
        *,
        seed: int = 0,
        word_bits: int = 64,
    ) -> None:
        self.name = name
        self.image = folder / f"{name}.img"
        self._nvs = folder / f"{name}.nvs"
        if not self.image.exists():
            self.image.write_bytes(b"\xff" * FLASH_BYTES)
        self._nvs.touch()
        self._vm = vm
        self.heap = HEAP[word_bits]  # of the VM, from its next start on
        self.measured = False  # whether it tells its heap with each turn of the safety loop
        self.heap_in_use: list[int] = []  # bytes; the first of a start is the emulation's own
        self.wiring = wiring
        self.console = Console(relay)
        self._random = random.Random(f"{seed}/{name}")
        super().__init__(len(wiring.sensors))
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._buffer = bytearray(4096)
        self._end_ms = 0  # granted up to here, bench time
        self._born_ms = 0  # bench time at which this VM's clock read 0
        self._rtc = (0, 0)  # seconds since 2000 at bench time ms
        self._awaited = False
        self._wdt_ms = 0
        self.meters = Meters(wiring.rs485, self._words)
        self.converters = Converters(wiring.spi, self._words)
        self.levels: dict[int, int] = {}
        self.edges: list[Edge] = []
        self.resets: list[tuple[int, int]] = []  # (bench ms, cause)
        self.shorted: set[tuple[str, str]] = set()  # probes that short the 1-Wire bus: zone and place
        self.connecting = False  # dialled recently: its bytes should not wait for grants
        self.application = False  # main.py runs
        self.heard = False  # a socket had something in the last grant

    @property
    def linked(self) -> bool:
        """Whether the network is there and the board has power."""
        return self.link_is_there and self.powered

    @property
    def powered(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        """Process id of the VM, 0 without power."""
        return self._process.pid if self._process else 0

    # -- power ----------------------------------------------------------------------------------------------------

    def power_on(self, now_ms: int) -> None:
        self._rtc = (0, now_ms)
        self._spawn(now_ms, _PWRON_RESET, raw=False)

    def power_off(self, now_ms: int) -> None:
        """At once: outputs are no longer driven, memory is lost, the flash image stays as it is."""
        self._kill()
        self._release_outputs(now_ms)
        self.application = self.connecting = False

    def close(self) -> None:
        self._kill()
        self.console.close()

    def _release_outputs(self, now_ms: int) -> None:
        self.meters.count(now_ms, self.levels)
        self.edges.extend(Edge(now_ms, pin, -1) for pin in self.levels)
        self.levels.clear()

    def _spawn(self, now_ms: int, cause: int, *, raw: bool) -> None:
        self.resets.append((now_ms, cause))
        self.survived()
        self._born_ms = self._end_ms = now_ms
        link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _HANG_S, 0))
        master, slave = raw_pty()
        stdin = os.open(os.ttyname(slave), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        settings = {
            "image": str(self.image),
            "nvs": str(self._nvs),
            "sensors": self.wiring.sensors,
            "adc": self.wiring.adc,
            "rs485": self.wiring.rs485.settings(),
            "spi": self.wiring.spi.settings(),
            "s0": self.wiring.s0,
            "levels": list(self.levels.items()),
            "cause": cause,
            "rtc": self._rtc[0] + (now_ms - self._rtc[1]) // 1000,
            "wdt": self._wdt_ms if cause == _SOFT_RESET else 0,  # a watchdog once started survives a soft reset
            "raw": raw,
            "measured": self.measured,
            "id": list(self.name.encode()[-6:]),
            "seed": self._random.getrandbits(30),
        }
        self._process = subprocess.Popen(
            [self._vm, "-X", f"heapsize={self.heap}", "-c", "import kernel,os;kernel.main(os.getenv('BOARD'))"],
            stdin=stdin,
            stdout=slave,
            stderr=slave,
            env={
                "BOARD": json.dumps(settings),
                "LINK_FD": str(theirs.fileno()),
                "MICROPYPATH": f"{BOARD_DIR}:.frozen",
                "TZ": "UTC",
            },
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(stdin)
        os.close(slave)
        theirs.close()
        self._link = link
        self.console.attach(master)
        self._awaited = False
        self._wait_ready()

    def _wait_ready(self) -> None:
        """It asks for its first grant once its kernel runs."""
        assert self._link is not None
        n = self._link.recv_into(self._buffer)
        if n == 0:
            self.console.detach()
            raise BoardError("the VM did not start", where=self.name, remedy=bytes(self.console.log[-1000:]).decode())
        self._take_edges(memoryview(self._buffer)[:n].cast("i"))

    def _kill(self) -> None:
        if self._process is None:
            return
        self.console.detach()
        self._process.kill()
        self._process.wait()
        self._process = None
        if self._link:
            self._link.close()
            self._link = None

    # -- time -----------------------------------------------------------------------------------------------------

    def grant(self, ms: int) -> None:
        """Let the board run for `ms`; 0 lets it serve its sockets only."""
        if self._link is None:
            self._end_ms += ms
            self.meters.count(self._end_ms, self.levels)
            return
        self._words[0] = ms
        self.meters.show()
        self._end_ms += ms
        self._awaited = True
        with contextlib.suppress(OSError):  # collect() finds out
            self._link.send(self._words)

    def collect(self) -> None:
        """Wait until the board has used up its grant, resets included."""
        while self._awaited and self._link is not None:
            try:
                n = self._link.recv_into(self._buffer)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ECONNRESET):
                    raise
                n = 0
            message = memoryview(self._buffer)[:n].cast("i")
            if n == 0:
                self._reborn(_WATCHDOG, self._end_ms)
                continue
            kind, argument, now = message[0], message[1], message[2]
            self._take_edges(message)
            self.meters.count(self._born_ms + now, self.levels)
            if kind == _DONE:
                self._awaited = False
                self.connecting = bool(argument & _CONNECTING)
                self.application = bool(argument & _APPLICATION)
                self.heard = bool(argument & _HEARD)
                self._wdt_ms = argument >> 3
            elif kind == _RTC:
                self._rtc = (argument, self._born_ms)
            elif kind == _BYE:
                self._reborn(argument, self._born_ms + now)

    def _take_edges(self, message: memoryview) -> None:
        for i in range(3, len(message), 3):
            self._edge(Edge(self._born_ms + message[i], message[i + 1], message[i + 2]))

    def _edge(self, edge: Edge) -> None:
        if edge.pin == _HEAP_IN_USE:
            self.heap_in_use.append(edge.level)
            return
        self.meters.count(edge.at_ms, self.levels)
        if edge.level < 0:
            self.levels.pop(edge.pin, None)
        elif edge.pin >= 0:
            self.levels[edge.pin] = edge.level
        self.edges.append(edge)

    def _reborn(self, code: int, now_ms: int) -> None:
        """The VM has ended or does not answer: start the next one and give it the rest of the grant."""
        end_ms = self._end_ms
        self._kill()
        if code not in (_SOFT, _SOFT_RAW):
            self._release_outputs(now_ms)
        cause = _CAUSES.get(code, _WDT_RESET)
        if code == _NO_POWER:
            self._rtc = (0, now_ms)
        if len(self.resets) > 20 and self.resets[-20][0] == now_ms:
            raise BoardError(
                f"{self.name} resets without end: {bytes(self.console.log[-2000:]).decode(errors='replace')}"
            )
        self._spawn(now_ms, cause, raw=code == _SOFT_RAW)
        if end_ms > now_ms:
            self.grant(end_ms - now_ms)


def _take_terminal() -> None:
    """In the child: standard input becomes the controlling terminal, so that Ctrl-C reaches it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
