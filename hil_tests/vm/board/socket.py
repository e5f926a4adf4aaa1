"""The VM's real sockets, as long as the emulated link is up. TCP_NODELAY: real delays would be virtual minutes."""

import time as _t
import usocket as _u
from usocket import *  # noqa: F403

_SETTLE_MS = 20_000  # for so long after a dial the host lets nobody's time pass while bytes are under way
_EHOSTUNREACH = 118  # lwIP's number
# Troubles of the grant: C code that does not return, an exception nobody has listed, and a handshake's computing.
_HANG, _REFUSE, _HANDSHAKE = 2, 3, 5
_HANG_MS = 20_000


def getaddrinfo(host, port, *args):
    if not _t._grant[1] & _t._LINK:
        raise OSError(-202)  # the ESP32's answer when the name cannot be resolved
    return _u.getaddrinfo(host, port, *args)


def socket(*args):
    if _t._grant[5] == _HANG:
        _t.sleep_ms(_HANG_MS)
    if _t._grant[5] == _REFUSE:
        raise RuntimeError("Wifi Unknown Error 0x0101")
    if _t._grant[5] == _HANDSHAKE:
        _t._block(_t._grant[6])
    if not _t._grant[1] & _t._LINK:
        raise OSError(_EHOSTUNREACH)
    made = _u.socket(*args)
    if len(args) < 2 or args[1] == SOCK_STREAM:
        made.setsockopt(6, 1, 1)
        _t._connecting_until = _t._now + _SETTLE_MS
    return made
