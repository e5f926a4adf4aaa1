"""ntfy: a topic of ntfy.sh or of an own server, as JSON (https://docs.ntfy.sh/publish/#publish-as-json)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from supervisor.domain.alarm import Severity
from supervisor.notify.http import post
from supervisor.notify.kind import Channel, ChannelKind, Means, Message, NotifySettings

# Priorities of ntfy: 5 sounds through "do not disturb", 3 is the default.
PRIORITY: Final = {Severity.CRITICAL: 5, Severity.MAJOR: 4, Severity.MINOR: 3}
QUIET_PRIORITY: Final = 3  # somebody takes care, or it is over
TAGS: Final = {"raised": "warning", "again": "warning", "over": "white_check_mark"}


class NtfySettings(NotifySettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    url: str  # with the topic: "https://ntfy.sh/my-topic"
    token_env: str = ""  # environment variable with the access token


def _topic(url: str) -> tuple[str, str]:
    """Address of the server, and the topic."""
    parts = urlsplit(url)
    root, _, topic = parts.path.rstrip("/").rpartition("/")
    return urlunsplit((parts.scheme, parts.netloc, f"{root}/", "", "")), topic


class _Ntfy:
    def __init__(self, settings: NtfySettings, means: Means) -> None:
        self._server, self._topic = _topic(settings.url)
        token = means.secret(settings.token_env, f"notify {settings.name}")
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._http = means.http

    async def send(self, message: Message) -> None:
        urgent = message.event in ("raised", "again")
        body: dict[str, Any] = {
            "topic": self._topic,
            "title": message.title,
            "message": message.body,
            "priority": PRIORITY[message.severity] if urgent else QUIET_PRIORITY,
            "tags": [TAGS[message.event]] if message.event in TAGS else [],
        }
        if message.link:
            body["click"] = message.link
        await post(self._http, self._server, msgspec.json.encode(body), self._headers)


def _open(settings: NtfySettings, means: Means) -> Channel:
    return _Ntfy(settings, means)


def _problems(settings: NtfySettings) -> list[tuple[str, str, str]]:
    if urlsplit(settings.url).path.strip("/"):
        return []
    return [("url", "no topic", 'Write the topic\'s address such as "https://ntfy.sh/my-topic"')]


KIND: Final = ChannelKind("ntfy", NtfySettings, _open, _problems)
