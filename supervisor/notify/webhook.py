"""A webhook: the message as JSON to an address of a chat or dispatch system, signed."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from supervisor.notify.http import post
from supervisor.notify.kind import Channel, ChannelKind, Means, Message, NotifySettings

SIGNATURE: Final = "Roadheat-Signature"
SECRET_MIN: Final = 16  # characters


class WebhookSettings(NotifySettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    url: str
    secret_env: str  # environment variable with the secret of the signature


def signature(secret: bytes, body: bytes, utc_s: int) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA-256 of "<seconds>.<body>". The time lets the receiver refuse old copies."""
    digest = hmac.new(secret, b"%d." % utc_s + body, hashlib.sha256).hexdigest()
    return f"t={utc_s},v1={digest}"


class _Webhook:
    def __init__(self, settings: WebhookSettings, means: Means) -> None:
        self._url = settings.url
        self._secret = means.secret(settings.secret_env, f"notify {settings.name}").encode()
        self._http, self._clock = means.http, means.clock

    async def send(self, message: Message) -> None:
        body = msgspec.json.encode(message)
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._secret, body, int(self._clock.utc_s())),
        }
        await post(self._http, self._url, body, headers)


def _open(settings: WebhookSettings, means: Means) -> Channel:
    return _Webhook(settings, means)


def _problems(settings: WebhookSettings) -> list[tuple[str, str, str]]:
    if settings.secret_env:
        return []
    return [("secret_env", "empty", "Name the environment variable with the secret: the receiver checks the signature")]


KIND: Final = ChannelKind("webhook", WebhookSettings, _open, _problems)
