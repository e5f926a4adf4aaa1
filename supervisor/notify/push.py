"""Web push: to the browsers of people who have switched it on (RFC 8030, RFC 8291, VAPID: RFC 8292).

It has no `[[notify]]` table: browsers subscribe themselves. What they say of themselves is checked here.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Struct

from supervisor.domain.errors import ConfigError, NotifyError
from supervisor.notify.http import Refused, post
from supervisor.notify.kind import Gone, Language, Means, Message
from supervisor.wire.keys import write_private

TTL_S: Final = 6 * 3600  # how long a push service keeps it for a phone that is off
VALID_S: Final = 12 * 3600  # of a signature; RFC 8292 allows 24 h
POINT_BYTES: Final = 65  # of an uncompressed point of P-256
SECRET_BYTES: Final = 16
ENDPOINT_MAX: Final = 1000
REMEDY: Final = "Switch notifications off and on again"


class Subscription(Struct, frozen=True):
    """What a browser's `PushSubscription` says, and in which language its owner reads."""

    endpoint: str
    p256dh: str  # its public key, base64url
    auth: str  # 16 random bytes, base64url
    language: Language = "ko"


def _decoded(text: str, length: int, where: str) -> bytes:
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        found = b""
    if len(found) != length:
        raise NotifyError("not a key of a push subscription", where=where, remedy=REMEDY)
    return found


def check_subscription(subscription: Subscription) -> None:
    """Raises NotifyError where its keys cannot be used. The address is checked where it is asked."""
    if len(subscription.endpoint) > ENDPOINT_MAX:
        raise NotifyError("address too long", where="endpoint", remedy=REMEDY)
    _decoded(subscription.auth, SECRET_BYTES, "auth")
    point = _decoded(subscription.p256dh, POINT_BYTES, "p256dh")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise NotifyError("not a point of P-256", where="p256dh", remedy=REMEDY) from error


class VapidKey:
    """The key with which push services know this service: made once, since subscriptions are bound to it."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError where the file is damaged."""
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_private(path, pem)
        try:
            loaded = load_pem_private_key(path.read_bytes(), None)
            if not isinstance(loaded, ec.EllipticCurvePrivateKey) or loaded.curve.name != "secp256r1":
                raise ValueError("not a key of P-256")
        except (ValueError, TypeError) as error:
            remedy = "Restore it from a backup, or delete it: then people switch notifications on again"
            raise ConfigError(f"damaged: {error}", where=str(path), remedy=remedy) from error
        self._key = loaded

    @property
    def public(self) -> str:
        """For `applicationServerKey`, base64url."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def headers(self, endpoint: str, contact: str, utc_s: float) -> dict[str, str]:
        """The signature for the push service of `endpoint`."""
        from py_vapid import Vapid02

        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(utc_s) + VALID_S, "sub": contact}
        signed: dict[str, str] = Vapid02(private_key=self._key).sign(claims)
        return signed


class Push:
    """The channel of one subscription."""

    def __init__(self, subscription: Subscription, key: VapidKey, contact: str, means: Means) -> None:
        """`contact`: a mailto: or https: address of the operator, for the push service."""
        self._subscription, self._key, self._contact, self._means = subscription, key, contact, means

    async def send(self, message: Message) -> None:
        from pywebpush import WebPusher

        to = self._subscription
        shown: dict[str, Any] = {
            "title": message.title, "body": message.body, "tag": message.tag, "link": message.link,
            "severity": message.severity, "event": message.event,
        }  # fmt: skip
        info = {"endpoint": to.endpoint, "keys": {"p256dh": to.p256dh, "auth": to.auth}}
        body: bytes = WebPusher(info).encode(msgspec.json.encode(shown))["body"]
        urgent = message.event in ("raised", "again")
        headers = {
            **self._key.headers(to.endpoint, self._contact, self._means.clock.utc_s()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": "high" if urgent else "normal",
            "Topic": message.thread,
        }
        try:
            await post(self._means.http, to.endpoint, body, headers)
        except Refused as refused:
            if refused.status in (404, 410):
                raise Gone("the browser has withdrawn it", where=refused.where) from refused
            raise
