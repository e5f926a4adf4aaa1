"""The serial side of emulated boards: per board one PTY that an engineer's tools open, relayed to the VM's own.

Two PTYs, because Ctrl-C must interrupt running code and only running code: the VM has the second as its controlling
terminal and switches the signal on while it runs a program.

Output waits for a reader that is slow, and beyond a bound the board waits too; where nobody reads, it is dropped, as
on a UART.
"""

from __future__ import annotations

import os
import pty
import selectors
import termios
import threading
import time
from collections.abc import Callable

_CTRL_C = b"\x03"
_QUIET_WAIT_S = 0.2  # a board that has not answered its grant for so long is busy: interrupt it all the same
_SIGNAL_S = 0.002  # the kernel's terminal worker delivers the signal within this
_DRAIN_S = 0.003  # the last output of a VM passes its PTY within this
BACKLOG_MAX = 256 * 1024  # bytes kept for a reader: more than a program prints while its terminal is drawn
ABSENT_S = 2.0  # who has taken nothing for so long does not read
_LOOK_S = 0.1  # how often that is looked at, while something waits


def raw_pty() -> tuple[int, int]:
    """A PTY (master, slave) whose slave is transparent except for CR LF on output, as a chip's console."""
    master, slave = pty.openpty()
    iflag, _, cflag, _, ispeed, ospeed, cc = termios.tcgetattr(slave)
    iflag &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.ISTRIP | termios.IGNCR)
    cc = [b"\0"] * len(cc)  # no quit, no suspend
    cc[termios.VINTR] = _CTRL_C
    cc[termios.VMIN] = b"\x01"
    oflag = termios.OPOST | termios.ONLCR
    termios.tcsetattr(slave, termios.TCSANOW, [iflag, oflag, cflag, termios.NOFLSH, ispeed, ospeed, cc])
    os.set_blocking(master, False)
    return master, slave


class Console:
    """One board's user PTY; `path` is what mpremote connects to."""

    def __init__(self, relay: ConsoleRelay) -> None:
        self._relay = relay
        self._master, self._slave = pty.openpty()  # the slave stays open, or reading the master fails between users
        attributes = termios.tcgetattr(self._slave)
        attributes[0] = attributes[1] = attributes[3] = 0
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._vm = -1
        self._held = False  # the VM's output is not read: it waits for its reader
        self._backlog = bytearray()  # read from the VM, not taken by the user's side
        self._full_since: float | None = None  # since when the user's side takes nothing
        self._lock = threading.Lock()
        self.log = bytearray()  # the last output of the board
        self.typed = 0  # bytes that came from the user
        relay.add(self._master, self._from_user)

    @property
    def quiet(self) -> threading.Lock:
        """Held by whoever has grants under way."""
        return self._relay.quiet

    def attach(self, vm_master: int) -> None:
        """A VM was started on this PTY master."""
        with self._lock:
            self._vm = vm_master
            self._held = False
        self._relay.add(vm_master, self._from_vm)

    def detach(self) -> None:
        """The VM is about to end: relay its last output, then close its PTY."""
        if self._vm < 0:
            return
        deadline = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline:
            if self._from_vm(held=True):
                deadline = time.monotonic() + _DRAIN_S
            time.sleep(0.0005)
        with self._lock:
            vm, self._vm = self._vm, -1
        self._relay.remove(vm)
        os.close(vm)

    def close(self) -> None:
        self.detach()
        self._relay.remove(self._master)
        with self._lock:
            master, self._master = self._master, -1
        os.close(master)
        os.close(self._slave)

    def _from_vm(self, held: bool = False) -> bool:
        """Relay what the VM wrote; whether there was any. held: also where its reader has not taken the last yet."""
        with self._lock:
            if self._held and not held:
                return False
            try:
                data = os.read(self._vm, 65536) if self._vm >= 0 else b""
            except OSError:
                return False
            if not data:
                return False
            self.log += data
            del self.log[:-65536]
            self._backlog += data
            self._pass_on()
            return True

    def _to_user(self) -> bool:
        """The user's side takes something again, or time has passed."""
        with self._lock:
            self._pass_on()
        return True

    def _pass_on(self) -> None:
        """Give the user's side what it takes; hold the VM up while too much waits for somebody who reads."""
        try:
            while self._backlog:
                del self._backlog[: os.write(self._master, self._backlog)]
                self._full_since = None
        except BlockingIOError:
            now = time.monotonic()
            if self._full_since is None:
                self._full_since = now
            elif now - self._full_since >= ABSENT_S:
                self._backlog.clear()
        except OSError:  # closed
            self._backlog.clear()
        waits = bool(self._backlog)
        self._relay.when_writable(self._master, self._to_user if waits else None)
        if self._vm >= 0 and self._held != (len(self._backlog) >= BACKLOG_MAX):
            self._held = not self._held
            self._relay.hold(self._vm, self._held)

    def _from_user(self) -> bool:
        try:
            data = os.read(self._master, 4096)
        except OSError:
            return False
        self.typed += len(data)
        self._full_since = None  # somebody is there
        start = 0
        while start < len(data):
            if data[start : start + 1] == _CTRL_C:
                self._interrupt()
                while data[start : start + 1] == _CTRL_C:
                    start += 1
                continue
            end = data.find(_CTRL_C, start)
            self._to_vm(data[start : end if end >= 0 else len(data)])
            start = end if end >= 0 else len(data)
        return True

    def _interrupt(self) -> None:
        """Ctrl-C while the VM waits for its next grant, so that the signal never arrives within a grant."""
        quiet = self._relay.quiet.acquire(timeout=_QUIET_WAIT_S)
        try:
            self._to_vm(_CTRL_C)
            time.sleep(_SIGNAL_S)
        finally:
            if quiet:
                self._relay.quiet.release()

    def _to_vm(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._vm, data) :]
            except BlockingIOError:  # it may wait itself, for its output to be taken
                self._to_user()
                self._from_vm()
                time.sleep(0.001)
            except OSError:
                return  # between two VMs: lost, as on a line to a chip in reset


