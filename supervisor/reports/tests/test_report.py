"""`roadheat energy report` and `storms`: the same figures in every form, what is not known is said."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import STANDBY, Plan, Reason, ReasonCode, Slot
from supervisor.energy.tests.test_energy_report import city
from supervisor.reports.page import LANGUAGES
from supervisor.reports.svg import Bar, bars
from supervisor.store import DATABASE_NAME, commands, database, plans

__all__ = ["city"]  # a fixture: z01 and z02 heated from 23:00 on 2023-12-30 to 01:00, local time


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["energy", *arguments], env={"COLUMNS": "200"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, " ".join(done.output.split())


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A station's file: 4 h of snow from 22:00 to 02:00 local time, 6 cm deep."""
    path = tmp_path / "station.csv"
    lines = [
        "time_utc,air_temperature_degC,dew_point_degC,wind_speed_m_s,shortwave_down_W_m2,cloud_fraction,"
        "precipitation_mm_h,snowfall_fraction,snow_depth_m"
    ]
    first = datetime(2023, 12, 29, 15, tzinfo=UTC)
    for hour in range(72):
        end = first + timedelta(hours=hour + 1)
        snows = 22 <= hour < 26
        depth = 0.0 if hour < 22 else min(0.06, 0.02 * (hour - 21))
        lines.append(f"{end:%Y-%m-%dT%H:%M:%SZ},-4,-6,2,0,1,{1.5 if snows else 0},{1 if snows else 0},{depth}")
    path.write_text("\n".join(lines) + "\n")
    return path


def report(city: Path, station: Path, output: Path, *more: str) -> str:
    period = () if any(one in more for one in ("--storm", "--season")) else ("--month", "2023-12")
    code, said = run(
        "report", "--config", str(city), "--weather", str(station), "--output", str(output), *period, *more
    )
    assert code == 0, said
    return said


