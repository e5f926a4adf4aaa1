"""Line editing of the friendly REPL: Tab, auto-indent, history, as `shared/readline/readline.c` and `py/repl.c`.

`_repl` sets `get` and `put`.
"""

import __main__

get = put = None
_HISTORY_MAX = 8
_CONTROLS = (1, 2, 4, 5)  # Ctrl-A, B, D and E on an empty line
_COMPOUND = ("if", "while", "for", "try", "with", "def", "class", "async")
_MODULES = ("asyncio", "esp32", "gc", "json", "machine", "micropython", "network", "onewire", "os", "sys", "time")
_INDENT = "    "
_history = []


def line(before="", prompt="... "):
    """One edited line as str, 3 after Ctrl-C, or the control character that ended an empty first line.

    before: the lines of the statement so far, each with its newline.
    """
    text = _indent(before)
    put(text)
    at = -1  # place in the history
    while True:
        c = get()
        if c in _CONTROLS and not text and not before:
            return c
        if c == 3:
            put("\n")
            return c
        if c in (13, 10):
            put("\n")
            if text.strip() and text not in _history[:1]:
                _history.insert(0, text)
                del _history[_HISTORY_MAX:]
            return text
        if c in (8, 127):
            n = 4 if len(text) >= 4 and not text.strip() else 1
            if text:
                text = text[:-n]
                put("\b" * n + "\x1b[K")
        elif c == 9:
            text = _tab(text, prompt if before else ">>> ")
        elif c == 27:
            key = get()
            key = get() if key in (91, 79) else 0  # ESC [ or ESC O
            move = {65: 1, 66: -1}.get(key)
            while 48 <= key <= 57 or key == 59:
                key = get()
            if move and -1 <= at + move < len(_history):
                at += move
                put("\b" * len(text) + "\x1b[K")
                text = _history[at] if at >= 0 else ""
                put(text)
        elif c >= 32:
            text += chr(c)
            put(chr(c))


def continues(source):
    """Whether a statement goes on in a further line."""
    if not source:
        return False
    quote, depth, i = "", 0, 0
    while i < len(source):
        if source[i] == "\\":
            i += 1
        elif quote:
            if source.startswith(quote, i):
                i += len(quote) - 1
                quote = ""
        elif source[i] in "\"'":
            quote = source[i] * 3 if source.startswith(source[i] * 3, i) else source[i]
            i += len(quote) - 1
        elif source[i] in "([{":
            depth += 1
        elif source[i] in ")]}":
            depth -= 1
        i += 1
    if len(quote) == 3 or (depth > 0 and not quote) or source.endswith("\\"):
        return True
    word = 0
    while word < len(source) and source[word].isalpha():
        word += 1
    return (source[:word] in _COMPOUND or source[0] == "@") and not source.endswith("\n")


def _indent(before):
    """What the next line begins with: as the last one, deeper after a colon; nothing after two empty ones."""
    lines = before.split("\n")[:-1]
    if not lines:
        return ""
    last = lines[-1]
    if len(lines) > 1 and not last.strip() and not lines[-2].strip():
        return ""
    depth = (len(last) - len(last.lstrip(" "))) // 4 + last.endswith(":")
    return _INDENT * depth


def _tab(text, prompt):
    """The line with what is the only way on; where there are several they are printed."""
    start = len(text)
    while start and (text[start - 1].isalpha() or text[start - 1].isdigit() or text[start - 1] in "_."):
        start -= 1
    if not text.strip():
        put(_INDENT)
        return text + _INDENT
    *path, begun = text[start:].split(".")
    if text.startswith("import "):
        names = _MODULES
    else:
        names = _names(path)
    found = sorted({name for name in names if name.startswith(begun) and (begun or not name.startswith("_"))})
    if not found:
        if not path and start == 0 and "import ".startswith(text):
            found = ["import "]
        else:
            return text
    common = found[0]
    for name in found:
        while not name.startswith(common):
            common = common[:-1]
    rest = common[len(begun) :]
    if not rest and len(found) > 1:
        width = 16
        row = ""
        for name in found:
            row += name + " " * (width - len(name) % width)
            if len(row) >= 64:
                put("\n" + row.rstrip())
                row = ""
        put("\n" + row.rstrip() + "\n" if row else "\n")
        put(prompt + text)
    put(rest)
    return text + rest


def _names(path):
    if not path:
        import builtins

        return list(__main__.__dict__) + dir(builtins)
    if path[0] not in __main__.__dict__:
        return ()
    found = __main__.__dict__[path[0]]
    for name in path[1:]:
        if not hasattr(found, name):
            return ()
        found = getattr(found, name)
    return dir(found)
