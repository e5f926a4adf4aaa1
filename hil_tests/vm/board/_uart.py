"""`machine.UART` of the ESP32, on what is wired to its pins."""

import time as _t

lines = {}  # pin a UART sends on -> the RS-485 line there


class UART:
    """Bytes at their pace to whatever is wired to the pin that sends: an RS-485 line, or nobody."""

    def __init__(self, id, baudrate=115200, *, tx=None, bits=8, parity=None, stop=1, **kwargs):
        if id not in (0, 1, 2):
            raise ValueError("UART(%d) doesn't exist" % id)
        self._byte_us = 1_000_000 * (1 + bits + stop + (parity is not None)) // baudrate
        self._line = lines.get(getattr(tx, "_id", tx))
        self._format = (baudrate, parity, stop)

    def init(self, *args, **kwargs):
        pass

    deinit = init

    def any(self):
        return 0 if self._line is None else self._line.waiting()

    def read(self, n=-1):
        n = self.any() if n < 0 else min(n, self.any())
        return self._line.take(n) if n else None

    def readinto(self, buf, n=-1):
        data = self.read(len(buf) if n < 0 else n)
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def write(self, buf):
        if self._line is not None:
            self._line.sent(bytes(buf), self._byte_us, self._format)
        self._sent_until = _t._now + len(buf) * self._byte_us // 1000 + 1
        return len(buf)

    def flush(self):
        _t.sleep_ms(max(0, self._sent_until - _t._now))

    def txdone(self):
        return _t._now >= self._sent_until
