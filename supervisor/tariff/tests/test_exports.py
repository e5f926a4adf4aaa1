"""Price files as exchanges, ENTSO-E's platform and spreadsheets write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from supervisor.domain.errors import TariffError
from supervisor.domain.treatment import Treatment
from supervisor.tariff.day_ahead import Reading, read_prices, read_usable
from supervisor.tariff.price_series import Charges, Label
from supervisor.tariff.units import price_unit


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("heading", "configured", "expected"),
    [
        ("price_eur_per_mwh", "", ("EUR", 1e-3)), ("price_ct_per_kwh", "EUR", ("EUR", 0.01)),
        ("price_ct_per_kwh", "", ("EUR", 0.01)), ("price_ct_per_kwh", "KRW", ("EUR", 0.01)),
        ("Price [USD/MWh]", "", ("USD", 1e-3)), ("c/kWh", "AUD", ("AUD", 0.01)), ("öre/kWh", "", ("SEK", 0.01)),
        ("Pris (øre/kWh)", "NOK", ("NOK", 0.01)), ("Pris (øre/kWh)", "", ("DKK", 0.01)),
        ("price_ore_per_kwh", "DKK", ("DKK", 0.01)), ("snt/kWh", "", ("EUR", 0.01)), ("€/MWh", "", ("EUR", 1e-3)),
        ("원/kWh", "", ("KRW", 1.0)), ("p/kWh", "", ("GBP", 0.01)), ("gr/kWh", "", ("PLN", 0.01)),
        ("Day-ahead Price [EUR/MWh]", "", ("EUR", 1e-3)), ("kr/kWh", "NOK", ("NOK", 1.0)),
        ("EUR/MWhe", "", ("EUR", 1e-3)), ("price", "", None), ("volume_mwh", "", None), ("euros/kWh", "", None),
    ],
)  # fmt: skip
def test_a_heading_says_currency_and_unit(heading: str, configured: str, expected: tuple[str, float] | None) -> None:
    found = price_unit(heading, configured)
    assert (found and found.currency) == (expected and expected[0])
    if found and expected:
        assert found.factor == pytest.approx(expected[1])


PLAIN = "time_utc_start,price_eur_per_mwh\n2026-01-10T00:00:00Z,95.5\n2026-01-10T01:00:00Z,-12.25\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace(",", ";").replace(".", ",").encode(),
        b"\xef\xbb\xbfsep=;\r\n" + PLAIN.replace(",", ";").replace(".", ",").replace("\n", "\r\n").encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace("95.5", '"95,5"').replace("-12.25", '"\u221212,25"').encode(),
        PLAIN.replace("eur_per_mwh", "ct_per_kwh").replace("95.5", "9.55").replace("-12.25", "-1.225").encode(),
        PLAIN.replace("00:00Z,", "00:00+00:00, ").encode(),
        b"Prices of the day\n\n" + PLAIN.encode(),
        PLAIN.replace("2026-01-10T0", "10.01.2026 0").replace(":00:00Z", ":00").encode(),
    ],
    ids=["plain", "bom", "semicolon", "excel", "unicode-text", "quoted", "cents", "offset", "preamble", "day first"],
)
def test_a_spreadsheets_variants_say_the_same(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    tariff = read_prices(path, Reading("EUR"))
    assert tariff.currency == "EUR"
    assert tariff.prices(utc("2026-01-10T00:00"), 8).tolist() == pytest.approx([0.0955] * 4 + [-0.01225] * 4)


def test_what_comes_on_top_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("time_utc_start,price_dkk_per_mwh\n2023-02-17T23:00Z,204.47\n2023-02-18T00:00Z,185.63\n")
    tariff = read_prices(path, Reading("DKK", charges=Charges(0.0, 1.25)))
    assert tariff.prices(utc("2023-02-17T23:00"), 8)[::4].tolist() == pytest.approx([0.256, 0.232], abs=5e-4)
    tariff = read_prices(path, Reading("DKK", charges=Charges(0.1, 1.25)))
    assert tariff.prices(utc("2023-02-17T23:00"), 1)[0] == pytest.approx((0.20447 + 0.1) * 1.25)


def entsoe_rows(first: str, steps: int, minutes: int, mark: bool = False) -> list[str]:
    """Rows of the platform's export in local time of Brussels, prices 0, 1, 2 …"""
    from zoneinfo import ZoneInfo

    zone, rows = ZoneInfo("Europe/Brussels"), []
    for step in range(steps):
        start = datetime.fromtimestamp(utc(first) + 60 * minutes * step, zone)
        end = (start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zone)
        names = [f"{at:%d/%m/%Y %H:%M:%S}" + (f" ({at.tzname()})" if mark else "") for at in (start, end)]
        rows.append(f'"{" - ".join(names)}","BZN|BE","Sequence 1","{step}.00","",""')
    return rows


