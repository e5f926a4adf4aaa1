"""`os` of the VM, with the `uname` of the ESP32's port."""

from uos import *  # noqa: F403

import sys
from collections import namedtuple

_Uname = namedtuple("uname_result", ("sysname", "nodename", "release", "version", "machine"))


def uname():
    release = ".".join(str(n) for n in sys.implementation.version[:3])
    return _Uname("esp32", "esp32", release, "v" + release, "Generic ESP32 module with ESP32 (emulated)")
