"""Servers of the other side on loopback: a mail server, and one that is ntfy, webhook and push service."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import http_ece
import msgspec
from aiohttp import web
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

SECRET = "a secret of the webhook"


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Browser:
    """The end of a push subscription: only it can read what is sent."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def p256dh(self) -> str:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    @property
    def auth(self) -> str:
        return base64.urlsafe_b64encode(self.secret).rstrip(b"=").decode()

    def read(self, body: bytes) -> Any:
        return msgspec.json.decode(
            http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        )


@dataclass
class Others:
    """What arrived."""

    port: int = 0
    smtp_port: int = 0
    status: int = 200  # of the next answers
    ntfy: list[Any] = field(default_factory=list)
    hooks: list[Any] = field(default_factory=list)
    pushes: list[Any] = field(default_factory=list)
    beats: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    browser: Browser = field(default_factory=Browser)
    refuse_mail: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def on_ntfy(self, request: web.Request) -> web.Response:
        if self.status == 200:
            self.ntfy.append(await request.json())
        return web.Response(status=self.status, text="no")

    async def on_hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        fields = dict(part.split("=", 1) for part in request.headers["Roadheat-Signature"].split(","))
        digest = hmac.new(SECRET.encode(), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(digest, fields["v1"]):
            return web.Response(status=401)
        self.hooks.append(msgspec.json.decode(body))
        return web.Response(status=204)

    async def on_push(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status)
        if not Vapid02.verify(request.headers["Authorization"]) or request.headers["Content-Encoding"] != "aes128gcm":
            return web.Response(status=403)
        assert int(request.headers["TTL"]) > 0
        assert len(request.headers["Topic"]) <= 32
        self.pushes.append(self.browser.read(await request.read()))
        return web.Response(status=201)

    async def on_beat(self, request: web.Request) -> web.Response:
        self.beats += 1
        return web.Response()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse_mail:
            return "451 later"
        self.letters.append(cast(EmailMessage, message_from_bytes(envelope.content, policy=default)))
        return "250 kept"


@asynccontextmanager
async def others() -> AsyncIterator[Others]:
    found = Others()
    app = web.Application()
    app.add_routes([web.post("/", found.on_ntfy), web.post("/hook", found.on_hook), web.post("/push", found.on_push)])
    app.add_routes([web.get("/beat", found.on_beat)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    mail = Controller(found, hostname="127.0.0.1", port=free_port())
    mail.start()
    found.smtp_port = mail.port
    try:
        yield found
    finally:
        mail.stop()
        await runner.cleanup()
