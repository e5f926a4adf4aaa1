"""What `[limits]` and a zone's own limits must say: the bounds of the board profile, and how limits fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.config.source import Source
from supervisor.domain.board_profile import PROFILE, Limits
from supervisor.domain.errors import ConfigError

TICK_S = 30  # the planner places windows on this grid

Problems = Iterator[ConfigError]


def find_limit_problems(limits: Limits, source: Source) -> Problems:
    """Everything wrong with the table `[limits]`. What a board would not use as written is refused here."""
    names = [name for name in PROFILE.limits if hasattr(limits, name)]
    outside = list(_outside(limits, "limits", names, source))
    yield from outside
    if outside:
        return
    if limits.min_on_s + limits.min_off_s > limits.period_s:
        yield source.problem(
            "limits.period_s",
            f"shorter than min_on_s + min_off_s = {limits.min_on_s + limits.min_off_s} s",
            "Write a longer period, or shorter minimum times",
            value=limits.period_s,
        )
        return
    if limits.period_s % TICK_S:
        yield source.problem("limits.period_s", f"not a multiple of {TICK_S} s", "Write 900")
    if limits.leakage_warn_ma > limits.leakage_trip_ma:
        yield source.problem(
            "limits.leakage_warn_ma",
            f"above leakage_trip_ma = {limits.leakage_trip_ma} mA",
            "Write a warning below the trip",
            value=limits.leakage_warn_ma,
        )
    if limits.power_return_min_s > limits.power_return_max_s:
        yield source.problem(
            "limits.power_return_min_s",
            f"above power_return_max_s = {limits.power_return_max_s} s",
            "Write the shorter wait first",
        )
    yield from _cold_road(limits, source)


def _cold_road(limits: Limits, source: Source) -> Problems:
    """Limits that would leave a cold wet road without heat for too long: boards lower them to these bounds."""
    most = {
        "power_return_max_s": min(PROFILE.power_return_max_s, PROFILE.off_max_s - limits.min_off_s),
        "period_s": PROFILE.off_max_s + limits.min_on_s,
    }
    duty = limits.local_duty_permille
    if limits.min_on_s * 1000 > duty * limits.period_s:
        turn_s = PROFILE.turn_max_s - limits.period_s
        most["min_on_s"] = max(PROFILE.limits["min_on_s"][0], duty * turn_s // (1000 - duty))
    for name, most_s in most.items():
        value = getattr(limits, name)
        if value > most_s:
            yield source.problem(
                f"limits.{name}",
                f"above {most_s} s: a cold road would wait too long",
                f"Write at most {most_s}",
                value=value,
            )


def find_zone_limit_problems(limits: Limits, key: str, source: Source) -> Problems:
    """Everything wrong with the limits that the zone at `key`, such as `zone[2]`, has of its own."""
    own = source.value(f"{key}.limits") or {}
    for name in own:
        if name not in PROFILE.zone_limits:
            yield source.problem(
                f"{key}.limits.{name}",
                "the same for all zones",
                f"Write it in [limits]; a zone may have {', '.join(PROFILE.zone_limits)}",
            )
    yield from _outside(limits, f"{key}.limits", [name for name in own if name in PROFILE.zone_limits], source)


def _outside(limits: Limits, key: str, names: list[str], source: Source) -> Problems:
    for name in names:
        least, most, default = PROFILE.limits[name]
        if not least <= getattr(limits, name) <= most:
            yield source.problem(f"{key}.{name}", f"outside {least}…{most}", f"Leave it out for {default}")
