"""KEPCO's bills to the won: by hand, by its printed rules, and in every kind of month."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.billing.bill import Bill, Peak, Row, add_up
from supervisor.tariff.billing.rounding import cut, nearest, split_by_days
from supervisor.tariff.configured import peak_counts
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.holidays import Country, calendar
from supervisor.tariff.kepco import charges
from supervisor.tariff.kepco.bill import Interval, Meter, Terms, make_bill
from supervisor.tariff.kepco.catalogue import catalogue
from supervisor.tariff.kepco.hours import REFORM_2026, SINCE_2023, UNTIL_2022, day_band, rate
from supervisor.tariff.kepco.kind import KepcoTariff
from supervisor.tariff.unfailing import UnfailingTariff

SEOUL = ZoneInfo("Asia/Seoul")
KOREA = calendar(Country("KR"))
D = Decimal


def flat_load(month: tuple[int, int], kw: int, billing_day: int = 1) -> Interval:
    first, past = charges.period(month, billing_day)
    start = int(datetime(first.year, first.month, first.day, tzinfo=SEOUL).timestamp())
    return Interval(start, (kw * 250,) * ((past - first).days * 96), SEOUL)


def peak(kw: int | str, of: str = "2024-01") -> Peak:
    return Peak(own_kw=D(kw), observed_kw=D(kw), billed_kw=D(kw), of_month=of)


def terms(option: str, kw: int, **more: object) -> Terms:
    return Terms(catalogue().option(option), D(kw), holidays=KOREA, **more)  # type: ignore[arg-type]


def amounts(bill: Bill) -> dict[str, int]:
    return {row.code: int(row.amount) for row in bill.rows}


def test_december_2023_by_hand() -> None:
    """General (B) II, 400 kW all month. December 2023: 20 working days, 5 Saturdays, 5 Sundays, Christmas on a Monday.

    Of a working day 10 h are light, 8 mid, 6 peak; of a Saturday 10 light, 14 mid; else 24 light.
    """
    bill = make_bill(
        "f1", (2023, 12), terms("general_B_HA_II", 450), catalogue(), flat_load((2023, 12), 400), peak(400)
    )
    light, mid, top = 400 * (20 * 10 + 5 * 10 + 6 * 24), 400 * (20 * 8 + 5 * 14), 400 * 20 * 6
    assert (light, mid, top) == (157_600, 92_000, 48_000)
    assert amounts(bill) == {
        "base": 400 * 8320,
        "energy-light": 14_861_680,  # 157,600 × 94.3
        "energy-mid": 12_916_800,  # 92,000 × 140.4
        "energy-peak": 9_499_200,  # 48,000 × 197.9
        "climate": 2_678_400,  # 297,600 × 9.0
        "fuel": 1_488_000,  # 297,600 × 5.0
    }
    assert bill.charges == 44_772_080
    assert bill.vat == 4_477_208
    assert bill.levies == 1_656_560  # 3.7 % is 1,656,566.96
    assert bill.total == 50_905_840  # 50,905,848 without its last 8 won
    assert bill.total_cut == 8


def test_the_february_after_it_pays_december_s_peak() -> None:
    peaks = {(2023, 12): D(400), (2024, 1): D(310), (2024, 2): D(180)}
    billed_kw, of_month = charges.billed((2024, 2), peaks, D(450))
    assert (billed_kw, of_month) == (400, "2023-12")
    load = flat_load((2024, 2), 100)
    bill = make_bill("f1", (2024, 2), terms("general_B_HA_II", 450), catalogue(), load, peak("400", of_month))
    # 29 days: 25 weekdays less 9 and 12 February (holidays; 10 and 11 are a weekend) are 19 … counted by the calendar:
    working = sum((day := date(2024, 2, 1) + timedelta(days=n)).weekday() < 5 and day not in KOREA for n in range(29))
    saturdays = sum(
        (day := date(2024, 2, 1) + timedelta(days=n)).weekday() == 5 and day not in KOREA for n in range(29)
    )
    assert (working, saturdays) == (19, 3)
    light = 100 * (working * 10 + saturdays * 10 + (29 - working - saturdays) * 24)
    mid, top = 100 * (working * 8 + saturdays * 14), 100 * working * 6
    assert amounts(bill) == {
        "base": 3_328_000,
        "energy-light": int(D(light) * D("94.3")),
        "energy-mid": int(D(mid) * D("140.4")),
        "energy-peak": int(D(top) * D("197.9")),
        "climate": 69_600 * 9,
        "fuel": 69_600 * 5,
    }
    assert bill.total % 10 == 0


def test_two_seasons_in_one_reading_and_a_poor_power_factor() -> None:
    """As KEPCO's calculator prints them: whole kWh by days, power factor cut once, season by day."""
    bill = make_bill(
        "f1", (2022, 9), terms("general_A1_low", 7, billing_day=16, lagging=71, leading=91), catalogue(),
        Meter({"all": 155}),
    )  # fmt: skip
    summer = 16  # 16 to 31 August, then 15 days of September
    kwh = split_by_days(155, [summer, 15])
    assert kwh == [80, 75]
    assert amounts(bill) == {
        "base": 43_120,
        "power-factor": int(D("43120") * D("0.002") * (19 + 4)),
        "energy": int(80 * D("105.6") + 75 * D("65.1")),
        "climate": int(155 * D("7.3")),
        "fuel": 775,
    }


