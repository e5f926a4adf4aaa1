"""Names of people as they stand in the record: one spelling for one person, and no two that look alike.

A name is brought to NFKC (so that Hangul typed on any phone is the same text) and kept to letters that a reader can
tell apart. Two names are look-alikes where their `skeleton` is equal: letters of other alphabets and digits are mapped
to the Latin letter that they look like, after Unicode TR39 §4 with a table cut down to the letters allowed here.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from supervisor.domain.errors import CommandError

LENGTH: Final = range(2, 41)  # letters; fits a line of the log
PUNCTUATION: Final = " .-_"
# Names that the log uses for what no person did; the shape of ids (session, link, token, passkey) and of pseudonyms.
RESERVED: Final = ("console", "service", "system", "roadheat", "calibration", "supervisor")
INTERFACE_PREFIX: Final = "interface:"  # of what an interface of the city has commanded; no name may hold a colon
_ID: Final = re.compile(r"[kslt]-[0-9a-f]{16}|person-[0-9a-f]{8}")

# Latin letters without a decomposition to an ASCII letter that are part of everyday names.
_LATIN_EXTRA: Final = dict(zip("đøłıßæœþðħŋ", ("d", "o", "l", "i", "ss", "ae", "oe", "p", "d", "h", "n"), strict=True))
_CYRILLIC: Final = dict(
    zip("абвгезийкмнорстухчьѕіїјһԁԛԝёҽ", "a6bre3ииkmhopctyx4bsiijhdqwee", strict=True)
)  # after case folding; в, н, т, к, м as their capitals
_GREEK: Final = dict(zip("αβγεζηικμνορστυχωϲ", "abyeznikuvopotuxwc", strict=True))
_KATAKANA: Final = dict(zip("エロニカタトハミーノ", "工口二力夕卜八三一丿", strict=True))
_SAME: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "и": "n"})
# Pairs that a phone's font draws as one letter.
_PAIRS: Final = (("rn", "m"), ("vv", "w"))
_CAPITALS: Final = {"Η": "h", "Ν": "n", "Ρ": "p", "Υ": "y", "Ζ": "z", "Μ": "m", "В": "b", "Χ": "x", "Τ": "t"}


def _alphabet(letter: str) -> str:
    """The alphabet of a letter that may stand in a name, "" for one that may not."""
    code = ord(letter)
    if letter.isascii():
        return "latin" if letter.isalpha() else "any" if letter.isdigit() else ""
    if 0xAC00 <= code <= 0xD7A3:
        return "hangul"
    if 0x3400 <= code <= 0x4DBF or 0x4E00 <= code <= 0x9FFF:
        return "han"
    if 0x3041 <= code <= 0x3096 or 0x30A1 <= code <= 0x30FA or code == 0x30FC:
        return "kana"
    if 0x0370 <= code <= 0x03FF and letter.isalpha():
        return "greek"
    if 0x0400 <= code <= 0x052F and letter.isalpha():
        return "cyrillic"
    base = unicodedata.normalize("NFKD", letter)[0]
    if (base.isascii() and base.isalpha() and letter.isalpha()) or letter.lower() in _LATIN_EXTRA:
        return "latin"
    return ""


def clean_name(text: str) -> str:
    """The one spelling of a name: NFKC, ASCII digits, single spaces, none at the ends.

    Raises CommandError (code `invalid`, where `user`) for control and invisible characters, letters outside Latin,
    Hangul, Han, Kana, Cyrillic and Greek, mixed look-alike alphabets, a wrong length or a reserved name.
    """
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise _invalid(f"U+{ord(character):04X} is a control or invisible character", "Type the name again")
    name = unicodedata.normalize("NFKC", text)
    name = "".join(str(unicodedata.digit(c)) if c.isdigit() and unicodedata.digit(c, -1) >= 0 else c for c in name)
    name = " ".join(name.split())
    if len(name) not in LENGTH:
        raise _invalid(f"a name has {LENGTH[0]} to {LENGTH[-1]} letters", "Write the name in full, or shorten it")
    alphabets = set()
    for character in name:
        if character in PUNCTUATION:
            continue
        alphabet = _alphabet(character)
        if not alphabet:
            raise _invalid(
                f"U+{ord(character):04X} may not stand in a name",
                "Use letters (Latin, Korean, Chinese, Japanese, Cyrillic, Greek), digits, space, dot and hyphen",
            )
        alphabets.add(alphabet)
    if name[0] in PUNCTUATION or not alphabets:
        raise _invalid("a name begins with a letter or digit", "Put a letter or digit first")
    if alphabets & {"cyrillic", "greek"} and len(alphabets - {"any"}) > 1:
        raise _invalid("letters of alphabets that look alike are mixed", "Write the whole name in one alphabet")
    if _ID.fullmatch(name) or skeleton(name) in {skeleton(word) for word in RESERVED}:
        raise _invalid(f"{name!r} is reserved", "Choose another name")
    return name


def _invalid(message: str, remedy: str) -> CommandError:
    return CommandError(message, where="user", remedy=remedy, code="invalid")


def skeleton(name: str) -> str:
    """What a name looks like at a glance; equal for names that a reader would take for one another."""
    found = []
    for whole in unicodedata.normalize("NFKC", name):
        for character in unicodedata.normalize("NFKD", whole) if _alphabet(whole) != "hangul" else whole:
            if unicodedata.combining(character) or character in PUNCTUATION:
                continue
            letter = _CAPITALS.get(character) or character.casefold()
            for table in (_LATIN_EXTRA, _CYRILLIC, _GREEK, _KATAKANA):
                letter = table.get(letter, letter)
            found.append(letter)
    text = "".join(found)
    for pair, one in _PAIRS:
        text = text.replace(pair, one)
    return text.translate(_SAME)
