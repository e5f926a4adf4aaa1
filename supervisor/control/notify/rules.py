"""Who is owed which message about one alarm: pure functions of the alarm, what was told, the roster and the time.

An alarm that nobody has seen is told to everyone who is always told, and to the first person on duty; every
`escalate_s` the next person of the roster is told as well. Acknowledging it, putting it off, or its end stops that.
Where the roster has nobody who can be reached, everyone is told at once. Those who were told hear that somebody takes
care, and its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from supervisor.control.alarms import Alarm
from supervisor.control.notify.receivers import Receiver
from supervisor.domain.alarm import AlarmCode

Event = Literal["raised", "again", "seen", "over"]

# An alarm that is over this long is over: one that comes and goes is told once, not every time.
SETTLED_S: Final = 120.0
# Told even during maintenance: people stand at the cabinet then.
DANGERS: Final = frozenset({AlarmCode.ELECTRIC_DANGER, AlarmCode.CONTACTOR_WELDED})


@dataclass
class Episode:
    """One alarm from its raise until it has settled, and what was notified of it."""

    alarm: Alarm
    open_since_s: float  # UTC since when it has waited for a person: raised, or put off or maintenance until then
    told: dict[str, float] = field(default_factory=dict)  # receiver → UTC of the last time it was told to act
    seen_told: set[str] = field(default_factory=set)

    def settled(self, now_s: float) -> bool:
        """Whether it is over and has stayed so."""
        over = self.alarm.cleared_utc_s
        return over is not None and now_s - over >= SETTLED_S


@dataclass(frozen=True)
class Escalation:
    """The times that apply to all."""

    step_s: float  # until the next person of the roster
    remind_s: float  # until it is told again


def owed(
    episode: Episode, receivers: Collection[Receiver], chain: Sequence[str], times: Escalation, now_s: float
) -> list[tuple[Receiver, Event]]:
    """What is to be told now. `chain`: people on duty in the order in which they are told; empty: nobody is.

    People of the roster without a receiver of their own are passed over at once.
    """
    alarm = episode.alarm
    if alarm.cleared_utc_s is not None:
        return []
    shelved_until = alarm.shelved_until_utc_s or 0
    if alarm.acknowledged_by is not None:
        return [
            (receiver, "seen")
            for receiver in receivers
            if receiver.name in episode.told
            and receiver.name not in episode.seen_told
            and receiver.person != alarm.acknowledged_by
            and receiver.wants(alarm.severity, now_s)
        ]
    if now_s < shelved_until:
        return []
    since_s = max(episode.open_since_s, float(shelved_until))
    reached = {receiver.person for receiver in receivers}
    chain = [person for person in chain if person in reached]
    found: list[tuple[Receiver, Event]] = []
    for receiver in receivers:
        if alarm.code is AlarmCode.NOTIFIER_FAILED and alarm.subject == receiver.name:
            continue  # it cannot say itself that it is dead
        due_s = _due_s(receiver, chain, times, since_s)
        if due_s is None or now_s < due_s or not receiver.wants(alarm.severity, now_s):
            continue
        last_s = episode.told.get(receiver.name)
        if last_s is None or last_s < since_s:
            found.append((receiver, "raised"))
        elif now_s - last_s >= times.remind_s:
            found.append((receiver, "again"))
    return found


def _due_s(receiver: Receiver, chain: Sequence[str], times: Escalation, since_s: float) -> float | None:
    """When it is this receiver's turn; None: not while others are on duty."""
    if not receiver.person or not chain:
        return since_s + receiver.after_s
    if receiver.person not in chain:
        return None
    return since_s + receiver.after_s + chain.index(receiver.person) * times.step_s


def closing(episode: Episode, receivers: Iterable[Receiver], now_s: float) -> list[Receiver]:
    """Who hears that it is over: those who were notified of it, unless it is quiet for them now."""
    severity = episode.alarm.severity
    return [receiver for receiver in receivers if receiver.name in episode.told and receiver.wants(severity, now_s)]
