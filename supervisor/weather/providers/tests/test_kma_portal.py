"""Files of the portal data.kma.go.kr as weather files: encoding, Korean time, units, blanks, flags, and refusals."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from supervisor.domain.errors import WeatherError
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.providers.files import TRACE_MM_H, read_weather_csv
from supervisor.weather.providers.provider import FileProvider

HEADER = (
    "지점,지점명,일시,기온(°C),강수량(mm),풍속(m/s),습도(%),이슬점온도(°C),현지기압(hPa),일조(hr),일사(MJ/m2),적설(cm),"
    "전운량(10분위),지면온도(°C)"
)
BEGIN = datetime(2026, 1, 20, 0, tzinfo=UTC)  # in Korean time, of which only the text is used
SUN_MJ = {9: "0.1", 10: "0.4", 15: "0.5", 16: "0.4", 17: "0.15", 18: "0.02"} | dict.fromkeys((11, 12, 13, 14), "0.72")
CASES = Path(os.environ.get("ROADHEAT_CASES", Path(__file__).parents[5] / "shared" / "cases"))


def row(hour: int, *, rain: str = "", sun: str | None = None, cloud: str = "4", air: str = "-5.1", at: str = "") -> str:
    time = BEGIN + timedelta(hours=hour)
    radiation = sun if sun is not None else SUN_MJ.get(time.hour, "")
    when = at or f"{time:%Y-%m-%d %H:%M}"
    return f"108,서울,{when},{air},{rain},2.4,71,-9.6,1016.3,,{radiation},,{cloud},-1.2"


def save(path: Path, rows: list[str], header: str = HEADER, encoding: str = "euc-kr") -> Path:
    path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["euc-kr", "cp949", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_file_of_the_portal_is_read(tmp_path: Path, encoding: str, strict: bool) -> None:
    rows = [row(k, rain="1.5" if k in (5, 6) else "") for k in range(48)]
    series, treated = read_weather_csv(save(tmp_path / "a.csv", rows, encoding=encoding), SEOUL, strict=strict)
    assert len(series) == 48
    assert series.time_utc_s[0] == datetime(2026, 1, 19, 15, tzinfo=UTC).timestamp()
    assert series.air_c[0] == -5.1
    assert series.dew_point_c[0] == -9.6
    assert series.pressure_pa[0] == pytest.approx(101_630.0)
    assert series.wind_m_s[0] == 2.4
    assert list(series.precipitation_mm_h[4:8]) == [0.0, 1.5, 1.5, 0.0]
    assert series.snow_fraction[5] > 0.99
    assert series.shortwave_w_m2[12] == pytest.approx(200.0, abs=0.01)
    assert series.shortwave_w_m2[2] == 0.0
    assert series.cloud_fraction[0] == pytest.approx(0.4)
    assert series.cloud_fraction[5] == 1.0  # the sensor misses the cloud that it snows from
    assert not treated.degraded


def test_an_empty_cell_at_daytime_is_not_the_night(tmp_path: Path) -> None:
    rows = [row(k, sun="" if k == 13 else None) for k in range(48)]
    series, _ = read_weather_csv(save(tmp_path / "a.csv", rows), SEOUL)
    assert series.shortwave_w_m2[13] == pytest.approx(200.0, abs=1.0)


def test_no_amount_in_frost_is_a_trace_only_where_dry_hours_are_empty(tmp_path: Path) -> None:
    rows = [row(k, rain="0.0" if k == 4 else "") for k in range(24)]
    series, _ = read_weather_csv(save(tmp_path / "a.csv", rows), SEOUL)
    assert list(series.precipitation_mm_h[3:6]) == [0.0, TRACE_MM_H, 0.0]
    rows = [row(k, rain="2.0" if k == 4 else "0.0") for k in range(24)]
    series, _ = read_weather_csv(save(tmp_path / "b.csv", rows), SEOUL)
    assert list(series.precipitation_mm_h[3:6]) == [0.0, 2.0, 0.0]


def test_flags_of_quality_control_make_a_value_missing(tmp_path: Path) -> None:
    header = HEADER.replace("기온(°C),강수량(mm)", "기온(°C),기온 QC플래그,강수량(mm),강수량 QC플래그")
    rows = []
    for k in range(24):
        station, name, time, air, rain, *rest = row(k).split(",")
        air, flag = ("55", "1") if k == 8 else (air, "")
        rain, wet_flag = ("", "9") if k == 7 else ("1.0", "")
        rows.append(",".join([station, name, time, air, flag, rain, wet_flag, *rest]))
    series, _ = read_weather_csv(save(tmp_path / "a.csv", rows, header), SEOUL, strict=False)
    assert series.air_c[8] == pytest.approx(-5.1)
    assert series.precipitation_mm_h[7] == pytest.approx(1.0)  # not known between two wet hours: not dry


def test_times_as_spreadsheets_save_them(tmp_path: Path) -> None:
    rows = [row(k, at=f"2026-01-20 {k}:00") for k in range(24)]
    assert len(read_weather_csv(save(tmp_path / "a.csv", rows), SEOUL)[0]) == 24


def test_a_station_without_pyranometer_needs_its_cloud(tmp_path: Path) -> None:
    header = HEADER.replace("일사(MJ/m2)", "시정(10m)")
    series, _ = read_weather_csv(save(tmp_path / "a.csv", [row(k, sun="") for k in range(48)], header), SEOUL)
    assert series.shortwave_w_m2[13] > 50.0
    assert series.shortwave_w_m2[1] == pytest.approx(0.0, abs=1.0)


@pytest.mark.parametrize(
    ("old", "new", "message", "where"),
    [
        ("-5.1", "영하", "'영하' is not a number", "column 기온(°C), line 2"),
        ("2026-01-20 03:00", "어제", "'어제' is not a time", "column 일시, line 5"),
        ("풍속(m/s)", "풍속(kt)", "unit 'kt' of 풍속", "line 1"),
        ("강수량(mm)", "강수량계", "column 강수량 is missing", "line 1"),
        ("\r\n108,서울,2026-01-20 07", "\r\n119,수원,2026-01-20 07", "rows of 2 stations (108, 119)", "line 1"),
        ("1016.3", "762", "762", "column 현지기압(hPa)"),
    ],
)
def test_what_is_wrong_is_named_in_the_words_of_the_file(
    tmp_path: Path, old: str, new: str, message: str, where: str
) -> None:
    path = save(tmp_path / "a.csv", [row(k) for k in range(24)])
    text = path.read_bytes().decode("euc-kr")
    assert old in text
    path.write_bytes(text.replace(old, new).encode("euc-kr"))
    with pytest.raises(WeatherError) as caught:
        read_weather_csv(path, SEOUL)
    assert message in str(caught.value)
    assert where in caught.value.where
    assert caught.value.remedy


async def test_the_service_plans_from_such_a_file_in_spite_of_bad_cells(tmp_path: Path) -> None:
    rows = [row(k) for k in range(72)]
    rows[30] = row(30, air="??")
    rows[31] = "108,서울"
    now = datetime(2026, 1, 20, 15, tzinfo=UTC).timestamp()
    forecast = await FileProvider.open(save(tmp_path / "a.csv", rows), SEOUL).forecast(now, 30 * 3600.0)
    assert len(forecast.members[0]) >= 30
    assert forecast.treated.degraded


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("station,valid,tmpf,dwpf,sknt,p01i\nAMW,2026-01-10 00:53,23.0,M,6,T\n", "export of station reports"),
        ('<?xml version="1.0"?>\n<observation><header/></observation>\n', "METRo"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_files_of_other_forms_are_refused_with_what_to_do(tmp_path: Path, text: str, remedy: str, strict: bool) -> None:
    path = tmp_path / "w.csv"
    path.write_text(text)
    with pytest.raises(WeatherError) as caught:
        read_weather_csv(path, SEOUL, strict=strict)
    assert "line 1" in caught.value.where
    assert remedy in caught.value.remedy


@pytest.mark.data
def test_the_case_of_the_portal_is_read() -> None:
    path = CASES / "18-kma-portal-asos-csv" / "SURFACE_ASOS_108_HR.csv"
    if not path.exists():
        pytest.skip("no cases of faults here")
    series, _ = read_weather_csv(path, SEOUL)
    assert len(series) == 30
    assert series.precipitation_mm_h.sum() == pytest.approx(2.0)
    assert np.isfinite(series.longwave_w_m2).all()
