"""Telling people, put together from the configuration."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from supervisor.config import Config
from supervisor.control.alarms import Alarms
from supervisor.control.notify.duty import Duty
from supervisor.control.notify.heartbeat import Heartbeat
from supervisor.control.notify.notifier import Notifier, Receivers
from supervisor.control.notify.push_desk import PushDesk, name_of
from supervisor.control.notify.receivers import Receiver
from supervisor.control.notify.rules import Escalation
from supervisor.control.notify.texts import Writer
from supervisor.domain.errors import NotFoundError, NotifyError
from supervisor.domain.outlook import Outlook
from supervisor.domain.override import Override
from supervisor.domain.stage import Stage
from supervisor.net.outside import open_session
from supervisor.notify import CHANNELS
from supervisor.notify.kind import Channel, Language, Means, Message, NotifySettings
from supervisor.notify.push import VapidKey
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock
from supervisor.store.store import Store

logger = logging.getLogger(__name__)

VAPID: Final = "vapid.pem"  # among the keys
NO_CONTACT: Final = "https://pypi.org"  # for push services, which need one, where no operator is named


@dataclass(frozen=True)
class Telling:
    """What tells people, for the web layer and the loops."""

    notifier: Notifier
    duty: Duty
    push: PushDesk
    heartbeat: Heartbeat | None
    receivers: Mapping[str, tuple[Receiver, Channel]]  # of the configuration
    writer: Writer
    clock: Clock

    def person(self, person: str, key: str, **values: object) -> bool:
        """Tell one person's browsers something that is about no alarm; False where none has notifications on.

        `key` and `<key>-body` are its texts; `zone` among `values` is shown by its name.
        """
        now_s = self.clock.utc_s()
        return self.notifier.send(
            name_of(person),
            lambda to: self.writer.plain(to.language, key, f"{key}/{values.get('zone', '')}", now_s, **values),
        )

    def everyone(self, make: Callable[[Receiver], Message]) -> int:
        """Tell every receiver of the configuration whose person, if it has one, is on duty. Returns how many."""
        chain = self.duty.chain(self.clock.utc_s())
        on = [one for one, _ in self.receivers.values() if not one.person or one.person in chain]
        return sum(self.notifier.send(one.name, make) for one in on)

    def ahead(self, outlook: Outlook, stage: Stage) -> None:
        """Tell of the night: in the evening, once for each stage that it reaches."""
        now_s = self.clock.utc_s()
        self.everyone(lambda to: self.writer.ahead(outlook, stage, to.language, now_s))

    def displaced(self, older: Override, user: str, newer: Override | None) -> None:
        """Tell a person that another one has replaced or ended their command."""
        key = "notify.ended" if newer is None else f"notify.replaced-{newer.mode}"
        self.person(older.user, key, zone=older.zone, user=user)

    def names(self, user: str) -> list[str]:
        """Receivers that a person may try: those of the configuration, and the own browsers."""
        own = name_of(user)
        return [*self.receivers, *([own] if own in self.push.receivers else [])]

    async def test(self, name: str) -> None:
        """Send a test message at once. Raises NotFoundError, NotifyError where it is not accepted."""
        found = {**self.receivers, **self.push.receivers}.get(name)
        if found is None:
            raise NotFoundError("no such receiver", where=name[:80], remedy="Load the list again", code="no-receiver")
        receiver, channel = found
        await channel.send(self.writer.test(name, receiver.language, self.clock.utc_s()))


def places_of(config: Config) -> dict[str, frozenset[str]]:
    """What a zone's, board's or feeder's alarm belongs to."""
    zones = {zone.id: frozenset({zone.id, zone.board, zone.feeder}) for zone in config.zone}
    boards = {board.id: frozenset({board.id}) for board in config.board}
    return {**{feeder.id: frozenset({feeder.id}) for feeder in config.feeder}, **boards, **zones}


def writer_of(config: Config) -> Writer:
    """Makes messages with the names of the configuration."""
    names = {board.id: (board.name, board.name) for board in config.board}
    names |= {zone.id: (zone.name_ko or zone.name, zone.name) for zone in config.zone}

    def name(subject: str, language: Language) -> str:
        korean, english = names.get(subject, ("", ""))
        return (korean if language == "ko" else english) or subject

    return Writer(ZoneInfo(config.site.timezone), config.site.name, config.web.public_url, name)


def open_channels(config: Config, means: Means) -> dict[str, tuple[Receiver, Channel]]:
    """Every `[[notify]]`; one that cannot be opened says so whenever it is used, and so raises its alarm."""
    timezone = ZoneInfo(config.site.timezone)
    return {settings.name: (Receiver.of(settings, timezone), _open(settings, means)) for settings in config.notify}


def _open(settings: NotifySettings, means: Means) -> Channel:
    try:
        channel: Channel = CHANNELS[settings.kind].open(settings, means)
    except NotifyError as error:
        logger.error("%s cannot be told: %s", settings.name, error)
        return _Closed(error)
    return channel


class _Closed:
    """A channel whose token or password is missing."""

    def __init__(self, error: NotifyError) -> None:
        self._error = error

    async def send(self, message: Message) -> None:
        raise self._error


@asynccontextmanager
async def open_telling(config: Config, store: Store, alarms: Alarms, clock: Clock) -> AsyncIterator[Telling]:
    """Channels, roster and rules. Raises ConfigError for a damaged key of web push."""
    timezone, local = ZoneInfo(config.site.timezone), config.alarms.local_hosts
    async with open_session(local) as http, Background() as outboxes:  # which end before their connections
        means = Means(http, clock, os.environ)
        receivers = open_channels(config, means)
        key = VapidKey(config.state_dir / "keys" / VAPID)
        contact = config.alarms.push_contact or NO_CONTACT
        push = PushDesk(store.notices, key, contact, means, local, timezone)
        duty = Duty(
            store.duty, store.audit, clock, timezone, places_of(config), {feeder.id for feeder in config.feeder}
        )
        writer = writer_of(config)
        times = Escalation(60.0 * config.alarms.escalate_min, 3600.0 * config.alarms.remind_h)

        def all_receivers() -> Receivers:
            return {**receivers, **push.receivers}

        notifier = Notifier(alarms, all_receivers, duty, times, writer, store.notices, clock)
        notifier.refreshes += [push.load, duty.load]  # both change from the command line, too
        await duty.load()
        await push.load()
        await notifier.start(outboxes)
        url = config.alarms.heartbeat_url
        heartbeat = Heartbeat(url, http, alarms, clock) if url else None
        try:
            yield Telling(notifier, duty, push, heartbeat, receivers, writer, clock)
        finally:
            alarms.changed.remove(notifier.changed)
