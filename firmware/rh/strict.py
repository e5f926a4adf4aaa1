"""Whether a text is one complete JSON object: the VM's parser accepts unterminated ones, `[1 2]` and duplicate keys.

Needed for files without a seal and at each boot's check; program.py drops it afterwards.
"""

import json


def fault(text: bytes) -> str:
    """What is wrong with `text`, or ""."""
    try:
        if text.lstrip()[:1] != b"{":
            return "must be an object"
        at = _space(text, _value(text, 0))
        return "" if at == len(text) else "goes on after its end"
    except IndexError:
        return "ends too early"
    except (ValueError, UnicodeError) as e:
        return "is not JSON: " + str(e.args[0])
    except RuntimeError:
        return "is nested too deep"


def _value(s: bytes, i: int) -> int:
    """Index after the value that begins at `i`."""
    i = _space(s, i)
    first = s[i]
    if first == 0x22:
        return _string(s, i)
    if first not in b"{[":
        return _word(s, i)
    last = first + 2  # } and ]
    keys: "list[str]" = []
    i = _space(s, i + 1)
    if s[i] == last:
        return i + 1
    while True:
        if first == 0x7B:
            begin = i
            i = _string(s, i)
            key = json.loads(s[begin:i])
            if key in keys:
                raise ValueError("key " + key + " stands twice")
            keys.append(key)
            i = _space(s, i)
            if s[i] != 0x3A:
                raise ValueError("no : after " + key)
            i += 1
        i = _space(s, _value(s, i))
        if s[i] == last:
            return i + 1
        if s[i] != 0x2C:
            raise ValueError("no comma at byte " + str(i))
        i = _space(s, i + 1)


def _string(s: bytes, i: int) -> int:
    if s[i] != 0x22:
        raise ValueError('no " at byte ' + str(i))
    i += 1
    while s[i] != 0x22:
        if s[i] < 0x20:
            raise ValueError("line end in a text")
        i += 2 if s[i] == 0x5C else 1
    return i + 1


def _word(s: bytes, i: int) -> int:
    """A number, true, false or null."""
    begin = i
    while s[i] in b"+-.0123456789Eaeflnrstu":
        i += 1
    word = s[begin:i]
    if word not in (b"true", b"false", b"null"):
        float(word)
    return i


def _space(s: bytes, i: int) -> int:
    while i < len(s) and s[i] in b" \t\r\n":
        i += 1
    return i
