"""Every channel against a real server of the other side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.header import decode_header
from pathlib import Path

import pytest

from supervisor.domain.alarm import Severity
from supervisor.domain.errors import ConfigError, NotifyError
from supervisor.net.outside import open_session
from supervisor.notify import CHANNELS, mail, ntfy, webhook
from supervisor.notify.kind import Gone, Means, Message
from supervisor.notify.push import Push, Subscription, VapidKey, check_subscription
from supervisor.notify.tests.servers import SECRET, Others, free_port, others
from supervisor.notify.words import say, words
from supervisor.runtime.clock import ManualClock

NOW = 1_768_500_000.0
TOLD = Message(
    title="긴급 · 성산로 12: 누전", body="제어반을 만지지 마세요.", severity=Severity.CRITICAL, event="raised",
    tag="earth-fault/z01", link="https://roads.example/#alarms", code="earth-fault", subject="z01", utc_s=int(NOW),
)  # fmt: skip


@asynccontextmanager
async def means() -> AsyncIterator[tuple[Others, Means]]:
    async with others() as there, open_session(("127.0.0.1",)) as http:
        yield there, Means(http, ManualClock(NOW), {"TOKEN": "tk_1", "SECRET": SECRET, "PASSWORD": "p"})


def settings_of(kind: str, there: Others, **more: object) -> object:
    own = {
        "ntfy": {"url": f"{there.url}/night-crew", "token_env": "TOKEN"},
        "webhook": {"url": f"{there.url}/hook", "secret_env": "SECRET"},
        "mail": {"to": ("a@x.example", "b@x.example"), "sender": "roads@x.example", "host": "127.0.0.1",
                 "port": there.smtp_port, "security": "none"},
    }[kind]  # fmt: skip
    return CHANNELS[kind].settings(name=kind, kind=kind, **{**own, **more})


async def test_ntfy_gets_topic_title_and_priority() -> None:
    async with means() as (there, given):
        channel = ntfy.KIND.open(settings_of("ntfy", there), given)
        await channel.send(TOLD)
        (got,) = there.ntfy
        assert (got["topic"], got["title"], got["priority"]) == ("night-crew", TOLD.title, 5)
        assert got["click"] == TOLD.link


async def test_a_webhook_is_signed_over_time_and_body() -> None:
    async with means() as (there, given):
        await webhook.KIND.open(settings_of("webhook", there), given).send(TOLD)
        assert there.hooks[0]["code"] == "earth-fault"  # the server has checked the signature
        wrong = Means(given.http, given.clock, {"SECRET": "another secret of it"})
        with pytest.raises(NotifyError, match="401"):
            await webhook.KIND.open(settings_of("webhook", there), wrong).send(TOLD)


async def test_mail_reaches_all_and_keeps_its_conversation() -> None:
    async with means() as (there, given):
        channel = mail.KIND.open(settings_of("mail", there), given)
        await channel.send(TOLD)
        await channel.send(Message(**{f: getattr(TOLD, f) for f in TOLD.__struct_fields__} | {"event": "over"}))
        first, second = there.letters
        assert str(first["Subject"]) == TOLD.title
        assert decode_header(first["Subject"])
        assert second["In-Reply-To"] == first["Message-ID"]
        assert TOLD.body in first.get_content()
        assert TOLD.link in first.get_content()
        there.refuse_mail = True
        with pytest.raises(NotifyError, match="451"):
            await channel.send(TOLD)


async def test_a_push_service_cannot_read_what_the_browser_reads(tmp_path: Path) -> None:
    async with means() as (there, given):
        key = VapidKey(tmp_path / "keys" / "vapid.pem")
        to = Subscription(f"{there.url}/push", there.browser.p256dh, there.browser.auth)
        check_subscription(to)
        channel = Push(to, key, "mailto:roads@x.example", given)
        await channel.send(TOLD)
        assert there.pushes[0]["title"] == TOLD.title
        there.status = 410
        with pytest.raises(Gone):
            await channel.send(TOLD)
        there.status = 500
        with pytest.raises(NotifyError, match="500"):
            await channel.send(TOLD)
        assert VapidKey(tmp_path / "keys" / "vapid.pem").public == key.public
        assert (tmp_path / "keys" / "vapid.pem").stat().st_mode & 0o77 == 0


def test_a_damaged_key_of_push_is_said(tmp_path: Path) -> None:
    (tmp_path / "vapid.pem").write_text("-----BEGIN")
    with pytest.raises(ConfigError, match=r"vapid\.pem"):
        VapidKey(tmp_path / "vapid.pem")


@pytest.mark.parametrize(
    ("field", "value"),
    [("auth", "eA"), ("p256dh", "eA"), ("p256dh", "A" * 87), ("auth", "%"), ("endpoint", "x" * 1001)],
)
def test_keys_that_are_none_are_refused(field: str, value: str) -> None:
    good = {"endpoint": "https://push.example/x", "p256dh": Others().browser.p256dh, "auth": Others().browser.auth}
    check_subscription(Subscription(**good))
    with pytest.raises(NotifyError):
        check_subscription(Subscription(**{**good, field: value}))


@pytest.mark.parametrize("kind", list(CHANNELS))
async def test_a_server_that_does_not_answer_is_an_error(kind: str) -> None:
    async with means() as (_there, given):
        gone = Others(port=free_port(), smtp_port=free_port())
        with pytest.raises(NotifyError):
            await CHANNELS[kind].open(settings_of(kind, gone), given).send(TOLD)


async def test_a_redirect_is_not_followed_and_an_answer_is_shortened() -> None:
    async with means() as (there, given):
        there.status = 302
        with pytest.raises(NotifyError, match="answered 302"):
            await ntfy.KIND.open(settings_of("ntfy", there), given).send(TOLD)


async def test_a_missing_token_is_named() -> None:
    async with means() as (there, given):
        with pytest.raises(NotifyError, match="GONE"):
            ntfy.KIND.open(settings_of("ntfy", there, token_env="GONE"), given)


def test_texts_are_complete_and_values_are_put_in_as_they_are() -> None:
    assert {key for key in words("ko") if key.startswith("notify.")} == {
        key for key in words("en") if key.startswith("notify.")
    }
    assert say("en", "notify.by", user="{user} {time}") == "{user} {time} is taking care of it."


async def test_servers_are_asked_from_one_loop() -> None:
    async with means() as (there, given):
        channels = [CHANNELS[kind].open(settings_of(kind, there), given) for kind in CHANNELS]
        await asyncio.gather(*(channel.send(TOLD) for channel in channels))
        assert (len(there.ntfy), len(there.hooks), len(there.letters)) == (1, 1, 1)
