"""What every channel has: the keys of its `[[notify]]` table, the message, and how it is opened and used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from supervisor.domain.alarm import Severity
from supervisor.domain.errors import NotifyError
from supervisor.runtime.clock import Clock

if TYPE_CHECKING:
    import aiohttp

Language = Literal["ko", "en"]


class NotifySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys that every `[[notify]]` has, whatever its kind."""

    name: str  # in the log, in alarms about it and in the app
    kind: str
    language: Language = "ko"
    severity: Literal["critical", "major", "minor"] = "critical"  # the least that is told
    quiet: tuple[str, ...] = ()  # "22:00-06:00" of the site: only critical ones are told then, the rest afterwards
    per_hour: int = 30  # more are told together, in one message
    after_min: int = 0  # told only of what nobody has seen for that time
    person: str = ""  # told while this person is on duty by the roster; "": always


class Message(Struct, frozen=True, kw_only=True):
    """One thing to tell, already in the language of who reads it."""

    title: str
    body: str
    severity: Severity
    event: str  # "raised", "again", "seen", "over", "test"
    tag: str  # one for each alarm: a later message takes the place of an earlier one where the channel can do that
    link: str = ""  # to the app; "" where its public address is unknown
    code: str = ""
    subject: str = ""
    utc_s: int = 0

    @property
    def thread(self) -> str:
        """32 letters for what belongs to the same alarm, where a protocol limits their number or kind."""
        return hashlib.sha256(self.tag.encode()).hexdigest()[:32]


class Channel(Protocol):
    """A way to one receiver. Must be quick to fail: a channel holds up nobody, but later messages to itself."""

    async def send(self, message: Message) -> None:
        """Return once the other side has accepted it. Raises NotifyError, `Gone` where trying again is no use."""
        ...


class Gone(NotifyError):
    """The receiver does not exist any more: a browser that has withdrawn its subscription."""

    code = "notify-gone"


@dataclass(frozen=True)
class Means:
    """What channels work with."""

    http: aiohttp.ClientSession  # guarded: see `net.outside`
    clock: Clock
    environment: Mapping[str, str] = field(default_factory=dict)  # for tokens and passwords

    def secret(self, name: str, where: str) -> str:
        """The value of an environment variable; "" for no name. Raises NotifyError where it is not set."""
        if not name:
            return ""
        value = self.environment.get(name, "")
        if not value:
            raise NotifyError(f"the environment variable {name} is empty", where=where, remedy="Set it for the service")
        return value


S = TypeVar("S", bound=NotifySettings)


@dataclass(frozen=True)
class ChannelKind(Generic[S]):
    """One kind of channel: a module, and a line in `CHANNELS`."""

    name: str
    settings: type[S]
    open: Callable[[S, Means], Channel]
    problems: Callable[[S], list[tuple[str, str, str]]]  # key, what is wrong, what to do


AnyKind = ChannelKind[Any]
