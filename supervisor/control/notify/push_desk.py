"""People's own browsers: each person who has switched notifications on is a receiver."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from supervisor.control.notify.receivers import Quiet, Receiver
from supervisor.domain.alarm import Severity
from supervisor.domain.errors import CommandError, NotifyError
from supervisor.net.addresses import check_url
from supervisor.notify.kind import Channel, Gone, Means, Message
from supervisor.notify.push import Push, Subscription, VapidKey, check_subscription
from supervisor.store.notices import NoticeRepository, PushRow

PER_HOUR = 30


class PushDesk:
    """Subscriptions, and the receivers that they make. Load before use."""

    def __init__(
        self,
        repository: NoticeRepository,
        key: VapidKey,
        contact: str,
        means: Means,
        local_hosts: tuple[str, ...],
        timezone: ZoneInfo,
    ) -> None:
        self._repository = repository
        self._key = key
        self._contact = contact
        self._means = means
        self._local_hosts = local_hosts
        self._timezone = timezone
        self._rows: list[PushRow] = []
        self.receivers: Mapping[str, tuple[Receiver, Channel]] = {}  # by name, one for each person

    @property
    def public_key(self) -> str:
        """For the browser's `applicationServerKey`."""
        return self._key.public

    async def load(self) -> None:
        """From the record: those whose owners are signed in there."""
        rows = await self._repository.subscriptions()
        if rows != self._rows:
            self._rows = rows
            self.receivers = self._people()

    async def subscribe(self, person: str, session: bytes, subscription: Subscription) -> None:
        """`session`: the hash of its token. Raises CommandError where it is none of a push service, StoreError."""
        try:
            check_subscription(subscription)
            check_url(subscription.endpoint, self._local_hosts)
        except NotifyError as error:
            raise CommandError(
                error.message, where=error.where, remedy="Switch notifications off and on again", code="no-push-service"
            ) from error
        to = subscription
        await self._repository.put_subscription(PushRow(to.endpoint, person, session, to.p256dh, to.auth, to.language))
        await self.load()

    async def unsubscribe(self, person: str, endpoint: str) -> None:
        """Nothing where there is no such subscription of that person."""
        await self._repository.remove_subscription(endpoint, person)
        await self.load()

    def _people(self) -> dict[str, tuple[Receiver, Channel]]:
        """Each person is told in the language of the newest browser."""
        found: dict[str, tuple[Receiver, Channel]] = {}
        for person in dict.fromkeys(row.person for row in self._rows):
            rows = [row for row in self._rows if row.person == person]
            receiver = Receiver(
                name_of(person), "en" if rows[-1].language == "en" else "ko", Severity.CRITICAL,
                Quiet((), self._timezone), PER_HOUR, 0.0, person,
            )  # fmt: skip
            found[receiver.name] = receiver, _Browsers(rows, self)
        return found

    def channel(self, row: PushRow) -> Push:
        """To one browser."""
        to = Subscription(row.endpoint, row.p256dh, row.auth)
        return Push(to, self._key, self._contact, self._means)

    async def forget(self, row: PushRow) -> None:
        """A browser has withdrawn its subscription."""
        await self._repository.remove_subscription(row.endpoint)
        await self.load()


def name_of(person: str) -> str:
    """The receiver's name of a person's browsers."""
    return f"push: {person}"


class _Browsers:
    """All browsers of one person: told is told, where one of them has it."""

    def __init__(self, rows: list[PushRow], desk: PushDesk) -> None:
        self._rows = rows
        self._desk = desk

    async def send(self, message: Message) -> None:
        results = await asyncio.gather(
            *(self._desk.channel(row).send(message) for row in self._rows), return_exceptions=True
        )
        for row, result in zip(self._rows, results, strict=True):
            if isinstance(result, Gone):
                await self._desk.forget(row)
        failures = [result for result in results if isinstance(result, BaseException)]
        if len(failures) == len(results):
            raise next((each for each in failures if not isinstance(each, Gone)), failures[0])
