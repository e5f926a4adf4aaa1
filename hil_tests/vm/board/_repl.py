"""The REPL of a MicroPython port: friendly, raw and raw-paste modes, as `shared/runtime/pyexec.c`."""

import io
import select
import sys
import termios

import __main__
import _readline
import time as _t

FORCED_EXIT = 64
_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = 1, 2, 3, 4, 5
_WINDOW = 2048  # raw paste: bytes the host may send before it waits

_stdin = open(0, "rb")
_stdout = open(1, "wb")
_buffer = bytearray(512)
_have = _next = 0
_poller = select.poll()
_poller.register(_stdin, select.POLLIN)
_poller.register(_t._link, select.POLLIN)
_ISIG = 1
raw_mode = False


def put(text):
    _stdout.write(text)


def signals(on):
    """Whether Ctrl-C interrupts (code runs) or is a character (the REPL reads)."""
    attributes = termios.tcgetattr(0)
    attributes[3] = attributes[3] | _ISIG if on else attributes[3] & ~_ISIG
    termios.tcsetattr(0, 0, attributes)


def get():
    """The next byte of the console; grants of time are served while waiting."""
    global _have, _next
    while _next >= _have:
        _t._move(_t._end)
        _t._ask()
        for stream, _ in _poller.ipoll(-1):
            if stream is _stdin:
                _have = _stdin.readinto(_buffer) or 0  # the host made it non-blocking: what is there
                _next = 0
            else:
                _t._receive()
    _next += 1
    return _buffer[_next - 1]


def execute(code, application=False):
    """Run compiled or readable code; 0 on an exception, 1 done, FORCED_EXIT after SystemExit."""
    eof = raw_mode and not application
    try:
        signals(True)
        try:
            if callable(code):
                code = code()
            exec(code, __main__.__dict__)
        finally:
            signals(False)
        result = 1
        if eof:
            put("\x04")
    except SystemExit:
        result = FORCED_EXIT
        if eof:
            put("\x04")
    except BaseException as error:
        signals(False)
        result = 0
        if eof:
            put("\x04")
        text = io.StringIO()
        sys.print_exception(error, text)
        put("\n".join(line for line in text.getvalue().split("\n") if "/_repl.py" not in line))
    if eof:
        put("\x04")
    return result


def run_file(path):
    """Run a file of the flash if it is there, as the chip runs boot.py and main.py."""
    try:
        with open(path) as f:
            source = f.read()
    except OSError:
        return 1
    return execute(lambda: compile(source, path, "exec"), True)


def raw():
    """Raw REPL until Ctrl-B (returns 0) or Ctrl-D on an empty line (FORCED_EXIT)."""
    global raw_mode
    put("raw REPL; CTRL-B to exit\n")
    while True:
        put(">")
        line = bytearray()
        while True:
            c = get()
            if c == _CTRL_A:
                if len(line) == 2 and line[0] == _CTRL_E:
                    if line[1] == 65:
                        put("R\x01")
                        source = _paste()
                        break
                    put("R\x00")
                else:
                    put("raw REPL; CTRL-B to exit\n")
                line = None
                break
            if c == _CTRL_B:
                put("\n")
                raw_mode = False
                return 0
            if c == _CTRL_C:
                line = bytearray()
            elif c == _CTRL_D:
                if not line:
                    put("\n")
                    return FORCED_EXIT
                put("OK")
                source = line
                break
            else:
                line.append(c)
        if line is None or source is None:
            continue
        if execute(lambda: compile(str(source, "utf-8"), "<stdin>", "exec")) == FORCED_EXIT:
            return FORCED_EXIT


def _paste():
    """Source sent in raw-paste mode with its flow control; None if the host gave up."""
    source = bytearray()
    _stdout.write(bytes((_WINDOW & 255, _WINDOW >> 8, 1)))
    left = _WINDOW
    while True:
        c = get()
        if c == _CTRL_D:
            put("\x04")
            return source
        if c == _CTRL_C:
            put("\x04\x04KeyboardInterrupt: \n\x04")
            return None
        source.append(c)
        left -= 1
        if not left:
            put("\x01")
            left = _WINDOW


def banner():
    version = ".".join(str(n) for n in sys.implementation.version[:3])
    put("MicroPython v%s; Generic ESP32 module with ESP32 (emulated)\n" % version)
    put('Type "help()" for more information.\n')


def friendly():
    """Friendly REPL until Ctrl-A (returns 0) or Ctrl-D on an empty line (FORCED_EXIT)."""
    global raw_mode
    banner()
    while True:
        put(">>> ")
        source = _readline.line()
        if source == _CTRL_A:
            put("\n")
            raw_mode = True
            return 0
        if source == _CTRL_B:
            put("\n")
            banner()
            continue
        if source == _CTRL_D:
            put("\n")
            return FORCED_EXIT
        if source == _CTRL_E:
            put("\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\n=== ")
            source = _pasted()
            kind = "exec"
        else:
            kind = "single"
            while isinstance(source, str) and _readline.continues(source):
                put("... ")
                more = _readline.line(source + "\n")
                source = source + "\n" + more if isinstance(more, str) else None
        if isinstance(source, str) and source.strip():
            text = source + "\n"
            if execute(lambda: compile(text, "<stdin>", kind)) == FORCED_EXIT:
                return FORCED_EXIT


def _pasted():
    text = ""
    while True:
        c = get()
        if c == _CTRL_D:
            put("\n")
            return text
        if c == _CTRL_C:
            put("\n")
            return ""
        if c == 13:
            c = 10
        text += chr(c)
        put("\n=== " if c == 10 else chr(c))


_readline.get = get
_readline.put = put