@pytest.mark.parametrize(
    ("lagging", "leading", "won"),
    [(92, None, 0), (88, None, 8_000), (60, None, 64_000), (30, None, 64_000), (95, None, -6_000), (100, None, -10_000),
     (None, 95, 0), (None, 92, 6_000), (None, 20, 70_000), (None, 99, 0), (96, 94, -6_000), (None, None, 0)],
)  # fmt: skip
def test_power_factor(lagging: int | None, leading: int | None, won: int) -> None:
    rule = charges.power_factor_rule(date(2025, 1, 31))
    assert charges.power_factor(D(1_000_000), rule, lagging, leading) == won


def test_which_months_peak_is_billed() -> None:
    peaks = {(2024, month): D(kw) for month, kw in ((6, 400), (7, 120), (9, 135), (10, 210), (11, 90), (12, 140))}
    peaks |= {(2025, month): D(kw) for month, kw in ((1, 128), (2, 131), (3, 70), (6, 75), (11, 60), (12, 20))}
    billed = {month: charges.billed(month, peaks, D(200)) for month in ((2024, 10), (2024, 11), (2025, 6), (2025, 12))}
    assert billed == {
        (2024, 10): (210, "2024-10"),  # its own; October's peak counts in no later month, nor does June's
        (2024, 11): (135, "2024-09"),
        (2025, 6): (140, "2024-12"),
        (2025, 12): (131, "2025-02"),  # December 2024 is thirteen months back with December 2025 counted
    }
    assert charges.billed((2026, 8), {(2026, 8): D(12)}, D(200)) == (60, "contract")


def test_light_hours_cost_no_kw_unless_the_site_says_so() -> None:
    holiday, night, noon = (datetime(2023, 12, day, hour, tzinfo=SEOUL) for day, hour in ((25, 10), (26, 3), (26, 12)))
    bands = [day_band(SINCE_2023, local, KOREA) for local in (holiday, night, noon)]
    assert bands == ["light", "light", "mid"]


def test_contract_change_is_weighted_by_the_days_of_the_billing_month() -> None:
    agreed = terms("general_A1_low", 80, billing_day=10, earlier_kw=((date(2024, 4, 22), D(50)),))
    bill = make_bill("f1", (2024, 5), agreed, catalogue(), Meter({"all": 0}))
    first, past = bill.first_day, bill.past_day
    assert (first, past) == (date(2024, 4, 10), date(2024, 5, 10))
    assert bill.rows[0].quantity == D(12 * 50 + 18 * 80) / 30
    assert bill.rows[0].amount == 68 * 6160


def test_a_price_change_in_a_month_splits_a_reading_and_not_the_quarters() -> None:
    """24 October 2024: industrial (A) I rose by 8.5 won."""
    read = make_bill("f1", (2024, 10), terms("industrial_A1_HA_I", 200), catalogue(), Meter({"all": 10_000}), peak(200))
    assert amounts(read)["energy"] == int(7_419 * D("92.6") + 2_581 * D("101.1"))  # 23 of 31 days
    start = int(datetime(2024, 10, 24, tzinfo=SEOUL).timestamp())
    late = Interval(start, (100_000,) * 100, SEOUL)
    quarters = make_bill("f1", (2024, 10), terms("industrial_A1_HA_I", 200), catalogue(), late, peak(200))
    assert amounts(quarters)["energy"] == int(10_000 * D("101.1"))


