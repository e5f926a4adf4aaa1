"""One parser of listen addresses, for every listener, and its inverse for URLs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supervisor.config.listen import join_listen, split_listen

ADDRESSES = {
    "127.0.0.1:8443": ("127.0.0.1", 8443),
    "[::1]:8443": ("::1", 8443),
    "[fe80::1]:0": ("fe80::1", 0),
    "service.example:65535": ("service.example", 65535),
}
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_split_and_joined(text: str) -> None:
    assert split_listen(text) == ADDRESSES[text]
    assert join_listen(*split_listen(text)) == text


@pytest.mark.parametrize("text", ["", "8443", ":8443", "host:", "host:port", "host:65536", "host:-1", "host:٣"])
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        split_listen(text)


def test_no_other_module_takes_listen_addresses_apart() -> None:
    parsers = [
        str(path.relative_to(ROOT))
        for folder in ("supervisor", "tools", "hil_tests")
        for path in (ROOT / folder).rglob("*.py")
        if "tests" not in path.parts and "listen.rpartition(" in path.read_text(encoding="utf-8")
    ]
    assert parsers == ["supervisor/config/listen.py"]
