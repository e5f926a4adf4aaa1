"""`machine` of the ESP32: pins whose level the host keeps over resets, ADC with the ESP32's blind spots, watchdog."""

import gc
import time as _t

import _spi
from _spi import SPI as SPI
from _uart import UART as UART

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
_FIRST_ADC = 24  # word of the grant with the first channel's pair of mV: output off, output on
_ADC_BLIND_MV = 100  # the ESP32's ADC reads 0 below, and saturates above
_ADC_FULL_MV = (950, 1250, 1750, 3100)  # by attenuation
_OUT_OF_MEMORY = 1  # a trouble of the grant
_NO_SIGNAL = 62  # words of the grant that stay 0
_PINS = tuple(range(6)) + tuple(range(12, 20)) + (21, 22, 23, 25, 26, 27) + tuple(range(32, 40))  # flash left out
_ADC1_PINS = tuple(range(32, 40))
_ADC2_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)  # shared with the radio

_levels = {}  # outputs that are driven: pin -> 0 or 1; a pin that is not here follows the pull outside
_pins = {}
_before_edge = []  # called before an output changes: meters, which count what flowed until then
_adc = {}  # pin -> (word of the grant, output pin whose load it measures or -1, level that closes its contactor)
_cause = PWRON_RESET
_measured = False  # the host is told the heap in use with each turn of the safety loop
_id = b"\x02\x00\x00\x00\x00\x00"


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_DOWN, PULL_UP = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2
    DRIVE_0, DRIVE_1, DRIVE_2, DRIVE_3 = 0, 1, 2, 3

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if not isinstance(id, int) or id not in _PINS:
            raise ValueError("invalid pin")
        self._id = id
        self._pull = None
        self._handler = None
        _pins[id] = self
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if mode != -1:
            if mode != self.IN and self._id >= 34:
                raise ValueError("pin can only be input")
            if mode == self.OUT:
                self._drive(_levels.get(self._id, 0) if value is None else value)
            elif mode == self.IN and self._id in _levels:
                for call in _before_edge:
                    call()
                del _levels[self._id]
                _t._edge(self._id, -1)
        if pull != -1:
            self._pull = pull
        if value is not None:
            self.value(value)

    def _drive(self, level):
        level = 1 if level else 0
        if _levels.get(self._id) != level:
            for call in _before_edge:
                call()
            _levels[self._id] = level
            if self._id in _spi.chips:  # several times a second, and no contactor
                _spi.select(self._id, level)
            else:
                _t._edge(self._id, level)

    def value(self, x=None):
        driven = self._id in _levels  # of the pin, whichever object made it an output or released it
        if x is None:
            return _levels[self._id] if driven else _input(self._id)
        if driven:
            self._drive(x)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=IRQ_RISING | IRQ_FALLING, wake=None):  # the port knows no `hard`
        self._handler = handler
        self._trigger = trigger
        self._last = self.value()
        if _interrupts not in _t._on_grant:
            _t._on_grant.append(_interrupts)
        return self


def _input(pin):
    return _t._grant[2 + (pin >> 5)] >> (pin & 31) & 1


def _interrupts():
    if _t._blocked:
        return
    for pin in _pins.values():
        if pin._handler and pin._id not in _levels:
            level = _input(pin._id)
            if level != pin._last:
                pin._last = level
                if pin._trigger & (Pin.IRQ_RISING if level else Pin.IRQ_FALLING):
                    pin._handler(pin)


class Signal:
    def __init__(self, pin, *args, invert=False, **kwargs):
        self._pin = pin if isinstance(pin, Pin) else Pin(pin, *args, **kwargs)
        self._invert = invert

    def value(self, x=None):
        if x is None:
            return self._pin.value() ^ self._invert
        self._pin.value(bool(x) ^ self._invert)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class ADC:
    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3
    WIDTH_9BIT, WIDTH_10BIT, WIDTH_11BIT, WIDTH_12BIT = 9, 10, 11, 12

    def __init__(self, pin, *, atten=ATTN_0DB):
        id = pin._id if isinstance(pin, Pin) else pin
        if id not in _ADC1_PINS and id not in _ADC2_PINS:
            raise ValueError("invalid pin")
        self._adc2 = id in _ADC2_PINS
        self._word, self._output, self._active = _adc.get(id, (_NO_SIGNAL, -1, 1))
        self.init(atten=atten)

    def init(self, *, atten=ATTN_0DB):
        self._full = _ADC_FULL_MV[atten]

    def atten(self, atten):
        self.init(atten=atten)

    def width(self, bits):
        pass

    def read_uv(self):
        if self._adc2:
            import network

            if any(i.active() for i in network._interfaces):
                raise OSError(-0x107)  # ESP_ERR_TIMEOUT: the radio owns ADC2
        if _t._grant[5] == _OUT_OF_MEMORY:
            raise MemoryError("memory allocation failed")
        mv = _t._grant[self._word + 1 if _levels.get(self._output) == self._active else self._word]
        if mv < _ADC_BLIND_MV:
            return 0
        return (mv if mv < self._full else self._full) * 1000

    def read_u16(self):
        return min(65535, self.read_uv() // 1000 * 65535 // self._full)

    def read(self):
        return self.read_u16() >> 4


class WDT:
    def __init__(self, id=0, timeout=5000):
        _t._wdt_ms = timeout
        _t._fed = _t._now

    def feed(self):
        _t._fed = _t._now
        if _measured:
            _t._edge(_t._HEAP, gc.mem_alloc())


class Timer:
    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id=-1, **kwargs):
        if kwargs:
            self.init(**kwargs)

    def init(self, *, mode=PERIODIC, period=-1, freq=None, callback=None, hard=False, **kwargs):
        if hard:
            raise ValueError("hard Timers are not implemented")  # as ports/esp32/machine_timer.c, v1.26
        self.deinit()
        self._period = max(1, int(1000 // freq) if freq else period)
        self._mode = mode
        self._callback = callback
        self._due = _t._now + self._period
        _t._timers.append(self)

    def deinit(self):
        if self in _t._timers:
            _t._timers.remove(self)

    def _fire(self):
        if self._mode == self.PERIODIC:
            self._due += self._period
        else:
            self.deinit()
        if self._callback:
            self._callback(self)


class RTC:
    def datetime(self, value=None):
        if value is None:
            y, mo, d, h, mi, s, wd, _ = _t.gmtime()
            return (y, mo, d, wd, h, mi, s, 0)
        y, mo, d, _, h, mi, s, _ = value
        _t._set_rtc(_t.mktime((y, mo, d, h, mi, s, 0, 0)))

    def init(self, value):
        y, mo, d, h, mi, s, *_ = tuple(value) + (0, 0)
        _t._set_rtc(_t.mktime((y, mo, d, h, mi, s, 0, 0)))

    def memory(self, data=None):
        import esp32

        nvs = esp32.NVS("_rtc")
        if data is not None:
            nvs.set_blob("m", data)
            nvs.commit()
            return
        out = bytearray(2048)
        try:
            return bytes(out[: nvs.get_blob("m", out)])
        except OSError:
            return b""


SoftSPI = SPI


def reset():
    _t._leave(66)


def soft_reset():
    raise SystemExit


def reset_cause():
    return _cause


def wake_reason():
    return 0


def unique_id():
    return _id


def freq(hz=None):
    return 240_000_000


def idle():
    _t.sleep_ms(1)


def disable_irq():
    return 0


def enable_irq(state=0):
    pass