Handler = Callable[[], bool]


class ConsoleRelay:
    """One thread that serves the consoles of all boards. `quiet` is held by whoever has grants under way."""

    def __init__(self) -> None:
        self.quiet = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._guard = threading.Lock()
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_r, False)
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._readers: dict[int, Handler] = {}
        self._writers: dict[int, Handler] = {}
        self._held: set[int] = set()
        self._running = True
        self._thread = threading.Thread(target=self._run, name="consoles", daemon=True)
        self._thread.start()

    def add(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` whenever there is something to read; it says whether it read any."""
        with self._guard:
            self._readers[descriptor] = handler
            self._apply(descriptor)

    def hold(self, descriptor: int, held: bool) -> None:
        """Stop reading there, or go on."""
        with self._guard:
            if held:
                self._held.add(descriptor)
            else:
                self._held.discard(descriptor)
            self._apply(descriptor)

    def when_writable(self, descriptor: int, handler: Handler | None) -> None:
        """Call `handler` when there is room to write, and now and then until there is; None: no more."""
        with self._guard:
            if self._writers.get(descriptor) == handler:
                return
            if handler is None:
                del self._writers[descriptor]
            else:
                self._writers[descriptor] = handler
                os.write(self._wake_w, b"w")  # it may be waiting without end
            self._apply(descriptor)

    def remove(self, descriptor: int) -> None:
        with self._guard:
            self._readers.pop(descriptor, None)
            self._writers.pop(descriptor, None)
            self._held.discard(descriptor)
            self._apply(descriptor)

    def _apply(self, descriptor: int) -> None:
        events = 0
        if descriptor in self._readers and descriptor not in self._held:
            events |= selectors.EVENT_READ
        if descriptor in self._writers:
            events |= selectors.EVENT_WRITE
        known = descriptor in self._selector.get_map()
        if events and known:
            self._selector.modify(descriptor, events)
        elif events:
            self._selector.register(descriptor, events)
        elif known:
            self._selector.unregister(descriptor)

    def close(self) -> None:
        self._running = False
        os.write(self._wake_w, b"x")
        self._thread.join()
        self._selector.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _run(self) -> None:
        while self._running:
            ready = self._selector.select(_LOOK_S if self._writers else None)
            for key, events in ready:
                if key.fd == self._wake_r:
                    os.read(self._wake_r, 4096)
                    continue
                reader = self._readers.get(key.fd) if events & selectors.EVENT_READ else None
                if reader is not None and not reader():
                    time.sleep(0.001)  # a VM's PTY that has just hung up stays readable until it is detached
            with self._guard:
                writers = list(self._writers.values())
            for writer in writers:
                writer()