def test_the_same_figures_in_every_form(city: Path, station: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    paths = {kind: tmp_path / f"report.{kind}" for kind in ("json", "csv", "parquet", "html")}
    said = {report(city, station, path, "--co2-g-per-kwh", "400").partition(":")[0] for path in paths.values()}
    assert len(said) == 1
    made: dict[str, Any] = json.loads(paths["json"].read_text())
    assert made["kwh"] == pytest.approx(240.0)  # two zones of 60 kW for two hours
    assert made["co2_kg"] == pytest.approx(made["kwh"] * 0.4)
    with paths["csv"].open() as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(paths["parquet"])
    assert sum(float(row["kwh"]) for row in rows) == pytest.approx(made["kwh"], abs=0.01)
    assert sum(table["kwh"].to_pylist()) == pytest.approx(made["kwh"])
    assert table.schema.metadata[b"currency"].decode() == made["currency"]
    assert f"{made['kwh']:,.0f} kWh" in paths["html"].read_text()
    assert sum(day["kwh"] for day in made["days"]) == pytest.approx(made["kwh"])


def test_a_storm_and_what_was_spent_on_it(city: Path, station: Path, tmp_path: Path) -> None:
    output = tmp_path / "storm.json"
    report(city, station, output, "--storm", "2023-12-30")
    [storm] = json.loads(output.read_text())["storms"]
    began = datetime.fromtimestamp(storm["onset_utc_s"], UTC)
    assert (began, storm["depth_cm"], storm["depth_measured"]) == (datetime(2023, 12, 30, 13, tzinfo=UTC), 6.0, True)
    code, said = run(
        "report", "--config", str(city), "--weather", str(station), "--storm", "2023-12-29", "--output", str(output)
    )
    assert (code, "no storm on that day" in said, "2023-12-30" in said) == (2, True, True)


def test_storms_are_listed(city: Path, station: Path) -> None:
    span = ("--from", "2023-12-30", "--to", "2024-01-01")
    code, said = run("storms", "--config", str(city), "--weather", str(station), *span)
    assert (code, "2023-12-30 22:00" in said, "6.0" in said) == (0, True, True)
    code, said = run("storms", "--config", str(city), *span)
    assert (code, "No weather of this period" in said) == (0, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_and_takes_no_script(city: Path, station: Path, tmp_path: Path, language: str) -> None:
    db = database.connect(city.parent / "state" / DATABASE_NAME)
    made = Override(
        id=0, zone="z01", mode=OverrideMode.ON, reason="<script>alert(1)</script>", user="민수",
        created_utc_s=1_703_920_000, expires_utc_s=1_703_923_600,
    )  # fmt: skip
    commands.add_override(db, made)
    db.close()
    output = tmp_path / "report.html"
    report(city, station, output, "--language", language)
    page = output.read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == 2  # the days, and the storm
    assert "민수" not in page, "a report names roles, not people"
    title = json.loads((Path(__file__).parents[1] / "i18n" / "en.json").read_text())["title"]
    assert (title in page) == (language == "en")


def test_texts_are_the_same_in_both_languages() -> None:
    folder = Path(__file__).parents[1] / "i18n"
    texts = [json.loads((folder / f"{language}.json").read_text()) for language in LANGUAGES]
    assert texts[0].keys() == texts[1].keys()
    source = "".join((folder.parent / name).read_text() for name in ("page.py", "storm_page.py"))
    assert all(f'"{key}"' in source or f"'{key}'" in source for key in texts[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--month", "2023-13", "--output", "r.html"), "not a month"),
        (("--month", "December", "--output", "r.html"), "not a month"),
        (("--season", "2023-25", "--output", "r.html"), "not a season"),
        (("--output", "r.html"), "one period is needed"),
        (("--month", "2023-12", "--season", "2023-24", "--output", "r.html"), "one period is needed"),
        (("--month", "2023-12", "--output", "r.docx"), "unknown form"),
        (("--storm", "30 December", "--output", "r.html"), "not a date"),
    ],
)
def test_what_cannot_be_reported_is_a_sentence(
    city: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    named = tuple(str(tmp_path / one) if one.startswith("r.") else one for one in options)
    code, said = run("report", "--config", str(city), *named)
    assert (code, message in said) == (2, True)
    assert not list(tmp_path.glob("r.*"))


def test_a_season_without_a_record_is_empty_and_says_so(city: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.html"
    code, said = run("report", "--config", str(city), "--season", "2019-20", "--output", str(output))
    assert code == 0
    assert said.startswith("no weather of this period")
    assert "0 kWh" in output.read_text()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_pdf_by_chromium(city: Path, station: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.pdf"
    report(city, station, output)
    assert output.read_bytes().startswith(b"%PDF-")


def test_no_chromium_no_pdf(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    code, said = run("report", "--config", str(city), "--month", "2023-12", "--output", str(tmp_path / "r.pdf"))
    assert (code, "a PDF needs Chromium" in said) == (2, True)


def test_bars_of_nothing_and_of_zeros() -> None:
    assert bars([], "t", "kWh") == ""
    assert 'class="bar"' not in bars([Bar("a", 0.0, 0.0, "a")], "t", "kWh")


def test_a_storm_is_drawn_by_hours_and_a_month_by_days(city: Path, station: Path, tmp_path: Path) -> None:
    for period, hours in ((("--storm", "2023-12-30"), 16), (("--month", "2023-12"), 0)):
        report(city, station, tmp_path / "r.json", *period)
        made = json.loads((tmp_path / "r.json").read_text())
        assert len(made["hours"]) == hours
        if hours:
            assert sum(hour["kwh"] for hour in made["hours"]) == pytest.approx(made["kwh"]) == pytest.approx(240.0)
            assert [hour["snow_mm"] for hour in made["hours"]] == [0.0] * 6 + [1.5] * 4 + [0.0] * 6
            assert [n for n, hour in enumerate(made["hours"]) if hour["kwh"]] == [7, 8]


def test_the_emission_factor_is_printed_with_its_source(city: Path, station: Path, tmp_path: Path) -> None:
    factor = ("--co2-g-per-kwh", "417", "--co2-source", "GIR <2023>")
    report(city, station, tmp_path / "r.html", *factor)
    assert "CO₂ (GIR &lt;2023&gt;)" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.data
def test_a_season_stands_beside_the_published_one_by_100_m(
    city: Path, tmp_path: Path, data_dir: Path, language: str
) -> None:
    case = json.loads((data_dir.parent / "cases" / "bills" / "74-season-electricity.json").read_text())["expected"]
    options = ("--config", str(city), "--season", "2023-24", "--language", language)
    for output in ("r.html", "r.json"):
        assert run("report", *options, "--output", str(tmp_path / output))[0] == 0
    page, made = (tmp_path / "r.html").read_text(), json.loads((tmp_path / "r.json").read_text())
    assert f"{case['kwh_per_100m_season']:,} kWh" in page
    low, high = round(case["kwh_per_m2_at_6m_width"]), round(case["kwh_per_m2_at_5m_width"])
    assert (f"{low} to {high}" if language == "en" else f"{low}~{high}") in page
    energy, base = case["won_per_100m_season_energy"], case["base_per_100m_season_if_124kW"]
    for won in (energy, base):
        assert (f"{won / 1e6:.2f} million won" if language == "en" else f"{won / 1e4:.0f}만 원") in page
    assert f"{500 * made['kwh'] / made['area_m2']:,.0f} kWh" in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.data
def test_what_installing_cost_stands_beside_a_season(city: Path, tmp_path: Path, data_dir: Path, language: str) -> None:
    cases = data_dir.parent / "cases" / "bills"
    by_100_m = json.loads((cases / "72-install-cost.json").read_text())["expected"]["million_won_per_100m"]
    by_site = json.loads((cases / "73-install-per-site.json").read_text())["expected"]
    output = tmp_path / "r.html"
    options = ("--config", str(city), "--season", "2023-24", "--language", language, "--output", str(output))
    assert run("report", *options)[0] == 0
    page = output.read_text()
    for million in (min(by_100_m), max(by_100_m), *by_site["million_won_per_site"]):
        rest = f"{million % 100:.0f}00만" if million >= 100 else ""
        korean = f"1억 {rest[:1]},{rest[1:]}" if rest else f"{million:.0f}00만"
        assert f"{million:.0f}" in page if language == "en" else korean.replace(",", "") in page.replace(",", "")
    assert f"{round(by_site['m_per_site'], -1):.0f} m" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_storms_page_has_forecast_plan_and_what_roads_were_served(
    city: Path, station: Path, tmp_path: Path, language: str
) -> None:
    onset = 1_703_941_200  # 22:00 in Seoul
    db = database.connect(city.parent / "state" / DATABASE_NAME)
    plan = Plan(
        zone="z01", issued_utc_s=onset - 6 * 3600, start_utc_s=onset - 6 * 3600,
        slots=(Slot(0, 0, STANDBY), Slot(4 * 3600, 3000, 500), Slot(10 * 3600, 0, STANDBY)),
        why=(Reason(0, 3600, ReasonCode.PREHEAT_SNOW, 0.6, onset + 1800),),
    )  # fmt: skip
    plans.save_plans(db, [plan])
    db.close()
    for name in ("r.html", "r.json"):
        report(city, station, tmp_path / name, "--storm", "2023-12-30", "--language", language)
    page, made = (tmp_path / "r.html").read_text(), json.loads((tmp_path / "r.json").read_text())
    [course], [storm] = made["courses"], made["storms"]
    assert (course["planned_kwh"], course["probability"]) == (6 * 30.0, 0.6)
    assert "180 kWh" in page
    assert "2023-12-30 22:30" in page  # when the snow was expected
    assert page.count('class="planned"') == 10  # hours that the plan reaches over
    served = storm["served"]
    assert served["limit_min"] == 240
    assert f">{served['ice_min']:,.0f}<" in page
    assert served["ice_min"] > 0


def test_a_page_names_the_roads_that_were_late(city: Path, station: Path, tmp_path: Path) -> None:
    city.write_text(city.read_text().replace("[planner]", "[reports]\nclear_within_min = 15\n[planner]", 1))
    for name in ("r.html", "r.json"):
        report(city, station, tmp_path / name, "--storm", "2023-12-30", "--language", "en")
    [storm] = json.loads((tmp_path / "r.json").read_text())["storms"]
    late = storm["served"]["late"]
    assert late == ["z01", "z02"]  # in hard frost without heat from 01:00 on
    assert "Bogungmun-ro 34-gil, Jeongneung-ro 10-gil" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("most", "top"), [(13958.4, "20,000"), (637.2, "800"), (0.3, "0.4"), (1.0, "1"), (0.0, "1"), (95.0, "100")]
)
def test_axes_end_at_short_numbers(most: float, top: str) -> None:
    assert f">{top}</text>" in bars([Bar("a", most, 0.0, "a")], "t", "kWh")


def test_a_month_has_a_part_for_each_of_its_storms(city: Path, station: Path, tmp_path: Path) -> None:
    report(city, station, tmp_path / "r.html", "--language", "en")
    page = (tmp_path / "r.html").read_text()
    assert page.count("<section class=storm>") == 1
    assert "Storm of 2023-12-30 22:00: forecast, planned, done" in page
    for line in ("Forecast", "Was", "Planned", "Done", "Energy charge of it", "What roads were served"):
        assert f"<td>{line}</td>" in page, line
    assert "the limit is 240 min" in page