ENTSOE = (
    '"MTU (CET/CEST)","Area","Sequence","Day-ahead Price (EUR/MWh)","Intraday Period (CET/CEST)",'
    '"Intraday Price (EUR/MWh)"'
)


@pytest.mark.parametrize("mark", [False, True])
@pytest.mark.parametrize(("first", "steps"), [("2025-10-25T22:00", 100), ("2026-03-28T23:00", 92)])
def test_a_day_of_25_or_23_hours_of_the_platforms_export(tmp_path: Path, first: str, steps: int, mark: bool) -> None:
    path = tmp_path / "GUI_ENERGY_PRICES.csv"
    path.write_text("\n".join([ENTSOE, *entsoe_rows(first, steps, 15, mark)]) + "\n")
    tariff = read_prices(path)
    assert tariff.series.price_per_kwh.size == steps
    assert tariff.prices(utc(first), steps).tolist() == pytest.approx((np.arange(steps) / 1000).tolist())


def test_the_platforms_older_export_other_sequences_areas_and_hours_not_yet_known(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    rows = [f'"01.01.2023 {h:02d}:00 - 01.01.2023 {h + 1:02d}:00","{h}.5","EUR",' for h in range(12)]
    rows += ['"01.01.2023 12:00 - 01.01.2023 13:00","n/e","",']
    path.write_text("\n".join(['"MTU (UTC)","Day-ahead Price [EUR/MWh]","Currency","BZN|DE-LU"', *rows]))
    tariff = read_prices(path)
    assert tariff.series.end_utc_s == utc("2023-01-01T12:00")
    assert tariff.prices(utc("2023-01-01T03:00"), 1)[0] == pytest.approx(0.0035)
    rows = entsoe_rows("2026-01-10T23:00", 8, 15)
    others = [row.replace("BZN|BE", "BZN|NL").replace('.00"', '9.00"') for row in rows]
    later = [row.replace("Sequence 1", "Sequence 2").replace('.00"', '8.00"') for row in rows]
    path.write_text("\n".join([ENTSOE, *rows, *later, *others]))
    with pytest.raises(TariffError, match="several areas: BE, NL"):
        read_prices(path)
    tariff = read_prices(path, Reading(area="BE"))
    assert tariff.prices(utc("2026-01-10T23:00"), 8).tolist() == pytest.approx((np.arange(8) / 1000).tolist())


def test_nord_pools_export_with_several_zones(tmp_path: Path) -> None:
    path = tmp_path / "AuctionPrice.csv"
    head = "Delivery Start (CET);Delivery End (CET);SE3 Price (EUR);SE4 Price (EUR)"
    rows = [f"{26 + (h + 1) // 24}.03.2026 {h:02d}:00:00;…;{h},5;{h + 100},5" for h in range(23)]
    path.write_text("\n".join([head, *rows]))
    with pytest.raises(TariffError, match=r"SE3 Price \(EUR\), SE4 Price"):
        read_prices(path)
    tariff = read_prices(path, Reading(area="se4"))
    assert tariff.prices(utc("2026-03-25T23:00"), 5)[::4].tolist() == pytest.approx([0.1005, 0.1015])


A44 = """<?xml version="1.0" encoding="UTF-8"?>
<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">
  <type>A44</type>
  {series}
</Publication_MarketDocument>"""
SERIES = """<TimeSeries><in_Domain.mRID codingScheme="A01">{area}</in_Domain.mRID>
  <currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>
  <classificationSequence_AttributeInstanceComponent.position>{sequence}</classificationSequence_AttributeInstanceComponent.position>
  <curveType>{curve}</curveType>
  <Period><timeInterval><start>{start}</start><end>{end}</end></timeInterval><resolution>{resolution}</resolution>
  {points}</Period></TimeSeries>"""


def series(points: dict[int, object], **changes: str) -> str:
    filled = {
        "area": "10YBE----------2", "sequence": "1", "curve": "A03", "start": "2025-10-25T22:00Z",
        "end": "2025-10-26T23:00Z", "resolution": "PT15M",
    } | changes  # fmt: skip
    text = "".join(
        f"<Point><position>{at}</position><price.amount>{price}</price.amount></Point>" for at, price in points.items()
    )
    return SERIES.format(points=text, **filled)


def test_positions_left_out_of_a_curve_a03_repeat_the_price_before(tmp_path: Path) -> None:
    path = tmp_path / "prices.xml"
    path.write_text(A44.format(series=series({1: 61.12, 3: 10.0, 50: -0.79})))
    tariff = read_prices(path)
    expected = np.repeat([0.06112, 0.01, -0.00079], [2, 47, 51])
    assert tariff.prices(utc("2025-10-25T22:00"), 100).tolist() == pytest.approx(expected.tolist())


def test_a_year_of_hours_is_counted_whole(tmp_path: Path) -> None:
    path = tmp_path / "prices.xml"
    points = dict.fromkeys(range(1, 8785, 7), 50)
    span = {"start": "2023-12-31T23:00Z", "end": "2024-12-31T23:00Z", "resolution": "PT60M"}
    path.write_text(A44.format(series=series(points, **span)))
    assert read_prices(path).series.price_per_kwh.size == 8784 * 4


def test_hours_then_quarters_further_auctions_and_other_areas_of_a_document(tmp_path: Path) -> None:
    path = tmp_path / "prices.xml"
    hours = {"start": "2025-09-30T20:00Z", "end": "2025-09-30T22:00Z", "resolution": "PT60M", "curve": "A01"}
    quarters = {"start": "2025-09-30T22:00Z", "end": "2025-09-30T23:00Z", "curve": "A01"}
    parts = [
        series({1: 10, 2: 20}, **hours),
        series({1: 1, 2: 2, 3: 3, 4: 4}, **quarters),
        series({1: 99, 2: 99, 3: 99, 4: 99}, sequence="2", **quarters),
        series({1: 77, 2: 77}, area="10YNL----------L", **hours),
    ]
    path.write_text(A44.format(series="".join(parts)))
    with pytest.raises(TariffError, match="several areas"):
        read_prices(path)
    found = read_prices(path, Reading(area="10YBE----------2")).prices(utc("2025-09-30T20:00"), 12)
    assert (found * 1000).tolist() == pytest.approx([10.0] * 4 + [20.0] * 4 + [1.0, 2.0, 3.0, 4.0])


def test_bad_points_cost_no_other_and_are_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.xml"
    span = {"start": "2025-10-01T00:00Z", "end": "2025-10-01T02:00Z", "curve": "A01"}
    path.write_text(A44.format(series=series({1: 1, 2: "dear", 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 80: 8, 8: 8}, **span)))
    found, problems = read_usable(path)
    assert found.labels.tolist() == [Label.READ, Label.FILLED, *[Label.READ] * 6]
    assert any("point 3" in problem.where and "dear" in problem.message for problem in problems)
    assert any("position 80" in problem.message for problem in problems)
    assert found.tally(utc("2025-10-01T00:00"), 8)[Treatment.DROPPED, "row"] == 2


REFUSALS = {
    "no prices": "<Acknowledgement_MarketDocument><Reason><text>No matching data found</text></Reason>"
    "</Acknowledgement_MarketDocument>",
    "entities": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><Publication_MarketDocument/>',
    "cut off": A44[:90],
    "no series": A44.format(series=""),
    "another unit": A44.format(series=series({1: 1}).replace("MWH", "MAW")),
    "a period of a century": A44.format(series=series({1: 1}, end="2125-10-26T23:00Z")),
    "a period backwards": A44.format(series=series({1: 1}, end="2024-10-26T23:00Z")),
    "another step": A44.format(series=series({1: 1}, resolution="P1D")),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_document_without_prices_is_refused_with_its_reason(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "prices.xml"
    path.write_text(REFUSALS[kind])
    with pytest.raises(TariffError, match=r"prices\.xml") as refused:
        read_usable(path)
    assert refused.value.remedy
    if kind == "no prices":
        assert "No matching data found" in str(refused.value)


def test_an_evening_after_a_day_of_wind_is_no_outlier_and_a_wrong_decimal_point_is(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    sek = [-0.06, -0.06, -0.05, -0.05, -0.04, -0.01, 0.01, 0.03, 0.05, 0.07, 0.07, 0.07, 0.07, 0.07, 0.08, 0.08, 0.09,
           1.6, 0.48, 0.17, 0.07, 0.02, 0.01, 0.0]  # fmt: skip
    rows = [f"2023-09-25T{h:02d}:00Z,{price}" for h, price in enumerate(sek)]
    path.write_text("time_utc_start,price_sek_per_kwh\n" + "\n".join(rows))
    assert read_prices(path).prices(utc("2023-09-25T00:00"), 96)[::4].tolist() == sek
    quiet = [f"2023-09-25T{h:02d}:00Z,{0.001 if h < 17 else 0.12}" for h in range(24)]
    path.write_text("time_utc_start,price_eur_per_kwh\n" + "\n".join(quiet))
    assert read_prices(path).series.counts() == {"read": 96}
    path.write_text(
        "time_utc_start,price_eur_per_kwh\n" + "\n".join([*quiet[:9], "2023-09-25T09:00Z,157", *quiet[10:]])
    )
    found, problems = read_usable(path)
    assert found.counts() == {"read": 92, "bounded": 4}
    assert found.prices(utc("2023-09-25T09:00"), 1)[0] < 0.2
    assert "157" in str(problems[0])


def case(data_dir: Path, number: str) -> Path:
    found = sorted((data_dir.parent / "cases").glob(f"{number}-*"))
    if not found:
        pytest.skip("the reported cases are not beside the measured data")
    return found[0]


@pytest.mark.data
@pytest.mark.parametrize(
    ("number", "name", "currency", "at", "per_kwh", "steps"),
    [
        ("22", "prices.csv", "EUR", "2026-01-10T06:00", None, None),
        ("23", "prices.csv", "EUR", "2025-10-25T21:15", 0.001, 100),
        ("25", "prices.csv", "EUR", "2025-09-30T21:00", None, None),
        ("27", "prices.csv", "EUR", "2026-01-10T00:00", None, 96),
        ("31", "prices.csv", "EUR", "2026-01-10T00:00", 0.095, None),
        ("32", "bom.csv", "EUR", "2026-01-10T00:00", 0.095, None),
        ("32", "semi.csv", "EUR", "2026-01-10T00:00", 0.095, None),
    ],
)
def test_the_files_of_reported_faults_are_read(
    data_dir: Path, number: str, name: str, currency: str, at: str, per_kwh: float | None, steps: int | None
) -> None:
    series, problems = read_usable(case(data_dir, number) / name, Reading("EUR"))
    assert problems == ()
    assert series.currency == currency
    found = float(series.prices(utc(at), 1)[0])
    assert found > 0.0 if per_kwh is None else found == pytest.approx(per_kwh)
    assert steps is None or series.price_per_kwh.size == steps


@pytest.mark.data
def test_a_year_of_the_estonian_zone_has_no_outlier_and_a_day_of_25_hours(data_dir: Path) -> None:
    tariff = read_prices(data_dir / "weather" / "prices_nordpool_estonia_2022-23.csv")
    day = tariff.prices(utc("2022-10-29T21:00"), 25 * 4)
    assert float(day.sum()) / 4 == pytest.approx(2.5076)
