"""What a message says, in the language of who reads it and with the app's own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from supervisor.control.alarms import Alarm
from supervisor.control.notify.rules import Event
from supervisor.domain.alarm import Severity
from supervisor.domain.outlook import Outlook
from supervisor.domain.stage import Stage
from supervisor.notify.kind import Language, Message
from supervisor.notify.words import say, words

MANY_SHOWN = 6  # titles in a message that stands for many


@dataclass(frozen=True)
class Writer:
    """Makes messages."""

    timezone: ZoneInfo
    site: str
    public_url: str  # of the app; "" where it is unknown
    name_of: Callable[[str, Language], str]  # a zone's, board's or feeder's own name by its id

    def about(self, alarm: Alarm, event: Event, language: Language, now_s: float) -> Message:
        """One alarm."""
        what, *steps = words(language)[f"alarm.{alarm.code}"].split("|")
        subject = self.name_of(alarm.subject, language) if alarm.subject else self.site
        title = say(
            language, f"notify.title-{event}", severity=say(language, f"notify.{alarm.severity}"), what=what,
            subject=subject,
        )  # fmt: skip
        lines = []
        if event in ("raised", "again"):
            lines += steps
            if language == "en" and alarm.text:  # details are written by the service, in English
                lines.append(alarm.text)
            lines.append(say(language, "notify.since", time=self.time(alarm.raised_utc_s)))
        elif event == "seen":
            by = alarm.assigned_to or alarm.acknowledged_by or ""
            lines.append(say(language, "notify.by", user=by))
            if alarm.comment:
                lines.append(alarm.comment)
        else:
            until = alarm.cleared_utc_s or int(now_s)
            times = {"from": self.time(alarm.raised_utc_s), "until": self.time(until)}
            lines.append(say(language, "notify.lasted", **times))
        return Message(
            title=title, body="\n".join(lines), severity=alarm.severity, event=event, tag=tag_of(alarm),
            link=self._link("#alarms"), code=alarm.code, subject=alarm.subject, utc_s=int(now_s),
        )  # fmt: skip

    def many(self, messages: Sequence[Message], language: Language) -> Message:
        """One message in the place of several."""
        worst = min(messages, key=lambda message: list(Severity).index(message.severity))
        last = messages[-1]
        shown = [message.title for message in messages[:MANY_SHOWN]]
        if len(messages) > len(shown):
            shown.append(say(language, "notify.more", count=len(messages) - len(shown)))
        return Message(
            title=say(language, "notify.many", count=len(messages), site=self.site), body="\n".join(shown),
            severity=worst.severity, event=worst.event, tag=f"many/{last.tag}/{last.utc_s}", link=self._link("#alarms"),
            utc_s=max(message.utc_s for message in messages),
        )  # fmt: skip

    def test(self, receiver: str, language: Language, now_s: float) -> Message:
        """To try a channel."""
        return Message(
            title=say(language, "notify.test", site=self.site), body=say(language, "notify.test-body", name=receiver),
            severity=Severity.MINOR, event="test", tag="test", link=self._link(""), utc_s=int(now_s),
        )  # fmt: skip

    def ahead(self, outlook: Outlook, stage: Stage, language: Language, now_s: float) -> Message:
        """What the next 24 h bring: stage, probability, snow, when, and which roads first."""
        district = outlook.district
        risky = sorted((road for road in outlook.roads if road.probability > 0), key=lambda road: -road.probability)
        names = ", ".join(f"{self.name_of(road.zone, language)} {road.probability:.0%}" for road in risky[:MANY_SHOWN])
        lines = [
            say(language, "notify.ahead-ice", probability=f"{district.probability:.0%}",
                black=f"{district.black_ice:.0%}"),
            say(language, "notify.ahead-snow", cm=f"{district.snow_cm:g}"),
        ]  # fmt: skip
        if district.onset_utc_s is not None:
            lines.append(say(language, "notify.ahead-onset", time=self.time(district.onset_utc_s)))
        if names:
            lines.append(say(language, "notify.ahead-roads", count=len(risky), names=names))
        return Message(
            title=say(language, "notify.ahead", site=self.site, stage=say(language, f"stage.{stage.word}")),
            body="\n".join(lines), severity=Severity.MAJOR, event="raised", tag=f"ahead/{outlook.issued_utc_s}",
            link=self._link(""), utc_s=int(now_s),
        )  # fmt: skip

    def plain(self, language: Language, key: str, tag: str, utc_s: float, **values: object) -> Message:
        """Something other than an alarm: `<key>` is its title, `<key>-body` the rest; zones' names are put in."""
        if "zone" in values:
            values["zone"] = self.name_of(str(values["zone"]), language)
        return Message(
            title=say(language, key, **values), body=say(language, f"{key}-body", **values),
            severity=Severity.MAJOR, event="raised", tag=f"{tag}/{int(utc_s)}", link=self._link(""), utc_s=int(utc_s),
        )  # fmt: skip

    def time(self, utc_s: float) -> str:
        """Local month, day and time."""
        return f"{datetime.fromtimestamp(utc_s, self.timezone):%m-%d %H:%M}"

    def _link(self, place: str) -> str:
        return f"{self.public_url.rstrip('/')}/{place}" if self.public_url else ""


def tag_of(alarm: Alarm) -> str:
    """The same for all messages about one alarm, from its begin to its end."""
    return f"{alarm.code}/{alarm.subject}/{alarm.raised_utc_s}"
