"""The friendly REPL of an emulated board answers keys as a chip's does."""

from __future__ import annotations

import pytest

from hil_tests.vm.prompt import Prompt

pytestmark = pytest.mark.vm


@pytest.fixture
def typed(prompt: Prompt) -> Prompt:
    """At a fresh `>>> `."""
    prompt.send(b"'rea' + 'dy'\r")
    prompt.until(b"'ready'\r\n>>> ")
    return prompt


def answer(prompt: Prompt, keys: bytes) -> bytes:
    """What the console shows between the keys and the next prompt."""
    prompt.send(keys)
    return prompt.until(b">>> ")


def test_tab_completes_what_is_the_only_way_on(typed: Prompt) -> None:
    answer(typed, b"import machine\r")
    assert answer(typed, b"machine.PWRON\t\r") == b"machine.PWRON_RESET\r\n1\r\n"
    assert answer(typed, b"imp\tsys\r") == b"import sys\r\n"
    assert answer(typed, b"from nothing\t\x03") == b"from nothing\r\n"


def test_tab_shows_where_there_are_several(typed: Prompt) -> None:
    answer(typed, b"counter_one = 1; counter_two = 2\r")
    assert answer(typed, b"coun\t\t") == b"counter_\r\ncounter_one     counter_two\r\n"
    assert answer(typed, b"tw\t\r") == b"counter_two\r\n2\r\n"


def test_a_block_is_indented_and_ends_with_an_empty_line(typed: Prompt) -> None:
    shown = answer(typed, b"for i in range(2):\rif i:\rprint('odd', i)\r\x7f\x7f\r")
    assert shown == (
        b"for i in range(2):\r\n...     if i:\r\n...         print('odd', i)\r\n"
        b"...         \b\b\b\b\x1b[K\b\b\b\b\x1b[K\r\nodd 1\r\n"
    )


def test_two_lines_of_nothing_but_spaces_end_a_block_too(typed: Prompt) -> None:
    assert answer(typed, b"if 1:\rprint(7)\r\r\r\r") == (
        b"if 1:\r\n...     print(7)\r\n...     \r\n...     \r\n... \r\n7\r\n"
    )


def test_brackets_and_long_strings_go_on(typed: Prompt) -> None:
    assert answer(typed, b"(1 +\r2)\r").endswith(b"3\r\n")
    assert answer(typed, b"'''a\rb'''\r").endswith(b"'a\\nb'\r\n")
    assert answer(typed, b"'('\r") == b"'('\r\n'('\r\n"


def test_history_and_ctrl_c(typed: Prompt) -> None:
    answer(typed, b"6 * 7\r")
    assert answer(typed, b"\x1b[A\r") == b"\x1b[K6 * 7\r\n42\r\n"
    assert answer(typed, b"if 1:\r\x03") == b"if 1:\r\n...     \r\n"
