"""The service's clock is set: nobody is signed out by hours, and no used or expired link opens again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store
from supervisor.web.sessions import LINK_S, SESSION_MAX_S, SESSION_S, Sessions

NOW_UTC_S = 1_703_808_000.0
HOUR_S = 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_UTC_S)


@pytest.fixture
async def sessions(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Sessions]:
    store = Store.open(tmp_path / "roadheat.db", clock)
    yield Sessions(store.access, clock)
    await store.close()


@pytest.mark.parametrize("by_s", [-5 * HOUR_S, -60.0, 60.0, 5 * HOUR_S])
async def test_a_person_stays_signed_in_with_the_same_token_against_forgery(
    sessions: Sessions, clock: ManualClock, by_s: float
) -> None:
    token, _ = await sessions.invite("Kim", "crew", "test")
    made = await sessions.redeem(token)
    assert made is not None
    clock.set_utc(clock.utc_s() + by_s)
    found = await sessions.find(made.token)
    assert found is not None
    assert (found.user, found.csrf, found.expires_utc_s) == ("Kim", made.csrf, made.expires_utc_s)
    sessions.use(found)


@pytest.mark.parametrize("back_s", [5 * HOUR_S, LINK_S, 10 * SESSION_MAX_S])
async def test_a_clock_set_back_reopens_no_used_link_and_makes_no_session_longer_than_a_winter(
    sessions: Sessions, clock: ManualClock, back_s: float
) -> None:
    token, _ = await sessions.invite("Kim", "crew", "test")
    made = await sessions.redeem(token)
    assert made is not None
    clock.set_utc(clock.utc_s() - back_s)
    assert await sessions.redeem(token) is None
    found = await sessions.find(made.token)
    assert found is not None
    assert found.expires_utc_s <= NOW_UTC_S + SESSION_S  # a use before its beginning does not renew it


async def test_an_expired_link_is_refused_and_one_made_after_the_clock_was_set_back_works(
    sessions: Sessions, clock: ManualClock
) -> None:
    token, _ = await sessions.invite("Kim", "crew", "test")
    clock.advance(LINK_S + 60)
    assert await sessions.redeem(token) is None
    clock.set_utc(NOW_UTC_S - 5 * HOUR_S)
    other, _ = await sessions.invite("Lee", "crew", "test")
    assert await sessions.redeem(other) is not None
