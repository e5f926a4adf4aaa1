"""Mail by SMTP (RFC 5321): one message to all addresses of a `[[notify]]`."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final, Literal

from supervisor.domain.alarm import Severity
from supervisor.domain.errors import NotifyError
from supervisor.notify.kind import Channel, ChannelKind, Means, Message, NotifySettings

TIMEOUT_S: Final = 20.0  # RFC 5321 allows minutes; an alarm is tried again instead


class MailSettings(NotifySettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    to: tuple[str, ...]
    sender: str
    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_env: str = ""  # environment variable with the password


class _Mail:
    def __init__(self, settings: MailSettings, means: Means) -> None:
        self._settings = settings
        self._password = means.secret(settings.password_env, f"notify {settings.name}")
        self._clock = means.clock

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"] = message.title
        letter["From"] = self._settings.sender
        letter["To"] = ", ".join(self._settings.to)
        letter["Date"] = format_datetime(datetime.fromtimestamp(self._clock.utc_s(), UTC))
        domain = parseaddr(self._settings.sender)[1].partition("@")[2]
        if message.event == "raised":
            letter["Message-ID"] = f"<{message.thread}@{domain}>"
        else:  # in the same conversation as the first message
            letter["References"] = letter["In-Reply-To"] = f"<{message.thread}@{domain}>"
        if message.severity is Severity.CRITICAL and message.event in ("raised", "again"):
            letter["X-Priority"] = "1"
            letter["Importance"] = "high"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from an absence assistant
        letter.set_content(f"{message.body}\n\n{message.link}".strip() + "\n")
        return letter

    async def send(self, message: Message) -> None:
        import aiosmtplib  # here: commands that read city.toml start without it

        settings = self._settings
        try:
            refused, _ = await aiosmtplib.send(
                self._letter(message),
                hostname=settings.host,
                port=settings.port,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                username=settings.user or None,
                password=self._password or None,
                timeout=TIMEOUT_S,
            )
        except (TimeoutError, aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotifyError(f"{error or type(error).__name__}", where=f"{settings.host}:{settings.port}") from error
        if refused:
            raise NotifyError(f"refused for {', '.join(refused)}", where=f"{settings.host}:{settings.port}")


def _open(settings: MailSettings, means: Means) -> Channel:
    return _Mail(settings, means)


def _is_address(text: str) -> bool:
    local, at, domain = parseaddr(text)[1].rpartition("@")
    return bool(local and at and domain) and not any(c in text for c in "\r\n")


def _problems(settings: MailSettings) -> list[tuple[str, str, str]]:
    found = []
    if not settings.to:
        found.append(("to", "empty", 'Write addresses: ["crew@city.example"]'))
    for number, address in enumerate(settings.to):
        if not _is_address(address):
            found.append((f"to[{number}]", "not a mail address", 'Write one such as "crew@city.example"'))
    if not _is_address(settings.sender):
        found.append(("sender", "not a mail address", 'Write one such as "roadheat@city.example"'))
    if not 1 <= settings.port <= 65535:
        found.append(("port", "outside 1…65535", "Write 587, 465 or 25"))
    if settings.user and settings.security == "none":
        found.append(("security", "a password in plain text", 'Write "starttls" or "tls", or leave out user'))
    if bool(settings.user) != bool(settings.password_env):
        found.append(("user", "user and password_env go together", "Give both or neither"))
    return found


KIND: Final = ChannelKind("mail", MailSettings, _open, _problems)
