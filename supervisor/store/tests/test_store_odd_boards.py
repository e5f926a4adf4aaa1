"""Boards that are honest and odd: all that their counters show is booked, and nothing goes to the quarantine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from supervisor.store import database, telemetry
from supervisor.store.place import Place
from supervisor.store.telemetry import Booking
from supervisor.wire.messages import Telemetry, ZoneSample

T0 = 1_700_000_000
RATED_W = 36_000
WH_10S = 100  # at rated power
HOUR_S = 3600


class Odd:
    """A board that heats at rated power whenever it runs. `say` brings one record of it to the service."""

    def __init__(self, db: sqlite3.Connection, *, lives: bool) -> None:
        self._db = db
        self._lives = lives
        self.true_wh = 0
        self._q = 0

    def say(self, now_s: int, boot: int, up_s: int, *, hello: tuple[int, int] | None = None, life: str = "a") -> None:
        """At `now_s` a record of `boot` that ends at uptime `up_s`. `hello`: boot and uptime now, if others."""
        self._q += 1
        in_boot, ran_s = hello or (boot, up_s)
        sample = ZoneSample("z", 1000, 5000, 0, 10, RATED_W, up_s * WH_10S // 10, 0, 5, 0)
        booking = Booking({"z": RATED_W}, life * 16 if self._lives else "", in_boot, ran_s)
        ended = now_s - (ran_s - up_s) if boot == in_boot else now_s
        telemetry.commit(
            self._db, None, "b", Telemetry(boot, self._q, 0, up_s, 10, 0, (sample,)), T0 + now_s, T0 + ended - 10, None,
            booking,
        )  # fmt: skip

    def check(self, true_s: int) -> None:
        assert self._db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
        assert telemetry.total_wh(self._db, "z") == true_s * WH_10S // 10


@pytest.fixture(params=[True, False], ids=["life id", "firmware 0.1"])
def odd(place: Place, request: pytest.FixtureRequest) -> Iterator[Odd]:
    db = database.connect(place)
    database.migrate(db)
    db.execute("BEGIN")  # durability is another test's
    yield Odd(db, lives=request.param)
    db.close()


def test_power_that_flaps_every_30_s(odd: Odd) -> None:
    for boot in range(1, 400):
        for up_s in (10, 20):
            odd.say(30 * boot + up_s, boot, up_s)
    odd.check(399 * 20)


def test_power_that_flaps_while_the_network_is_gone_for_2_h(odd: Odd) -> None:
    for up_s in (10, 20):
        odd.say(30 + up_s, 1, up_s)
    now = 30 * 242
    odd.say(now + 10, 242, 10)
    for boot in range(2, 242):
        for up_s in (10, 20):
            odd.say(now + 12, boot, up_s, hello=(242, 12))
    odd.say(now + 20, 242, 20)
    odd.check(242 * 20)


@pytest.mark.parametrize("live_first", [True, False])
def test_4_days_offline_of_which_the_journal_holds_the_last_26_h(odd: Odd, live_first: bool) -> None:
    odd.say(10, 1, 10)
    now = 10 + 96 * HOUR_S
    if live_first:
        odd.say(now, 1, now)
    for up_s in range(now - 26 * HOUR_S, now, 600):
        odd.say(now + 1, 1, up_s, hello=(1, now + 1))
    odd.say(now + 10, 1, now + 10)
    odd.check(now + 10)


@pytest.mark.parametrize("live_first", [True, False])
@pytest.mark.parametrize("ago_h", [1, 10, 25])
def test_4_days_offline_and_a_power_cut_some_hours_before_the_return(odd: Odd, live_first: bool, ago_h: int) -> None:
    odd.say(10, 1, 10)
    end = 10 + 96 * HOUR_S
    cut = end - ago_h * HOUR_S
    ran = end - cut
    if live_first:
        odd.say(end, 2, ran)
    for up_s in range(end - 26 * HOUR_S, cut + 1, 600):
        odd.say(end + 1, 1, min(up_s, cut), hello=(2, ran + 1))
    odd.say(end + 1, 1, cut, hello=(2, ran + 1))
    for up_s in range(600, ran, 600):
        odd.say(end + 2, 2, up_s, hello=(2, ran + 2))
    odd.say(end + 10, 2, ran + 10)
    odd.check(cut + ran + 10)


def test_a_board_that_is_new_to_the_service_brings_26_h_of_its_boot(odd: Odd) -> None:
    ran = 200 * HOUR_S
    first = ran - 26 * HOUR_S
    odd.say(0, 1, ran)
    for up_s in range(first, ran, 60):
        odd.say(1, 1, up_s, hello=(1, ran + 1))
    assert odd._db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)
    # What it counted before its first record is not the service's.
    assert ran - first <= telemetry.total_wh(odd._db, "z") * 10 // WH_10S <= ran - first + 60
