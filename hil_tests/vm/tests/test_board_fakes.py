"""The fakes behave as the chip does, on granted time."""

from __future__ import annotations

import threading

import pytest

from hil_tests.vm.emulated_board import NOISE, OPEN, SHORT, EmulatedBoard
from hil_tests.vm.prompt import Prompt

pytestmark = pytest.mark.vm
READ = """
import onewire, ds18x20, machine, time
d = ds18x20.DS18X20(onewire.OneWire(machine.Pin(4)))
"""


def test_time_passes_only_as_granted(board: EmulatedBoard, prompt: Prompt) -> None:
    assert (
        prompt.run("import time; t=time.ticks_ms(); time.sleep(5); print(time.ticks_diff(time.ticks_ms(), t))")
        == "5000\n"
    )


def test_busy_waiting_on_the_clock_ends(prompt: Prompt) -> None:
    code = "import time\nt=time.ticks_ms()\nwhile time.ticks_diff(time.ticks_ms(), t) < 50: pass\nprint('done')"
    assert prompt.run(code) == "done\n"


def test_asyncio_sleeps_on_the_virtual_clock(prompt: Prompt) -> None:
    code = """
import asyncio, time
async def one(ms, out):
    await asyncio.sleep_ms(ms)
    out.append(ms)
async def main():
    out = []
    t = time.ticks_ms()
    await asyncio.gather(one(700, out), one(300, out), one(3600000, out))
    print(out, time.ticks_diff(time.ticks_ms(), t))
asyncio.run(main())
"""
    prompt._step_ms = 60_000
    assert prompt.run(code) == "[300, 700, 3600000] 3600000\n"


def test_thermometers_answer_with_rom_and_crc(board: EmulatedBoard, prompt: Prompt) -> None:
    board.set_temperature(0, -7.5)
    board.set_temperature(1, 21.25)
    code = READ + "d.convert_temp(); time.sleep_ms(750); print(sorted(d.read_temp(r) for r in d.scan()))"
    assert prompt.run(code) == "[-7.5, 21.25]\n"


def test_conversion_takes_its_time(board: EmulatedBoard, prompt: Prompt) -> None:
    board.set_temperature(0, 3.0)
    board.set_temperature(1, 3.0)
    code = READ + "r=d.scan()[0]; d.convert_temp()\n" + "for ms in (500, 300): time.sleep_ms(ms); print(d.read_temp(r))"
    assert prompt.run(code) == "85.0\n3.0\n"


@pytest.mark.parametrize(("fault", "outcome"), [(OPEN, "Exception"), (SHORT, "OneWireError"), (NOISE, "Exception")])
def test_broken_thermometers_are_noticed(board: EmulatedBoard, prompt: Prompt, fault: int, outcome: str) -> None:
    board.set_temperature(0, 3.0)
    board.set_temperature(1, 3.0)
    prompt.run(READ + "roms = d.scan()\nprint(len(roms))")
    board.set_temperature(0, fault)
    code = f"""
rom = [r for r in roms if r.__class__ and bytes(r) == bytes.fromhex('{board.wiring.sensors[0][1]}')][0]
try:
    d.convert_temp(); time.sleep_ms(750); d.read_temp(rom)
    print('fine')
except Exception as e:
    print(type(e).__name__)
"""
    assert prompt.run(code) == outcome + "\n"


def test_adc_is_blind_below_100_mv_and_sees_its_load(board: EmulatedBoard, prompt: Prompt) -> None:
    board.set_adc(0, 90.0)
    board.set_adc(1, 150.0, 2150.0)
    code = """
from machine import ADC, Pin
m, c = ADC(Pin(34), atten=ADC.ATTN_11DB), ADC(Pin(36), atten=ADC.ATTN_11DB)
p = Pin(25, Pin.OUT, value=0)
a = c.read_uv(); p(1); b = c.read_uv(); p(0)
print(m.read_uv(), a, b)
"""
    assert prompt.run(code) == "0 150000 2150000\n"


def test_edges_carry_their_time(board: EmulatedBoard, prompt: Prompt) -> None:
    prompt.run("from machine import Pin; import time; p = Pin(25, Pin.OUT, value=0)")
    board.edges.clear()
    prompt.run("p(1); time.sleep_ms(1234); p(0)")
    on, off = board.edges
    assert (on.level, off.level) == (1, 0)
    assert off.at_ms - on.at_ms == 1234


