"""The board's `time`, and with it the virtual clock: time moves only as far as the host grants it.

The host grants stretches over the socket whose descriptor is in LINK_FD (SEQPACKET); a grant carries what the sensors
see, the answer what the outputs did and when. Names with an underscore are for the other fakes, not for firmware.
Epoch 2000, as on the chip; ticks wrap where this VM's own ticks wrap (2^30 ms with 32-bit words).
"""

import array
import os
import sys

import utime
from utime import ticks_add, ticks_diff  # noqa: F401

_EPOCH_2000 = 946_684_800
_READS_PER_MS = 200  # a clock read costs about 5 us: programs that wait by reading the clock make progress
_LEAD_MS = 3_600_000  # virtual ticks stay ahead of the real ones that asyncio's C queue uses for "now"

# A grant: 64 integers. 0 length ms, 1 flags, 2 and 3 digital inputs by pin, 4 number of faulty DS18B20, 5 trouble of
# the chip with two arguments, 8.. DS18B20 in 1/16 degC, 24.. ADC mV pairs (output off, on), 40.. meters: W pair, Wh at
# the beginning, fault; 52.. MAX31865: mOhm.
_GRANT_WORDS = 64
_LINK, _WIFI = 1, 2
_DONE, _BYE, _EDGES, _RTC = 1, 2, 3, 4  # messages to the host
_CONNECTING, _APPLICATION, _HEARD = 1, 2, 4  # flags of _DONE; above them the watchdog's ms

_link = open(int(os.getenv("LINK_FD")), "r+b")
_grant = array.array("i", bytes(4 * _GRANT_WORDS))
_out = array.array("i", bytes(4 * 192))  # 0 kind, 1 argument, 2 now ms, then edges (ms, pin, value)
_view = memoryview(_out)
_n = 3
_ticks0 = ticks_add(utime.ticks_ms(), _LEAD_MS)
_now = 0  # ms since this VM started
_end = 0  # granted so far
_reads = 0
_asked = False  # the host knows that we wait
_fresh = True  # sockets not polled since the grant
_heard = False  # a socket had something since the grant
_connecting_until = -1
_application = False
_rtc_s = 0  # seconds since 2000 at _now == 0
_wdt_ms = 0  # 0: not armed; cannot be disarmed
_fed = 0
_timers = []  # machine.Timer objects that are armed
_on_grant = []  # called after each grant: interrupts of input pins
_BUSY = -1  # in the place of a pin: C code has the processor
_HEAP = -2  # likewise: bytes of the heap in use
_blocked = False  # in C code that takes long: callbacks wait, as the port schedules them between bytecodes


def _edge(pin, value):
    """Log an output's change for the host."""
    global _n
    if _n > 186:
        _send(_EDGES, 0)
    _out[_n] = _now
    _out[_n + 1] = pin
    _out[_n + 2] = value
    _n += 3


def _send(kind, argument):
    global _n
    _out[0] = kind
    _out[1] = argument
    _out[2] = _now
    _link.write(_view[:_n])
    _n = 3


def _ask():
    """Tell the host that everything up to the end of the grant has happened."""
    global _asked
    if not _asked:
        _asked = True
        flags = (_APPLICATION if _application else 0) | (_CONNECTING if _now < _connecting_until else 0)
        _send(_DONE, _wdt_ms << 3 | (_HEARD if _heard else 0) | flags)


def _receive():
    _grant[0] = -1
    try:
        if not _link.readinto(_grant):
            sys.exit(66)  # the host is gone
    except KeyboardInterrupt:  # a Ctrl-C that came with a grant must not lose it: the host would wait for ever
        if _grant[0] >= 0:
            _granted()
        raise
    _granted()


def _granted():
    global _end, _asked, _fresh, _heard
    _asked = False
    _fresh = True
    _heard = False
    _end += _grant[0]
    for call in _on_grant:
        call()


def _next_grant():
    _ask()
    _receive()


def _leave(code):
    """End this VM: 64 soft reset, 65 soft reset into the raw REPL, 66 hard reset, 67 watchdog. The host kills it on
    the spot, so that no `finally` of the program runs, as on the chip."""
    _send(_BYE, code)
    while True:
        try:
            if not _link.readinto(_grant):
                sys.exit(code)
        except KeyboardInterrupt:
            pass


def _move(to):
    """Let time pass until `to` (within the grant), with timers and watchdog."""
    global _now, _reads
    _reads = 0
    while _timers and not _blocked:
        timer = min(_timers, key=lambda t: t._due)
        if timer._due > to:
            break
        _now = max(_now, timer._due)
        timer._fire()
    _now = to
    if _wdt_ms and to - _fed > _wdt_ms:
        _leave(67)


def _pass(ms):
    """Let `ms` pass, over as many grants as it takes."""
    until = _now + ms
    while until > _end:
        _move(_end)
        _next_grant()
    _move(until)


def _block(ms):
    """Let `ms` pass within C code, such as a TLS handshake; what waited for it is called afterwards."""
    global _blocked
    _blocked = True
    _edge(_BUSY, 1)
    _pass(ms)
    _edge(_BUSY, -1)
    _blocked = False
    _move(_now)
    for call in _on_grant:
        call()


def _read():
    global _reads
    _reads += 1
    if _reads >= _READS_PER_MS:
        _pass(1)


def ticks_ms():
    _read()
    return ticks_add(_ticks0, _now)


def ticks_us():
    _read()
    return ticks_add(0, _now * 1000 + _reads * 5)


ticks_cpu = ticks_us


def sleep_ms(ms):
    if ms > 0:
        _pass(int(ms))


def sleep(s):
    sleep_ms(int(s * 1000))


def sleep_us(us):
    if us >= 1000:
        sleep_ms(us // 1000)
    else:
        _read()


def time():
    _read()
    return _rtc_s + _now // 1000


def time_ns():
    _read()
    return (_rtc_s + _now // 1000) * 1_000_000_000 + _now % 1000 * 1_000_000 + _reads * 5000


def gmtime(s=None):
    return utime.gmtime((time() if s is None else s) + _EPOCH_2000)[:8]


localtime = gmtime


def mktime(t):
    return int(utime.mktime(tuple(t)[:8] + ((0,) if len(t) == 8 else ()))) - _EPOCH_2000


def _set_rtc(s):
    """Set the clock to `s` seconds since 2000; the host keeps it over resets."""
    global _rtc_s
    _rtc_s = s - _now // 1000
    _send(_RTC, _rtc_s)
