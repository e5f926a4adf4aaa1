"""Addresses of NATS servers: which ones are used, and which are refused with place and remedy."""

from __future__ import annotations

import pytest

from supervisor.cluster.servers import parse_servers, shown
from supervisor.domain.errors import ConfigError


@pytest.mark.parametrize(
    "text",
    [
        "nats://127.0.0.1:4222",
        "nats://localhost:4222, nats://[::1]:4223",
        "tls://core:s3cret@nats-1.example:4222,tls://core:s3cret@nats-2.example:4222",
    ],
)
def test_loopback_needs_nothing_and_others_user_and_tls(text: str) -> None:
    assert len(parse_servers(text)) == text.count(",") + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nats://10.0.0.7:4222", "no user is given"),
        ("tls://nats.example:4222", "no user is given"),
        ("nats://core:s3cret@nats.example:4222", "not encrypted"),
        ("nats://127.0.0.1:4222,nats://0.0.0.0:4222", "no user is given"),
        ("http://127.0.0.1:4222", "not the address"),
        ("127.0.0.1:4222", "not the address"),
        ("nats://", "not the address"),
        ("nats://127.0.0.1:99999", "not the address"),
        ("nats://127.0.0.1:4222/path", "not the address"),
        (" , ", "no server is named"),
    ],
)
def test_what_is_no_safe_address_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        parse_servers(text)
    assert refused.value.where == "--nats"
    assert refused.value.remedy
    assert "s3cret" not in str(refused.value)


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("tls://core:s3cret@nats.example:4222") == "tls://nats.example:4222"
