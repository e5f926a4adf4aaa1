"""Rules of `[alarms]` and `[[notify]]`: how and when people are notified of alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from supervisor.config.schema import Config
from supervisor.config.source import Source
from supervisor.domain.errors import ConfigError, NotifyError
from supervisor.net.addresses import check_url
from supervisor.notify import CHANNELS
from supervisor.notify.kind import NotifySettings

ESCALATE_MIN = (1, 240)  # minutes
REMIND_H = (0.5, 168)
AFTER_MIN_MAX = 1440
PER_HOUR = (1, 1000)
SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
CONTACT = re.compile(r"mailto:[^\s@]+@[^\s@]+|https://[A-Za-z0-9.-]+")  # as py-vapid takes them

Problems = Iterator[ConfigError]


def quiet_span(text: str) -> tuple[int, int]:
    """ "22:00-06:00" as minutes of the day; raises ValueError."""
    found = SPAN.fullmatch(text)
    if not found:
        raise ValueError(text)
    from_h, from_min, until_h, until_min = map(int, found.groups())
    return 60 * from_h + from_min, 60 * until_h + until_min


def find_notify_problems(config: Config, source: Source) -> Problems:
    """Problems of how alarms are told."""
    yield from _alarms(config, source)
    first: dict[str, int] = {}
    for number, settings in enumerate(config.notify):
        key = f"notify[{number}]"
        if not settings.name.strip():
            yield source.problem(f"{key}.name", "empty", "Write what people call it: it stands in alarms about it")
        elif settings.name in first:
            yield source.problem(f"{key}.name", f"notify[{first[settings.name]}] has it too", "Give each its own name")
        first.setdefault(settings.name, number)
        yield from _common(settings, key, source)
        kind: Any = CHANNELS[settings.kind]
        for name, message, remedy in kind.problems(settings):
            yield source.problem(f"{key}.{name}", message, remedy)
        url = getattr(settings, "url", None)
        if url is not None:
            yield from _address(f"{key}.url", url, config, source)


def _alarms(config: Config, source: Source) -> Problems:
    alarms = config.alarms
    if not ESCALATE_MIN[0] <= alarms.escalate_min <= ESCALATE_MIN[1]:
        yield source.problem("alarms.escalate_min", "outside 1…240", "Write minutes: 10")
    if not REMIND_H[0] <= alarms.remind_h <= REMIND_H[1]:
        yield source.problem("alarms.remind_h", "outside 0.5…168", "Write hours: 6")
    if alarms.heartbeat_url:
        yield from _address("alarms.heartbeat_url", alarms.heartbeat_url, config, source)
    for number, host in enumerate(alarms.local_hosts):
        if not host or any(c in host for c in "/: "):
            yield source.problem(
                f"alarms.local_hosts[{number}]", "not a host", 'Write only the name or address: "10.0.0.7"'
            )
    if alarms.push_contact and not CONTACT.fullmatch(alarms.push_contact):
        yield source.problem(
            "alarms.push_contact", "neither mailto: nor https:", 'Write one such as "mailto:roads@city.example"'
        )


def _common(settings: NotifySettings, key: str, source: Source) -> Problems:
    if not 0 <= settings.after_min <= AFTER_MIN_MAX:
        yield source.problem(f"{key}.after_min", f"outside 0…{AFTER_MIN_MAX}", "Write minutes, 0 for at once")
    if not PER_HOUR[0] <= settings.per_hour <= PER_HOUR[1]:
        yield source.problem(f"{key}.per_hour", "outside 1…1000", "Write 30")
    for number, text in enumerate(settings.quiet):
        try:
            begin, end = quiet_span(text)
        except ValueError:
            begin = end = -1
        if begin == end:
            yield source.problem(f"{key}.quiet[{number}]", "not a span of the day", 'Write one such as "22:00-06:00"')


def _address(key: str, url: str, config: Config, source: Source) -> Problems:
    try:
        check_url(url, config.alarms.local_hosts)
    except NotifyError as error:
        yield source.problem(key, error.message, error.remedy)
