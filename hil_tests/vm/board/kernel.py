"""What an emulated board runs first: mounts the flash, then boot.py, main.py and the REPL as ports/esp32/main.c.

Started by the host as `kernel.main(json)`: image, nvs, sensors, adc, rs485, spi, s0, levels, cause, rtc, wdt, raw, id
and seed.
The exit code tells the host what kind of reset follows; the fresh process is the fresh heap.
"""

import gc
import json
import random
import sys

# All fakes are loaded before the flash takes the place of the host's files.
import time as _t
import _flash
import _micropython

sys.modules["micropython"] = _micropython
import _onewire
import ds18x20  # noqa: F401
import esp32
import machine
import network  # noqa: F401
import onewire  # noqa: F401
import socket  # noqa: F401
import ssl  # noqa: F401
import _aio  # noqa: F401
import _repl


def _prepare(settings):
    _onewire._attach(settings["sensors"])
    if settings["rs485"][-1]:  # on boards with meters alone
        import _modbus

        _modbus._attach(*settings["rs485"])
    if settings["spi"][-1]:
        import _max31865

        _max31865._attach(*settings["spi"])
    for i, wire in enumerate(settings["adc"]):
        machine._adc[wire[0]] = (machine._FIRST_ADC + 2 * i, wire[1], wire[2] if len(wire) > 2 else 1)
    for pin, imp_per_kwh in settings["s0"]:
        import _s0

        _s0.Output(pin, imp_per_kwh)
    for pin, level in settings["levels"]:
        machine._levels[pin] = level
    machine._cause = settings["cause"]
    machine._id = bytes(settings["id"])
    _t._rtc_s = settings["rtc"]
    _t._wdt_ms = settings["wdt"]
    machine._measured = settings["measured"]
    random.seed(settings["seed"])
    esp32._open(settings["nvs"])
    flash = _flash.mount(settings["image"])
    sys.path[:] = ["", ".frozen", "/lib"]
    return flash


def _unguarded(call):
    """Ignore a Ctrl-C that came a moment late."""
    while True:
        try:
            return call()
        except KeyboardInterrupt:
            continue


def main(text):
    settings = json.loads(text)
    _prepare(settings)
    _repl.raw_mode = settings["raw"]
    del settings
    gc.collect()
    if machine._measured:
        _t._edge(_t._HEAP, gc.mem_alloc())
    _t._next_grant()
    code = _repl.run_file("boot.py")
    if not _repl.raw_mode and code == 1:
        _t._application = True
        code = _repl.run_file("main.py")
        _t._application = False
    while code != _repl.FORCED_EXIT:
        code = _unguarded(lambda: _repl.raw() if _repl.raw_mode else _repl.friendly())
    _repl.put("MPY: soft reboot\n")
    _t._leave(65 if _repl.raw_mode else 64)
