"""The serial side of emulated boards: per board one PTY that an engineer's tools open, relayed to the VM's own.

Two PTYs, because Ctrl-C must interrupt running code and only running code: the VM has the second as its controlling
terminal and switches the signal on while it runs a program. Output that is not read is dropped, as on a UART.
"""

from __future__ import annotations

import contextlib
import os
import pty
import selectors
import termios
import threading
import time

_CTRL_C = b"\x03"
_QUIET_WAIT_S = 0.2  # a board that has not answered its grant for so long is busy: interrupt it all the same
_SIGNAL_S = 0.002  # the kernel's terminal worker delivers the signal within this
_DRAIN_S = 0.003  # the last output of a VM passes its PTY within this


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
        self._lock = threading.Lock()
        self.log = bytearray()  # the last output of the board
        self.typed = 0  # bytes that came from the user
        relay.add(self._master, self._from_user)

    def attach(self, vm_master: int) -> None:
        """A VM was started on this PTY master."""
        with self._lock:
            self._vm = vm_master
        self._relay.add(vm_master, self._from_vm)

    def detach(self) -> None:
        """The VM is about to end: relay its last output, then close its PTY."""
        if self._vm < 0:
            return
        deadline = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline:
            if self._from_vm():
                deadline = time.monotonic() + _DRAIN_S
            time.sleep(0.0005)
        with self._lock:
            vm, self._vm = self._vm, -1
        self._relay.remove(vm)
        os.close(vm)

    def close(self) -> None:
        self.detach()
        self._relay.remove(self._master)
        os.close(self._master)
        os.close(self._slave)

    def _from_vm(self) -> bool:
        """Relay what the VM wrote; whether there was any."""
        with self._lock:
            try:
                data = os.read(self._vm, 65536) if self._vm >= 0 else b""
            except OSError:
                return False
            if not data:
                return False
            self.log += data
            del self.log[:-65536]
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, data)
            return True

    def _from_user(self) -> bool:
        try:
            data = os.read(self._master, 4096)
        except OSError:
            return False
        self.typed += len(data)
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
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                return  # between two VMs: lost, as on a line to a chip in reset


class ConsoleRelay:
    """One thread that serves the consoles of all boards. `quiet` is held by whoever has grants under way."""

    def __init__(self) -> None:
        self.quiet = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._changes: list[tuple[int, object]] = []
        self._guard = threading.Lock()
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_r, False)
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._handlers: dict[int, object] = {}
        self._running = True
        self._thread = threading.Thread(target=self._run, name="consoles", daemon=True)
        self._thread.start()

    def add(self, descriptor: int, handler: object) -> None:
        with self._guard:
            self._handlers[descriptor] = handler
            self._selector.register(descriptor, selectors.EVENT_READ)

    def remove(self, descriptor: int) -> None:
        with self._guard:
            if self._handlers.pop(descriptor, None) is not None:
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
            for key, _ in self._selector.select():
                handler = self._handlers.get(key.fd)
                if callable(handler) and not handler():
                    time.sleep(0.001)  # a VM's PTY that has just hung up stays readable until it is detached
