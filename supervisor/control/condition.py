"""Whether a zone is being heated, and if not why. Pure: the answers are part of the view.

The order of the reasons is that of danger to people, then of the board's precedence table (docs/walk.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from supervisor.domain.override import OverrideMode
from supervisor.domain.zone import Place
from supervisor.wire.messages import Flag, Winner


class NotHeating(StrEnum):
    """Why a zone is not heated; flags go by their name, the worst first."""

    ELECTRIC_DANGER = "electric-danger"
    CONTACTOR_WELDED = "contactor-welded"
    EARTH_FAULT = "earth-fault"
    THERMAL_CUT_OUT = "thermal-cut-out"
    CABLE_BROKEN = "cable-broken"
    SENSOR_IMPLAUSIBLE = "sensor-implausible"
    LATCHED = "latched"
    MAINTENANCE = "maintenance"
    OVER_TEMPERATURE = "over-temperature"
    MAX_ON_TIME = "max-on-time"
    SELF_TEST_PENDING = "self-test-pending"
    POWER_RETURN_HOLD = "power-return-hold"
    INTERLOCK = "interlock"  # the board says so and gives no flag
    OFFLINE = "offline"  # whether it heats is not known
    NEVER_HEARD = "never-heard"
    SWITCHED_OFF = "switched-off"  # by a person
    STARTING = "starting"  # commanded on, no current yet: the contactor keeps its minimum off time
    WARM = "warm"  # commanded on, and the surface is near its upper limit
    SHED = "shed"  # other zones of the feeder need the power more
    NOT_PLANNED = "not-planned"  # snow or ice lies, and plan or local rule leave it
    NOT_NEEDED = "not-needed"


class Look(StrEnum):
    """Colour and sign of a surface: what may be claimed of it."""

    ICY = "icy"
    SNOW = "snow"
    WET = "wet"
    DRY = "dry"
    UNKNOWN = "unknown"


_BLOCKING_FLAGS = (  # the worst first
    Flag.CONTACTOR_WELDED,
    Flag.EARTH_FAULT,
    Flag.THERMAL_CUT_OUT,
    Flag.CABLE_BROKEN,
    Flag.SENSOR_IMPLAUSIBLE,
    Flag.LATCHED,
    Flag.OVER_TEMPERATURE,
    Flag.MAX_ON_TIME,
    Flag.SELF_TEST_PENDING,
    Flag.POWER_RETURN_HOLD,
)
_BY_FLAG = tuple((flag, NotHeating[str(flag.name)]) for flag in _BLOCKING_FLAGS)
BLOCKING = sum(_BLOCKING_FLAGS)  # as in the firmware's codes
CODES = tuple(NotHeating)
STOPS = CODES[: CODES.index(NotHeating.INTERLOCK) + 1]  # whatever is commanded
# Somebody has to go there: ON is not offered. The other stops end by themselves.
NEEDS_PERSON = CODES[: CODES.index(NotHeating.MAINTENANCE) + 1]
NO_CONTACT = (NotHeating.OFFLINE, NotHeating.NEVER_HEARD)
# Without contact too.
_STAYS = Flag.CONTACTOR_WELDED | Flag.EARTH_FAULT | Flag.THERMAL_CUT_OUT | Flag.CABLE_BROKEN | Flag.LATCHED

HEATED_SHARE = 0.2  # of rated power, from which a cable is known to heat: the board's own measure of a load
LYING_MM = 0.1  # water equivalent that makes ice minutes (docs/nomenclature.md)
ICY = frozenset({"ice", "frost"})
WHITE = frozenset({"snow", "slush"})
_OPEN_WATER = frozenset({"wet", "moist", "trace", "dew"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one zone."""

    dangers: bool = False  # electric danger stands
    heard: bool = False  # its board has been heard since the service started
    online: bool = False
    who: int | None = None  # Winner
    flags: int = 0  # Flag; a cable known to be broken counts as flagged
    power_w: int = 0
    rated_w: int = 1
    duty_permille: int = 0
    override: OverrideMode | None = None  # live
    surface: str | None = None  # surface state by word, estimated
    surface_c: float | None = None
    lying_mm: float = 0.0
    shed: bool = False  # the plan says that other zones need the power more
    hazard_ahead: bool = False  # snow, ice or frost foreseen within hours, or falling now
    hazard_utc_s: float | None = None  # when the plan's next hazard begins, where it is not there yet
    planned: bool = True  # an up-to-date plan commands it, not the board's own rule
    priority: int = 2  # 1 steepest … 3
    slope_percent: float = 0.0
    place: Place = Place.NONE


@dataclass(frozen=True)
class Condition:
    """The answers."""

    heated: bool | None  # None: not known; True beside a reason: current flows although it is to be off
    not_heating: NotHeating | None  # None while it is heated as it should be
    blocked: bool  # an interlock, a lock or electric danger keeps it off, whatever is commanded
    offered: tuple[OverrideMode, ...]  # commands that make sense now


def condition(facts: Facts) -> Condition:
    """Decide. Without contact it is unknown whether it is heated, unless a latch of its board keeps it off."""
    reason = _reason(facts)
    heated: bool | None = reason is None or _current_flows(facts)
    if not facts.online:
        heated = None if reason in (*NO_CONTACT, NotHeating.ELECTRIC_DANGER) else False
    modes = (OverrideMode.ON, OverrideMode.BOOST, OverrideMode.OFF)
    offered = (OverrideMode.OFF,) if reason in NEEDS_PERSON else modes
    return Condition(heated, reason, reason in STOPS, offered)


def lies(facts: Facts) -> bool:
    """Whether snow, slush, ice or frost lies there, as far as is known."""
    return facts.surface in ICY or facts.surface in WHITE or facts.lying_mm >= LYING_MM


def _reason(facts: Facts) -> NotHeating | None:
    if facts.dangers:
        return NotHeating.ELECTRIC_DANGER
    flags = facts.flags if facts.online else facts.flags & _STAYS
    if flags:
        for flag, code in _BY_FLAG:
            if flags & flag:
                return code
    if not facts.online:
        return NotHeating.OFFLINE if facts.heard else NotHeating.NEVER_HEARD
    if facts.who == Winner.MAINTENANCE:
        return NotHeating.MAINTENANCE
    if facts.who == Winner.INTERLOCK:
        return NotHeating.INTERLOCK
    if _current_flows(facts):
        return None
    if facts.who == Winner.OVERRIDE:
        if facts.override is OverrideMode.OFF or (facts.override is None and facts.duty_permille <= 0):
            return NotHeating.SWITCHED_OFF
        return NotHeating.STARTING if facts.duty_permille > 0 else NotHeating.WARM
    if facts.duty_permille >= 1000:
        return NotHeating.STARTING
    if facts.duty_permille > 0:  # between two pulses
        return None
    if facts.shed:
        return NotHeating.SHED
    return NotHeating.NOT_PLANNED if lies(facts) else NotHeating.NOT_NEEDED


def _current_flows(facts: Facts) -> bool:
    return facts.online and facts.power_w >= HEATED_SHARE * facts.rated_w


def look(facts: Facts) -> Look:
    """Colour and sign of the surface.

    Without contact no harmless state is shown: an estimate of "dry" may be wrong, one of snow is a warning.
    """
    if lies(facts):
        return Look.ICY if facts.surface in ICY else Look.SNOW
    if not facts.online or facts.surface is None:
        return Look.UNKNOWN
    return Look.WET if facts.surface in _OPEN_WATER else Look.DRY
