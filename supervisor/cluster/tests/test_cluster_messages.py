"""What travels between roles: any message comes back as it was, and what is not one is refused with a sentence."""

from __future__ import annotations

import msgspec
import pytest

from supervisor.cluster import messages
from supervisor.cluster.messages import (
    KEYS_MAX,
    Attached,
    Batch,
    Heard,
    Join,
    Keys,
    Spoilt,
    Subjects,
    Updating,
    decode,
    encode,
)
from supervisor.domain.errors import ClusterError, ConfigError
from supervisor.gateway.tests.board_client import hello, sample, telemetry
from supervisor.wire.messages import Get
from supervisor.wire.reports import Damaged


def test_a_batch_comes_back_as_it_was() -> None:
    frame = telemetry(7, sample("z01"), sample("z02", flags=4))
    batch = Batch(
        "a1",
        9,
        (
            Attached(1, hello(), b"\x01" * 8),
            Heard(1, (frame, frame)),
            Spoilt(1, (Damaged(3, 8, ("up: no",), b"{}", None), Damaged(3, 9, (), b"{}", frame))),
            Updating(1, Get(v="0.2.0", f=2, o=600, n=600)),
        ),
    )
    assert decode(encode(batch), Batch | Join) == batch


def test_keys_of_an_answer_fit_a_message() -> None:
    full = Keys({f"b{number:015d}": (b"k" * 32, b"n" * 32) for number in range(KEYS_MAX)}, True)
    assert len(encode(full)) < 500_000  # of 1 MB that NATS takes


@pytest.mark.parametrize(("version", "said"), [(0, "too old"), (messages.VERSION + 1, "newer than")])
def test_another_version_is_refused_with_a_sentence(version: int, said: str) -> None:
    body = msgspec.msgpack.encode(Join("g"))
    with pytest.raises(ClusterError, match=said) as refused:
        decode(msgspec.msgpack.encode([version, msgspec.Raw(body)]), Join)
    assert refused.value.code == "version"
    assert "Upgrade" in refused.value.remedy


def test_a_field_of_a_later_release_is_passed_over() -> None:
    raw = msgspec.msgpack.encode([messages.VERSION, {"type": "Join", "gateway": "g", "colour": 3}])
    assert decode(raw, Join) == Join("g")


@pytest.mark.parametrize("raw", [b"", b"\xc1", b"{}", b"\x91" * 2000, encode(Join("g"))[:-1], encode(Keys({}, False))])
def test_bytes_that_are_no_such_message_are_refused(raw: bytes) -> None:
    with pytest.raises(ClusterError) as refused:
        decode(raw, Join)
    assert refused.value.code == "malformed"


@pytest.mark.parametrize("district", ["", "a.b", "*", ">", "Gwanak", "관악", "a" * 33, "a\n", "a b"])
def test_a_district_that_is_no_token_of_a_subject_is_refused(district: str) -> None:
    with pytest.raises(ConfigError):
        Subjects(district)
