"""Telemetry that the supervisor has not acknowledged: newest in RAM, the rest in segments on flash, oldest first out.

Records are packed bytes of one size. Held for 26 h at one a minute; when full the oldest segment goes and is counted.
"""

import os
from binascii import crc32
from struct import pack, unpack_from

SEGMENT = 32  # records a file: within one 4 KB block of the file system
SEGMENTS_MAX = 49
FLUSH = 5  # records gathered in RAM before one append: spares the flash, risks five minutes at a power cut
RAM_MAX = 120  # when flash takes nothing


def _numbers(folder: str) -> "list[int]":
    """Of the segments there are; makes the folder. Nothing found on flash may keep a board from starting."""
    numbers: "list[int]" = []
    try:
        os.mkdir(folder)
    except Exception:
        pass  # most often: it is there
    try:
        for name in os.listdir(folder):
            if len(name) == 12 and name.endswith(".bin") and name[:8].isdigit():
                numbers.append(int(name[:8]))
    except Exception:
        pass  # RAM has to do
    numbers.sort()
    return numbers


class Journal:
    """Append with `put`, read in order with `fetch`, forget with `acknowledge`.

    size: bytes of a record, whose first 8 are boot and sequence as little-endian 32-bit words.
    """

    def __init__(self, folder: str, size: int) -> None:
        self._folder = folder
        self._size = size + 4  # CRC-32
        self._tail: "list[bytes]" = []
        self._head: "list[bytes]" = []
        self._head_file: "int | None" = None
        self._next = 0  # index in head of the record to send next
        self._written = SEGMENT  # records in the newest segment: the first flush opens a new one
        self.dropped = 0
        self._segments = _numbers(folder)
        self._number = self._segments[-1] if self._segments else 0

    def __len__(self) -> int:
        """Records waiting (segments on flash counted as full)."""
        return len(self._head) + len(self._tail) + SEGMENT * len(self._segments)

    def clear(self) -> int:
        """Forget what earlier starts left on flash, whose records name zones by their place; how many at most."""
        left = SEGMENT * len(self._segments)
        for number in self._segments:
            self._remove(number)
        self._segments = []
        self.dropped += left
        return left

    def put(self, record: bytes) -> None:
        """Keep a record; it survives a power cut after at most FLUSH of them."""
        if len(self._tail) >= RAM_MAX:  # flash has taken nothing for two hours
            self._tail.pop(0)
            self.dropped += 1
        self._tail.append(record)
        if len(self._tail) >= FLUSH:
            self._flush()

    def fetch(self) -> "bytes | None":
        """Next record to send, or None when all that is here has been sent."""
        if not self._head:
            self._load()
        if self._next >= len(self._head):
            return None
        self._next += 1
        return self._head[self._next - 1]

    def rewind(self) -> None:
        """A new session: what was sent and not acknowledged is sent again."""
        self._next = 0

    def acknowledge(self, boot: int, q: int) -> bool:
        """Forget the record of that key; False if it is none of those sent."""
        for i in range(self._next):
            if unpack_from("<II", self._head[i]) == (boot, q):
                self._head.pop(i)
                self._next -= 1
                if not self._head:
                    self._remove(self._head_file)
                    self._head_file = None
                return True
        return False

    def _load(self) -> None:
        """Take the oldest segment, or else what is still in RAM, as head."""
        self._next = 0
        while self._segments and not self._head:
            number = self._segments.pop(0)
            if number == self._number:
                self._written = SEGMENT  # being read: the next flush opens a new one
            self._head = self._read(number)
            if self._head:
                self._head_file = number
            else:
                self._remove(number)
        if not self._head:
            self._head = self._tail
            self._tail = []

    def _read(self, number: int) -> "list[bytes]":
        records: "list[bytes]" = []
        try:
            with open(self._path(number), "rb") as f:
                while True:
                    raw = f.read(self._size)
                    if len(raw) != self._size:
                        break
                    if crc32(raw[:-4]) == unpack_from("<I", raw, self._size - 4)[0]:
                        records.append(raw[:-4])
                    else:
                        self.dropped += 1
        except Exception:  # what could be read is sent
            pass
        return records

    def _flush(self) -> None:
        if self._written >= SEGMENT:
            self._number += 1
            self._segments.append(self._number)
            self._written = 0
            if len(self._segments) > SEGMENTS_MAX:
                self._remove(self._segments.pop(0))
                self.dropped += SEGMENT
        try:
            with open(self._path(self._number), "ab") as f:
                f.write(b"".join([record + pack("<I", crc32(record)) for record in self._tail]))
            self._written += len(self._tail)
            self._tail = []
        except Exception:  # full, worn or without memory: RAM holds two hours
            pass

    def _remove(self, number: "int | None") -> None:
        if number is not None:
            try:
                os.remove(self._path(number))
            except Exception:
                pass

    def _path(self, number: int) -> str:
        return "{}/{:08d}.bin".format(self._folder, number)
