"""How commands print: text from outside (files, boards, servers) is shown as it is, never read as markup or commands.

Every string that goes through `console()` is plain: square brackets, emoji codes and the terminal's own control
characters keep no meaning. Colours are given as `style=`, or as a `rich.text.Text` made by `styled`.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from rich.console import Console
from rich.text import Text

_KEPT = "\n\t"
# Control characters move the cursor or colour the terminal, format characters turn the direction of writing, and
# surrogates cannot be encoded. All are shown as escapes.
_HIDDEN = ("Cc", "Cf", "Cs")
_JOINERS = "\u200c\u200d"  # Cf, but part of words and of composed symbols


def visible(text: str) -> str:
    """The text with control, format and surrogate characters written as escapes such as `\\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape", "backslashreplace").decode("ascii")
        if unicodedata.category(character) in _HIDDEN and character not in _KEPT and character not in _JOINERS
        else character
        for character in text
    )


def styled(text: object, style: str) -> Text:
    """Plain text in one style, for a table's cell or a part of a line."""
    return Text(visible(str(text)), style)


class PlainConsole(Console):
    """A console for which every string is plain text: printed ones, cells of tables, and titles."""

    def render_str(self, text: str, **options: Any) -> Text:
        options |= {"emoji": False, "markup": False, "highlight": False}
        return super().render_str(visible(text), **options)


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console of standard output (or standard error) that prints text from outside safely."""
    return PlainConsole(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def say(text: str) -> None:
    """A line on standard output, as it is, not broken at the terminal's edge."""
    console().print(text, soft_wrap=True)
