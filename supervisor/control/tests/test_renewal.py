"""A next key goes to the board that asks for none, and to nobody while two of them use the one that ends."""

from __future__ import annotations

from pathlib import Path

import msgspec

from supervisor.control.renewal import Renewal, short
from supervisor.control.tests.conftest import RecordingLink, Setup, greet
from supervisor.domain.alarm import AlarmCode
from supervisor.wire import renewal_files as files
from supervisor.wire.keys import load_or_create_key, next_path
from supervisor.wire.messages import TrustCommand
from supervisor.wire.pki import ensure_pki


async def test_while_two_boards_use_one_key_neither_is_given_the_next(setup: Setup, tmp_path: Path) -> None:
    pki, key = tmp_path / "pki", tmp_path / "b01.key"
    ensure_pki(pki, "roadheat")
    load_or_create_key(key)
    following = load_or_create_key(next_path(key)).hex()
    renewal = Renewal(
        pki, {"b01": key}, setup.dispatcher, lambda: None, setup.store.audit, setup.clock, setup.alarms
    )  # fmt: skip
    link = RecordingLink("b01")
    hello = msgspec.structs.replace(greet(), ca=(short(files.authority(pki)),))

    def offered() -> list[str]:
        return [command.key for command in link.sent if isinstance(command, TrustCommand)]

    renewal.greeted(hello)
    setup.alarms.set(AlarmCode.BOARD_KEY_TWICE, "b01", True, "two of them")
    setup.dispatcher.attach(link, hello)
    await renewal.look()
    assert offered() == []
    setup.alarms.set(AlarmCode.BOARD_KEY_TWICE, "b01", False)
    await renewal.look()
    assert offered() == [following]