def test_bands_changed_in_2023_and_2026() -> None:
    at = datetime(2026, 7, 1, 15, tzinfo=SEOUL)
    assert [day_band(hours, at, frozenset()) for hours in (UNTIL_2022, SINCE_2023, REFORM_2026)] == [
        "peak",
        "peak",
        "peak",
    ]
    at = datetime(2026, 7, 1, 13, tzinfo=SEOUL)
    assert [day_band(hours, at, frozenset()) for hours in (UNTIL_2022, SINCE_2023, REFORM_2026)] == [
        "peak",
        "peak",
        "mid",
    ]
    at = datetime(2026, 1, 7, 8, tzinfo=SEOUL)
    assert [day_band(hours, at, frozenset()) for hours in (UNTIL_2022, SINCE_2023, REFORM_2026)] == [
        "light",
        "mid",
        "mid",
    ]
    option = catalogue().option("general_B_HA_I")
    evening = [rate(option, datetime(2026, month, 2, 20, tzinfo=SEOUL), KOREA)[0] for month in (4, 6)]
    assert evening == ["mid", "peak"]  # general: from 1 June
    industrial = catalogue().option("industrial_B_HA_I")
    assert [rate(industrial, datetime(2026, 4, day, 20, tzinfo=SEOUL), KOREA)[0] for day in (15, 16)] == ["mid", "peak"]
    deferred = catalogue().option("industrial_B_HA_I", date(2026, 10, 1))
    assert rate(deferred, datetime(2026, 9, 30, 20, tzinfo=SEOUL), KOREA) == ("mid", D("138.9"))
    assert rate(deferred, datetime(2026, 10, 1, 20, tzinfo=SEOUL), KOREA) == ("peak", D("156.4"))


def test_half_price_of_spring_and_autumn_weekends() -> None:
    option = catalogue().option("industrial_B_HA_I")
    sunday, saturday, winter = (
        rate(option, local, KOREA)
        for local in (
            datetime(2026, 5, 10, 12, tzinfo=SEOUL), datetime(2026, 5, 9, 11, tzinfo=SEOUL),
            datetime(2026, 12, 6, 12, tzinfo=SEOUL),
        )
    )  # fmt: skip
    assert sunday == ("light", D("60.7"))  # 121.5 / 2, cut to 0.1
    assert saturday == ("mid", D("69.4"))  # 138.9 / 2 is 69.45
    assert winter == ("light", D("128.5"))
    assert rate(option, datetime(2031, 5, 11, 12, tzinfo=SEOUL), KOREA) == ("light", D("121.5"))  # ended
    assert rate(option, datetime(2026, 4, 12, 12, tzinfo=SEOUL), KOREA) == ("light", D("116.4"))  # before it


def test_the_flat_option_is_billed_where_it_is_cheaper_from_june_to_november_2026() -> None:
    evenings = Interval(
        int(datetime(2026, 7, 1, 15, tzinfo=SEOUL).timestamp()), (50_000,) * 24, SEOUL
    )  # peak hours only: 163.1 against 142.6
    july = make_bill("f1", (2026, 7), terms("general_A2_HA_I", 200), catalogue(), evenings, peak(200))
    assert amounts(july)["energy"] == int(1_200 * D("142.6"))
    assert any("III" in note for note in july.notes)
    june_2025 = Interval(int(datetime(2025, 7, 1, 15, tzinfo=SEOUL).timestamp()), (50_000,) * 12, SEOUL)
    before = make_bill("f1", (2025, 7), terms("general_A2_HA_I", 200), catalogue(), june_2025, peak(200))
    assert "energy-peak" in amounts(before)


def test_fund_by_day_of_use() -> None:
    fund = catalogue().fund
    for day, part in (
        ("2024-06-30", "0.037"),
        ("2024-07-01", "0.032"),
        ("2025-07-01", "0.027"),
        ("2025-06-30", "0.032"),
    ):
        first = date.fromisoformat(day)
        assert charges.fund_part(fund, first, first + timedelta(days=1)) == D(part)
    assert charges.fund_part(fund, date(2024, 6, 16), date(2024, 7, 16)) == (D("0.037") + D("0.032")) / 2


