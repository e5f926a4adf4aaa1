"""Price files with holes, ends and slips: one whole series, each price with where it is from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import TariffError
from supervisor.tariff.bands_file import read_bands
from supervisor.tariff.day_ahead import read_prices, read_usable
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.price_series import DAY, Label, complete
from supervisor.tariff.unfailing import UnfailingTariff

HOUR = 3600
NOON = 1_760_000_400 // 86_400 * 86_400.0  # a midnight in October 2025


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def hourly(path: Path, hours: range, *, without: tuple[int, ...] = (), prices: dict[int, str] | None = None) -> Path:
    """A file with a price of 100 + its hour of the day, per MWh."""
    rows = []
    for hour in hours:
        time = datetime.fromtimestamp(NOON + hour * HOUR, UTC)
        price = (prices or {}).get(hour, str(100 + hour % 24))
        if hour not in without:
            rows.append(f"{time:%Y-%m-%dT%H:%M:%SZ},{price}")
    path.write_text("time_utc_start,price_eur_per_mwh\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prices.csv"


def test_a_lost_hour_has_the_price_of_the_day_before_and_says_so(path: Path) -> None:
    series, problems = read_usable(hourly(path, range(48), without=(47 - 24 + 13,)))
    found = series.prices(NOON + 36 * HOUR, 4)
    assert found.tolist() == pytest.approx([0.112] * 4)
    assert series.labels_of(NOON + 36 * HOUR, 4).tolist() == [Label.FILLED] * 4
    assert series.counts() == {"read": 47 * 4, "filled": 4}
    assert "gap before 2025-10-10T13:00Z" in str(problems[0])
    assert problems[0].where == f"{path}:38"


def test_a_lost_hour_of_the_first_day_has_the_price_of_the_day_after_else_the_one_before(path: Path) -> None:
    series, _ = read_usable(hourly(path, range(48), without=(5,)))
    assert series.prices(NOON + 5 * HOUR, 1)[0] == pytest.approx(0.105)
    series, _ = read_usable(hourly(path, range(12), without=(5,)))
    assert series.prices(NOON + 5 * HOUR, 1)[0] == pytest.approx(0.104)


def test_before_the_first_and_after_the_last_price_the_same_hours_are_held_for_any_time(path: Path) -> None:
    series, problems = read_usable(hourly(path, range(24, 72)))
    assert problems == ()
    for at in (NOON, NOON - 30 * 86_400.0, NOON + 400 * 86_400.0):
        found = series.prices(at, DAY)
        assert found.tolist() == pytest.approx(np.repeat(np.arange(100, 124) / 1000, 4).tolist())
        assert set(series.labels_of(at, DAY).tolist()) == {Label.HELD}


@pytest.mark.parametrize("slip", ["1e300", "-1e9", "120000", "999999999999999999999999"])
def test_an_absurd_price_counts_as_missing_and_is_named(path: Path, slip: str) -> None:
    series, problems = read_usable(hourly(path, range(48), prices={30: slip}))
    assert series.prices(NOON + 30 * HOUR, 1)[0] == pytest.approx(0.106)
    assert series.labels_of(NOON + 30 * HOUR, 1)[0] == Label.BOUNDED
    assert "50 times" in str(problems[0])


def test_a_real_peak_and_negative_prices_stay(path: Path) -> None:
    series, problems = read_usable(hourly(path, range(48), prices={30: "4000", 31: "-500"}))
    assert problems == ()
    assert series.prices(NOON + 30 * HOUR, 8).tolist() == pytest.approx([4.0] * 4 + [-0.5] * 4)


def test_hours_then_quarters_hold_each_for_their_own_length(path: Path) -> None:
    rows = [f"2025-09-30T{h:02d}:00:00Z,{h}" for h in range(24)]
    rows += [f"2025-10-01T{q // 4:02d}:{q % 4 * 15:02d}:00Z,{100 + q}" for q in range(96)]
    path.write_text("time_utc_start,price_eur_per_kwh\n" + "\n".join(rows) + "\n")
    tariff = read_prices(path)
    assert tariff.prices(utc("2025-09-30T00:00"), 96).tolist() == np.repeat(np.arange(24.0), 4).tolist()
    assert tariff.prices(utc("2025-10-01T00:00"), 96).tolist() == (100.0 + np.arange(96)).tolist()


def test_times_with_an_offset_are_the_times_they_name(path: Path) -> None:
    rows = [f"2026-01-10T{h:02d}:00:00+02:00,{h}" for h in range(24)]
    path.write_text("time_utc_start,price_eur_per_kwh\n" + "\n".join(rows) + "\n")
    assert read_prices(path).prices(utc("2026-01-10T06:00"), 1)[0] == 8.0


def test_a_quarter_missing_among_quarters_is_filled_not_stretched(path: Path) -> None:
    rows = [f"2025-10-01T{q // 4:02d}:{q % 4 * 15:02d}:00Z,{100 + q}" for q in range(96) if q != 50]
    path.write_text("time_utc_start,price_eur_per_kwh\n" + "\n".join(rows) + "\n")
    series, problems = read_usable(path)
    assert series.labels_of(utc("2025-10-01T12:15"), 3).tolist() == [Label.READ, Label.FILLED, Label.READ]
    assert len(problems) == 1


BAD_FILES = {
    "missing": None,
    "empty": b"",
    "header only": b"time_utc_start,price_eur_per_mwh\n",
    "no price column": b"time_utc_start,price\n2025-10-01T00:00:00Z,1\n",
    "a page": b"<html><body>Sign in</body></html>",
    "binary": bytes(range(256)) * 50,
    "zeros": b"\0" * 5000,
    "no number at all": b"time_utc_start,price_eur_per_mwh\n2025-10-01T00:00:00Z,cheap\n",
    "a field of a megabyte": b"time_utc_start,price_eur_per_mwh\n" + b"9" * 1_000_000 + b",1\n",
    "an open quote": b'time_utc_start,price_eur_per_mwh\n"2025-10-01T00:00:00Z,1\n' * 20_000,
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_without_prices_is_a_tariff_error_and_nothing_else(path: Path, kind: str) -> None:
    content = BAD_FILES[kind]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TariffError, match=r"prices\.csv"):
        read_usable(path)


@pytest.mark.parametrize(
    "row",
    [
        "2025-10-09T25:00:00Z,1", "soon,1", ",", "", "2025-10-09T00:07:00Z,1", "9999-12-31T23:59:59+14:00,1",
        "0001-01-01T00:00:00+14:00,1", "2095-10-09T00:00:00Z,1", "2025-10-09T03:00:00Z,²", "2025-10-09T03:00:00Z",
        "2025-10-09T03:00:00Z," + "1" * 400, "2025-10-09T03:00:00Z,nan", "2025-10-09T03:00:00Z,inf", "\u0000",
    ],
)  # fmt: skip
def test_one_row_that_says_nothing_costs_no_other(path: Path, row: str) -> None:
    hourly(path, range(48))
    with path.open("a") as file:
        file.write(row + "\n")
    series, problems = read_usable(path)
    assert series.counts() == {"read": 48 * 4}
    assert len(problems) == (0 if row == "" else 1)
    if problems:
        assert problems[0].where == f"{path}:50"
        with pytest.raises(TariffError):
            read_prices(path)


@settings(max_examples=100)
@given(
    slots=st.lists(st.integers(0, 400), min_size=1, max_size=60),
    prices=st.lists(st.floats(1.0, 1e6), min_size=60, max_size=60),
    ask=st.integers(-4000, 4000),
)
def test_any_rows_make_a_whole_series(slots: list[int], prices: list[float], ask: int) -> None:
    times = np.array([NOON + 900.0 * slot for slot in slots])
    series = complete(times, np.array(prices[: times.size]), "EUR")
    assert np.isfinite(series.price_per_kwh).all()
    found = series.prices(NOON + 900.0 * ask, 150)
    assert np.isfinite(found).all()
    assert found.min() >= min(prices)
    assert found.max() <= max(prices)
    assert series.labels_of(NOON + 900.0 * ask, 150).shape == (150,)


class Odd:
    """A tariff with a defect."""

    currency = "KRW"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = 900) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (TariffError("no price"), [125.0] * 4), (ZeroDivisionError(), [125.0] * 4), (None, [125.0] * 4),
        ([1.0, 2.0], [125.0] * 4), ("abcd", [125.0] * 4), ([np.nan] * 4, [125.0] * 4),
        ([1.0, np.nan, np.inf, 3.0], [1.0, 2.0, 2.0, 3.0]), ([1.0, 2.0, 3.0, -4.0], [1.0, 2.0, 3.0, -4.0]),
    ],
)  # fmt: skip
def test_a_tariff_that_fails_has_the_usual_price(answer: object, expected: list[float]) -> None:
    tariff = UnfailingTariff(Odd(answer), 125.0)  # type: ignore[arg-type]
    assert tariff.prices(NOON, 4).tolist() == expected
    assert UnfailingTariff(FlatTariff(7.0), 125.0).prices(NOON, 2).tolist() == [7.0, 7.0]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[" * 100_000, b'{"bands":' * 50_000, b"\xff", b"null", b'{"currency":"KRW","bands":[]}',
        b'{"currency":"KRW","bands":[{"name":"a","price_per_kwh":' + b"1" * 400 + b"}]}",
        b'{"currency":"KRW","timezone":"Mars/Olympus","bands":[{"name":"a","price_per_kwh":1}]}',
        b'{"currency":"KRW","timezone":"../../etc/passwd","bands":[{"name":"a","price_per_kwh":1}]}',
        b'{"currency":"KRW","bands":[{"name":"a","price_per_kwh":1,"hours":["' + b"9" * 5000 + b'-2"]}]}',
    ],
    ids=range(10),
)  # fmt: skip
def test_a_json_tariff_with_anything_in_it_is_a_tariff_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(TariffError):
        read_bands(path, "Asia/Seoul")
