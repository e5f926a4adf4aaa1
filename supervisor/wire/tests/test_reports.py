"""One bad value of a frame costs its own part, and the record can still be named and acknowledged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from supervisor.wire.messages import WET_PERMILLE, Hello, ResultFrame, Telemetry
from supervisor.wire.reports import Damaged, decode_report

SAMPLE: list[Any] = ["z01", 1500, 4200, 300, 10, 60_000, 166, 1000, 4, 0]
OTHER: list[Any] = ["z02", 1600, 4200, 300, 10, 60_000, 170, 1000, 4, 0]
FRAME: dict[str, Any] = {
    "t": "tel", "boot": 3, "q": 7, "utc": 0, "up": 110, "dt": 10, "bad": 0, "z": [SAMPLE, OTHER],
}  # fmt: skip
HELLO: dict[str, Any] = {
    "t": "hello", "b": "b01", "fw": "0.1.0", "boot": 3, "ep": 0, "q": 0, "up": 12, "utc": 0, "z": ["z01"],
}  # fmt: skip


def frame(**changes: Any) -> bytes:
    return json.dumps(FRAME | changes).encode()


def with_sample(at: int, value: Any) -> bytes:
    bad = SAMPLE.copy()
    bad[at] = value
    return frame(z=[bad, OTHER])


def test_a_good_frame_is_itself() -> None:
    decoded = decode_report(frame())
    assert isinstance(decoded, Telemetry)
    assert [sample.zone for sample in decoded.z] == ["z01", "z02"]


@pytest.mark.parametrize(
    ("at", "value"),
    [
        *((at, value) for at in range(1, 10) for value in (-(10**13), 10**13, 2**64, 1.5, None, "1", True, [])),
        *((0, value) for value in ("", "Z01", "z01\n", "z" * 17, "z 1", 5)),
        (3, -2), (3, 1001), (4, 65_536), (5, 2**32), (6, -1), (7, 1001), (8, 256), (9, 65_536),
    ],
)  # fmt: skip
def test_a_bad_sample_leaves_the_frame_s_other_zones(at: int, value: Any) -> None:
    decoded = decode_report(with_sample(at, value))
    assert isinstance(decoded, Damaged)
    assert (decoded.boot, decoded.q) == (3, 7)
    assert decoded.kept is not None
    assert [sample.zone for sample in decoded.kept.z] == ["z02"]


@pytest.mark.parametrize("samples", [[SAMPLE[:9], OTHER], [[*SAMPLE, 1], OTHER], [{}, OTHER], ["z01", OTHER]])
def test_a_sample_of_another_shape_leaves_the_others(samples: list[Any]) -> None:
    decoded = decode_report(frame(z=samples))
    assert isinstance(decoded, Damaged)
    assert decoded.kept is not None
    assert [sample.zone for sample in decoded.kept.z] == ["z02"]


@pytest.mark.parametrize("changes", [{"up": 10**13}, {"up": -1}, {"dt": 65_536}, {"dt": None}, {"z": 5}, {"z": [5]}])
def test_a_record_that_can_never_be_kept_is_still_named(changes: dict[str, Any]) -> None:
    decoded = decode_report(frame(**changes))
    assert decoded == Damaged(3, 7, decoded.faults, frame(**changes), None)  # type: ignore[union-attr]
    assert decoded.faults  # type: ignore[union-attr]


@pytest.mark.parametrize("changes", [{"utc": 2**40}, {"bad": -5}, {"new": 1}])
def test_what_the_record_does_without_is_left_out(changes: dict[str, Any]) -> None:
    decoded = decode_report(frame(**changes))
    assert isinstance(decoded, Damaged)
    assert decoded.kept is not None
    assert (decoded.kept.utc, decoded.kept.bad, len(decoded.kept.z)) == (0, 0, 2)


@pytest.mark.parametrize("changes", [{"boot": -1}, {"q": 2**32}, {"q": None}, {"t": "plan"}])
def test_a_frame_that_names_no_record_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_report(frame(**changes))


def test_an_interval_does_not_begin_before_its_boot() -> None:
    decoded = decode_report(frame(up=6, dt=60))
    assert isinstance(decoded, Telemetry)
    assert decoded.dt == 6
    assert [sample.on_s for sample in decoded.z] == [6, 6]


@pytest.mark.parametrize(
    "changes",
    [
        {"boot": 2**32}, {"ep": 2**31}, {"q": -1}, {"up": 10**13}, {"utc": -1}, {"z": ["z01"] * 33}, {"z": ["\n"]},
        {"b": "b" * 17}, {"fw": "x" * 33}, {"life": "0123"}, {"life": "0123456789ABCDEF"},
    ],
)  # fmt: skip
def test_a_greeting_out_of_range_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_report(json.dumps(HELLO | changes).encode())


def test_a_greeting_with_and_without_a_life() -> None:
    for life in ({}, {"life": ""}, {"life": "0123456789abcdef"}):
        decoded = decode_report(json.dumps(HELLO | life).encode())
        assert isinstance(decoded, Hello)
        assert decoded.life == life.get("life", "")


def test_a_result_is_bounded() -> None:
    assert decode_report(b'{"t":"result","ep":1,"q":2,"rc":0}') == ResultFrame(1, 2, 0)
    with pytest.raises(msgspec.MsgspecError):
        decode_report(b'{"t":"result","ep":1,"q":2,"rc":-1}')


def test_wet_is_what_the_board_counts_as_wet() -> None:
    firmware = (Path(__file__).parents[3] / "firmware" / "rh" / "zone.py").read_text(encoding="utf-8")
    assert f"\nWET_PERMILLE = {WET_PERMILLE}\n" in firmware
