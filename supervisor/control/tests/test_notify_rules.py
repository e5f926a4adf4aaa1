"""Who is owed which message: the rules as functions of alarm, roster and time."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from supervisor.control.alarms import Alarm
from supervisor.control.notify.receivers import Quiet, Receiver
from supervisor.control.notify.rules import Episode, Escalation, closing, owed
from supervisor.domain.alarm import AlarmCode, Severity

SEOUL = ZoneInfo("Asia/Seoul")
T0 = 1_768_500_000.0  # 03:00 in Seoul
TIMES = Escalation(step_s=600.0, remind_s=6 * 3600.0)
NIGHT = Quiet.of(["22:00-06:00"], SEOUL)
ALARM = Alarm(AlarmCode.EARTH_FAULT, "z01", "", Severity.CRITICAL, int(T0))


def receiver(name: str, **more: object) -> Receiver:
    own = {"language": "ko", "least": Severity.CRITICAL, "quiet": Quiet((), SEOUL), "per_hour": 30, "after_s": 0.0,
           "person": ""}  # fmt: skip
    return Receiver(name, **{**own, **more})  # type: ignore[arg-type]


TEAM = receiver("team")
KIM, LEE = receiver("kim", person="Kim"), receiver("lee", person="Lee")


def names(episode: Episode, receivers: list[Receiver], chain: list[str], now_s: float) -> list[tuple[str, str]]:
    return [(one.name, event) for one, event in owed(episode, receivers, chain, TIMES, now_s)]


def test_the_next_of_the_roster_is_told_while_nobody_has_seen_it() -> None:
    episode, everyone = Episode(ALARM, T0), [TEAM, KIM, LEE]
    assert names(episode, everyone, ["Kim", "Lee"], T0) == [("team", "raised"), ("kim", "raised")]
    episode.told = {"team": T0, "kim": T0}
    assert names(episode, everyone, ["Kim", "Lee"], T0 + 599) == []
    assert names(episode, everyone, ["Kim", "Lee"], T0 + 600) == [("lee", "raised")]


def test_seeing_it_stops_the_escalation_and_others_hear_who_takes_care() -> None:
    seen = replace(ALARM, acknowledged_by="Kim", acknowledged_utc_s=int(T0) + 60)
    episode = Episode(seen, T0, told={"team": T0, "kim": T0})
    assert names(episode, [TEAM, KIM, LEE], ["Kim", "Lee"], T0 + 6000) == [("team", "seen")]
    episode.seen_told.add("team")
    assert names(episode, [TEAM, KIM, LEE], ["Kim", "Lee"], T0 + 9000) == []


def test_without_anybody_on_duty_everybody_is_told() -> None:
    assert names(Episode(ALARM, T0), [TEAM, KIM, LEE], [], T0) == [
        ("team", "raised"), ("kim", "raised"), ("lee", "raised"),
    ]  # fmt: skip


def test_put_off_counts_from_its_end_and_is_told_again() -> None:
    shelved = replace(ALARM, shelved_until_utc_s=int(T0) + 3600)
    episode = Episode(shelved, T0, told={"team": T0})
    assert names(episode, [TEAM], [], T0 + 3599) == []
    assert names(episode, [TEAM], [], T0 + 3600) == [("team", "raised")]


def test_what_stands_is_told_again_after_hours() -> None:
    episode = Episode(ALARM, T0, told={"team": T0})
    assert names(episode, [TEAM], [], T0 + TIMES.remind_s - 1) == []
    assert names(episode, [TEAM], [], T0 + TIMES.remind_s) == [("team", "again")]


def test_quiet_hours_hold_back_all_but_critical_ones_until_they_end() -> None:
    sleeper = receiver("day", least=Severity.MINOR, quiet=NIGHT)
    minor = replace(ALARM, code=AlarmCode.PRICES, severity=Severity.MINOR)
    assert names(Episode(ALARM, T0), [sleeper], [], T0) == [("day", "raised")]
    assert names(Episode(minor, T0), [sleeper], [], T0) == []
    assert names(Episode(minor, T0), [sleeper], [], T0 + 3 * 3600) == [("day", "raised")]
    assert names(Episode(minor, T0), [TEAM], [], T0 + 3 * 3600) == []  # it wants critical ones only


def test_a_dead_receiver_is_not_asked_to_say_so() -> None:
    dead = replace(ALARM, code=AlarmCode.NOTIFIER_FAILED, subject="team", severity=Severity.CRITICAL)
    assert names(Episode(dead, T0), [TEAM, KIM], [], T0) == [("kim", "raised")]


def test_only_those_who_were_told_hear_its_end_and_only_when_it_has_settled() -> None:
    over = replace(ALARM, cleared_utc_s=int(T0) + 100)
    episode = Episode(over, T0, told={"team": T0})
    assert not episode.settled(T0 + 219)
    assert episode.settled(T0 + 220)
    assert [one.name for one in closing(episode, [TEAM, KIM], T0 + 220)] == ["team"]


@pytest.mark.parametrize(
    ("text", "hour", "quiet"),
    [
        ("22:00-06:00", 23, True),
        ("22:00-06:00", 6, False),
        ("12:00-13:00", 12, True),
        ("12:00-13:00", 22, False),
    ],
)
def test_quiet_spans_of_the_site(text: str, hour: int, quiet: bool) -> None:
    midnight = T0 - 3 * 3600  # of Seoul
    assert Quiet.of([text], SEOUL).holds(midnight + 3600 * hour) is quiet


@given(
    people=st.permutations(["A", "B", "C"]),
    step_s=st.floats(60, 3600),
    after_s=st.floats(0, 7200),
    looks=st.lists(st.floats(0, 20_000), min_size=1, max_size=30),
)
def test_nobody_is_skipped_and_nobody_told_twice_or_early(
    people: list[str], step_s: float, after_s: float, looks: list[float]
) -> None:
    receivers = [receiver(name, person=name, after_s=after_s) for name in "ABC"]
    episode, times = Episode(ALARM, T0), Escalation(step_s, 1e9)
    told: list[str] = []
    for at_s in sorted(looks):
        for one, event in owed(episode, receivers, people, times, T0 + at_s):
            assert event == "raised"
            assert at_s + 1e-3 >= after_s + people.index(one.name) * step_s
            episode.told[one.name] = T0 + at_s
            told.append(one.name)
    due = [name for number, name in enumerate(people) if after_s + number * step_s <= max(looks) - 1e-3]
    assert len(told) == len(set(told))
    assert set(due) <= set(told)


def test_people_on_duty_who_cannot_be_reached_delay_nobody() -> None:
    """A roster with names for which there is neither a receiver nor a browser must not be silence."""
    episode = Episode(ALARM, T0)
    assert names(episode, [KIM, LEE], ["Park", "Lee", "Kim"], T0) == [("lee", "raised")]
    assert names(episode, [KIM, LEE], ["Park", "Choi"], T0) == [("kim", "raised"), ("lee", "raised")]