def test_outputs_keep_their_level_over_soft_reset_only(board: EmulatedBoard, prompt: Prompt) -> None:
    prompt.run("from machine import Pin; p = Pin(25, Pin.OUT, value=1)")
    prompt.send(b"\x04")
    prompt.until(b"soft reboot")
    prompt.until(b">>> ")
    assert board.levels == {25: 1}
    prompt.send(b"import machine; machine.reset()\r")
    prompt.until(b"emulated")
    assert board.levels == {}
    assert [cause for _, cause in board.resets] == [1, 5, 2]


def test_watchdog_resets_unless_fed(board: EmulatedBoard, prompt: Prompt) -> None:
    prompt.run(
        "import machine, time\nw = machine.WDT(timeout=2000)\nfor _ in range(5): time.sleep(1); w.feed()\nprint('fed')"
    )
    for _ in range(40):
        board.grant(100)
        board.collect()
    assert board.resets[-1][1] == 3


def test_input_interrupt_comes_with_the_level(board: EmulatedBoard, prompt: Prompt) -> None:
    prompt.run(
        "from machine import Pin; seen = []; p = Pin(39, Pin.IN); p.irq(lambda q: seen.append(q()), Pin.IRQ_RISING)"
    )
    board.set_input(39, 1)
    assert prompt.run("print(seen, p())") == "[1] 1\n"
    board.set_input(39, 0)
    assert prompt.run("print(seen, p())") == "[1] 0\n"


def test_there_are_no_hard_interrupts(prompt: Prompt) -> None:
    """As on the chip's port: what a program could do with them would prove nothing about a board."""
    code = """
import machine
for call in (
    lambda: machine.Pin(13, machine.Pin.IN).irq(print, machine.Pin.IRQ_RISING, hard=True),
    lambda: machine.Timer(0).init(period=50, callback=print, hard=True),
):
    try:
        call()
    except (TypeError, ValueError) as e:
        print(type(e).__name__)
"""
    assert prompt.run(code) == "TypeError\nValueError\n"


def test_no_network_while_the_link_is_cut(board: EmulatedBoard, prompt: Prompt) -> None:
    board.cut_link(wifi=True)
    code = """
import network, socket, time
w = network.WLAN(network.STA_IF); w.active(True); w.connect('a', 'b'); time.sleep(3)
try:
    socket.getaddrinfo('127.0.0.1', 1)
    print('reached')
except OSError as e:
    print(w.isconnected(), e.args[0])
"""
    assert prompt.run(code) == "False -202\n"
    board.restore_link()
    assert prompt.run("time.sleep(3); print(w.isconnected())") == "True\n"


def test_power_cut_forgets_memory_and_clock_but_not_flash(board: EmulatedBoard, prompt: Prompt) -> None:
    prompt.run("import machine; machine.RTC().datetime((2026,1,1,0,0,0,0,0)); open('f','w').write('x'); y = 1")
    board.power_off(100_000)
    board.power_on(200_000)
    assert (
        prompt.run("import os, time; print(os.listdir(), time.gmtime()[0], 'y' in globals())") == "['f'] 2000 False\n"
    )


def test_nvs_survives(board: EmulatedBoard, prompt: Prompt) -> None:
    prompt.run("import esp32; n = esp32.NVS('a'); n.set_i32('boots', 41); n.commit()")
    board.power_off(0)
    board.power_on(0)
    assert prompt.run("import esp32; print(esp32.NVS('a').get_i32('boots') + 1)") == "42\n"


def test_ctrl_c_stops_a_program_that_never_reads_the_clock(board: EmulatedBoard, prompt: Prompt) -> None:
    prompt.run("print('ready')")
    prompt.send(b"\r\x01")
    prompt.until(b"to exit\r\n>")
    threading.Timer(0.3, prompt.send, (b"\x03",)).start()
    prompt.send(b"while True:\n    pass\n\x04")
    assert b"OK" in prompt.until(b"KeyboardInterrupt")
    assert len(board.resets) == 1
