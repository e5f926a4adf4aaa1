"""The flash chip: a littlefs image in a file of the host, mounted as `/` as the ESP32's `_boot.py` does."""

import os
import time as _t
import vfs

BLOCK = 4096
_CUT = 4  # a trouble of the grant: power ends at the write after so many more, so many quarters of which are written


class Flash:
    """Block device over an image file; `writes` counts programs and erases, for tests that cut the power."""

    def __init__(self, path):
        self._f = open(path, "r+b")
        self._blocks = self._f.seek(0, 2) // BLOCK
        self.writes = 0
        self._until_cut = -1

    def readblocks(self, n, buf, offset=0):
        self._f.seek(n * BLOCK + offset)
        self._f.readinto(buf)

    def writeblocks(self, n, buf, offset=None):
        self.writes += 1
        self._f.seek(n * BLOCK + (offset or 0))
        if _t._grant[5] == _CUT:
            if self._until_cut < 0:
                self._until_cut = self.writes + _t._grant[6]
            if self.writes > self._until_cut:
                self._f.write(memoryview(buf)[: len(buf) * _t._grant[7] // 4])
                _t._leave(68)
        self._f.write(buf)

    def ioctl(self, op, arg):
        if op == 4:
            return self._blocks
        if op == 5:
            return BLOCK
        return 0  # littlefs overwrites after an "erase"; the file has no other use for it


def mount(path):
    """Mount the image as the only file system; a fresh (blank) one is formatted, a damaged one never."""
    flash = Flash(path)
    head = bytearray(64)
    flash.readblocks(0, head)
    if not any(head) or all(b == 0xFF for b in head):
        vfs.VfsLfs2.mkfs(flash)
    fs = vfs.VfsLfs2(flash, mtime=False)
    vfs.umount("/")
    vfs.mount(fs, "/")
    os.chdir("/")
    return flash
