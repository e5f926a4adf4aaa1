"""Where a zone stands in the list: one of three sections, and its place there. Pure.

Danger: snow or ice lies and nothing melts it, or nobody can see whether. Watch: it may get worse, or asks for a look.
Fine: everything else. Within a section the group decides, then depth × slope × place.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

from supervisor.control.condition import ICY, NEEDS_PERSON, NO_CONTACT, STOPS, Condition, Facts, NotHeating, lies
from supervisor.domain.zone import Place
from supervisor.wire.messages import Flag, Winner

CLEARING_MM: Final = 0.4  # of water: some 2 mm of snow, which a heated road is rid of within the hour
SOON_S: Final = 3 * 3600.0  # a hazard that a cold road can no longer be preheated for at leisure
# People who fall: children on their way, patients, a bus on ice. Steps that order, no measured risk.
_PLACE_WEIGHT: Final = {Place.NONE: 1.0, Place.BUS: 1.3, Place.SCHOOL: 1.5, Place.NURSERY: 1.5, Place.HOSPITAL: 1.5}
_SLOPE_PERCENT: Final = 10.0  # on which a road counts twice as much as a level one
_URGENCY_MAX: Final = 9_999
_GROUP: Final = 10_000


class Section(StrEnum):
    DANGER = "danger"
    WATCH = "watch"
    FINE = "fine"


class _Group(IntEnum):
    """The most urgent first."""

    LIVE_PARTS = 0  # electric danger, current although switched off
    UNHELPED = 1  # snow or ice lies, and it is not or perhaps not melted
    UNSEEN = 2  # no contact, nothing is known to lie, and a hazard is foreseen
    SWITCHED_OFF = 3  # snow or ice lies, and a person has switched off
    PAUSED = 4  # snow lies; heat comes back by itself
    HEATED_ICE = 5
    HEATED_SNOW = 6  # more than is gone within the hour, or by the board's own rule
    LATE = 7  # wet, a hazard comes, and nothing heats
    TROUBLE = 8  # a fault, no hazard
    CLEARING = 9
    COMMANDED = 10
    FINE = 11


_SECTION_OF: Final = {
    group: Section.DANGER
    if group <= _Group.SWITCHED_OFF
    else Section.WATCH
    if group <= _Group.TROUBLE
    else Section.FINE
    for group in _Group
}
_PAUSES: Final = (
    NotHeating.OVER_TEMPERATURE,
    NotHeating.MAX_ON_TIME,
    NotHeating.SELF_TEST_PENDING,
    NotHeating.POWER_RETURN_HOLD,
    NotHeating.SHED,
    NotHeating.STARTING,
    NotHeating.WARM,
)


def section(facts: Facts, now: Condition, now_utc_s: float) -> tuple[Section, int]:
    """Section, and place in the whole list: the least number first."""
    group = _group(facts, now.not_heating, now_utc_s)
    return _section_of(group), group * _GROUP + _URGENCY_MAX - _urgency(facts)


def _section_of(group: _Group) -> Section:
    if group <= _Group.SWITCHED_OFF:
        return Section.DANGER
    return Section.WATCH if group <= _Group.TROUBLE else Section.FINE


def _urgency(facts: Facts) -> int:
    """Depth × slope × place, in steps so coarse that noise moves nothing."""
    priority = 4 - min(max(facts.priority, 1), 3)
    weight = priority * (1.0 + max(facts.slope_percent, 0.0) / _SLOPE_PERCENT) * _PLACE_WEIGHT[facts.place]
    half_mm = int(2 * max(facts.lying_mm, 0.0))
    return min(int(10 * half_mm * weight) + 5 * (facts.surface in ICY), _URGENCY_MAX)


def _group(facts: Facts, reason: NotHeating | None, now_utc_s: float) -> _Group:
    if reason in (NotHeating.ELECTRIC_DANGER, NotHeating.CONTACTOR_WELDED):
        return _Group.LIVE_PARTS
    if lies(facts):
        return _lying(facts, reason)
    if reason in NO_CONTACT and facts.hazard_ahead:
        return _Group.UNSEEN
    if _late(facts, reason, now_utc_s):
        return _Group.LATE
    if reason in STOPS or reason in NO_CONTACT or facts.flags & Flag.MOISTURE_IMPLAUSIBLE:
        return _Group.TROUBLE
    return _Group.COMMANDED if facts.override is not None else _Group.FINE


def _lying(facts: Facts, reason: NotHeating | None) -> _Group:
    icy = facts.surface in ICY
    if reason is None:
        if icy:
            return _Group.HEATED_ICE
        if facts.override is not None:  # somebody has seen to it, and current is measured
            return _Group.CLEARING
        deep = facts.lying_mm > CLEARING_MM
        return _Group.HEATED_SNOW if deep or facts.who == Winner.LOCAL else _Group.CLEARING
    if reason is NotHeating.SWITCHED_OFF:
        return _Group.SWITCHED_OFF
    if reason in _PAUSES and (not icy or reason is NotHeating.STARTING):
        return _Group.PAUSED
    return _Group.UNHELPED


def _late(facts: Facts, reason: NotHeating | None, now_utc_s: float) -> bool:
    """Wet with a hazard soon, and nothing heats against it."""
    if reason is None or reason in NEEDS_PERSON or facts.surface not in ("wet", "moist"):
        return False
    soon = facts.hazard_utc_s is not None and facts.hazard_utc_s - now_utc_s <= SOON_S
    return soon or (facts.hazard_ahead and not facts.planned)