def test_a_supply_that_is_cut_pays_no_base_charge_meanwhile() -> None:
    agreed = terms("general_B_HA_II", 250, billing_day=15, cuts=((date(2024, 3, 15), date(2024, 11, 15)),))
    base = []
    for n in range(12):
        month = ((2023 * 12 + 11 + n) // 12, (2023 * 12 + 11 + n) % 12 + 1)
        kw, of = charges.billed(month, {}, D(250))
        bill = make_bill("f1", month, agreed, catalogue(), Meter({}), peak(str(kw), of))
        base.append(int(bill.rows[0].amount))
    assert base == [75 * 8320] * 4 + [0] * 8
    days = charges.connected_days(date(2024, 11, 1), date(2024, 12, 1), agreed.cuts)
    assert days == 16  # the day of reconnection counts
    assert charges.base(D(75), D(8320), days, 30) == 332_800


def test_credits_and_rounding_in_two_directions() -> None:
    rows = (
        Row(code="base", amount=D(9_990)),
        Row(code="energy", amount=D(5_555)),
        Row(code="discount", amount=D(-8_888)),
    )
    totals = add_up(rows, D("0.1"), D("0.037"))
    assert totals.charges == 6_657
    assert totals.vat == 666  # 665.7 up
    assert totals.levies == 240  # 246.3 down by 10
    assert (totals.total, totals.total_cut) == (7_560, 3)
    assert [cut(D(text)) for text in ("1416.8", "-59.9", "0.99")] == [1416, -59, 0]
    assert [nearest(D(text)) for text in ("2.5", "-2.5", "2.4")] == [3, -3, 2]


@given(st.integers(0, 10**7), st.lists(st.integers(0, 31), min_size=1, max_size=5).filter(any))
def test_parts_of_a_reading_add_up_and_are_close_to_their_share(whole: int, days: list[int]) -> None:
    parts = split_by_days(whole, days)
    assert sum(parts) == whole
    assert all(abs(D(part) - D(whole) * n / sum(days)) <= 1 for part, n in zip(parts, days, strict=True))


@given(st.sampled_from(sorted(catalogue().options)), st.integers(2024, 2027), st.integers(1, 12), st.integers(0, 500))
def test_every_option_bills_every_month(option: str, year: int, month: int, kw: int) -> None:
    if option.endswith(("_III", "_IV")) and option.startswith("general_A2") and (year, month) < (2026, 6):
        with pytest.raises(TariffError, match="no rates"):
            make_bill("f1", (year, month), terms(option, 500), catalogue(), Meter({"all": 1}), peak(kw))
        return
    bill = make_bill("f1", (year, month), terms(option, 500), catalogue(), flat_load((year, month), kw), peak(kw))
    assert bill.total == bill.charges + bill.vat + bill.levies - bill.total_cut
    assert 0 <= bill.total_cut < 10
    assert bill.kwh == kw * 24 * (bill.past_day - bill.first_day).days
    assert sum(row.amount for row in bill.rows) == bill.charges


def test_before_the_first_rate_is_refused() -> None:
    with pytest.raises(TariffError, match="no rates of industrial_B_HA_I before 2023-05-16"):
        make_bill("f1", (2023, 4), terms("industrial_B_HA_I", 10), catalogue(), flat_load((2023, 4), 1), peak(1))
    with pytest.raises(TariffError, match="unknown option"):
        catalogue().option("general_C")


def test_slots_are_quarters() -> None:
    assert SLOT_S == 900  # the bands begin at full hours, the contract's mean is over a quarter


def test_plans_are_told_which_hours_set_the_base_charge() -> None:
    """Through the wrapper that planning uses; a tariff that fails bills every peak."""
    tariff = KepcoTariff(catalogue().option("general_B_HA_II"), KOREA, "Asia/Seoul", light_counts=False)
    tuesday = datetime(2024, 1, 16, tzinfo=SEOUL).timestamp()
    counts = peak_counts(UnfailingTariff(tariff, 120.0), tuesday, 96)
    assert [n // 4 for n in range(96) if not counts[n]] == [
        *(hour for hour in range(8) for _ in range(4)),
        *[22] * 4,
        *[23] * 4,
    ]
    before_any = datetime(2019, 1, 16, tzinfo=SEOUL).timestamp()
    assert peak_counts(UnfailingTariff(tariff, 120.0), before_any, 96).all()
    assert peak_counts(UnfailingTariff(replace(tariff, light_counts=True), 120.0), tuesday, 96).all()
    assert peak_counts(UnfailingTariff(FlatTariff(1.0), 120.0), tuesday, 96).all()
