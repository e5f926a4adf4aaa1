"""The road bench: what a run may know, what is left out, and the bars on the measured data."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from supervisor.domain.errors import PhysicsError
from tools.bench.cli import bench
from tools.bench.road_data import build_window, read_event, refuse_given

HOUR = 3600.0
T0 = 1_200_009_600.0  # 2008-01-11T00:00Z


def utc(second: float) -> str:
    return str(np.datetime64(int(second), "s")) + "Z"


def write_event(folder: Path, name: str = "X1") -> Path:
    """A made-up station: a day of observations around T0, forecast from T0 − 6 h."""
    where = folder / "rwis" / name
    where.mkdir(parents=True)
    station = {
        "id": name,
        "lat": 47.0,
        "lon": 8.0,
        "type": "road",
        "layers": [{"material": "asphalt", "thickness_m": 0.2}],
    }
    (where / "station.json").write_text(json.dumps(station))
    hours = np.arange(-24, 13)
    rows = [f"{utc(T0 + h * HOUR)},{2 + np.sin(h / 4):.2f},-1,2,0,33,{1 + np.sin(h / 4):.2f},3.0" for h in hours]
    header = "time_utc,t_air_c,t_dew_c,wind_ms,precip_flag,road_code,t_road_c,t_sub_c"
    (where / "obs.csv").write_text("\n".join([header, *rows]) + "\n")
    rows = [f"{utc(T0 + h * HOUR)},3.0,-2,2,98000,8,0,0" for h in range(-6, 30)]
    header = "time_utc,t_air_c,t_dew_c,wind_ms,pressure_pa,cloud_octas,rain_accum_mm,snow_accum_cm"
    (where / "forecast.csv").write_text("\n".join([header, *rows]) + "\n")
    return where


def test_a_run_sees_no_road_temperature_after_t0_and_no_air_in_mode_nwp(tmp_path: Path) -> None:
    event = read_event(write_event(tmp_path))
    given = build_window(event, T0, "nwp", 6 * HOUR, 300.0)
    after = given.end_s > T0
    assert np.isnan(given.road_c[after]).all()
    assert np.isfinite(given.road_c[~after]).all()
    event.observed["t_air_c"][event.observed["time_utc"] > T0] = 99.0
    event.observed["t_road_c"][event.observed["time_utc"] > T0] = 99.0
    again = build_window(event, T0, "nwp", 6 * HOUR, 300.0)
    assert np.array_equal(given.air_c, again.air_c)
    assert np.array_equal(given.road_c, again.road_c, equal_nan=True)


def test_mode_obsmet_follows_the_observed_air(tmp_path: Path) -> None:
    event = read_event(write_event(tmp_path))
    window = build_window(event, T0, "obsmet", 6 * HOUR, 300.0)
    last = np.argmin(np.abs(window.end_s - (T0 + 6 * HOUR)))
    assert window.air_c[last] == pytest.approx(2 + np.sin(6 / 4), abs=0.02)


def test_a_row_that_was_given_to_the_model_is_not_scored(tmp_path: Path) -> None:
    window = build_window(read_event(write_event(tmp_path)), T0, "nwp", 6 * HOUR, 300.0)
    refuse_given(window, np.array([T0 + HOUR]))
    with pytest.raises(PhysicsError, match="was given to it"):
        refuse_given(window, np.array([T0 + HOUR, T0]))


def test_sets_that_the_folder_lacks_are_left_out_and_said_so(tmp_path: Path) -> None:
    write_event(tmp_path)
    (tmp_path / "anchors").mkdir()
    rows = [f"nwp,X1,{utc(T0)},{lead},1.5,,,1.0,2.0" for lead in (1.0, 3.0)]
    header = "mode,id,t0,lead_h,obs_c,metro_c,roadsurf_c,persist_c,t_air_obs_c"
    (tmp_path / "anchors" / "rwis_pairs.csv").write_text("\n".join([header, *rows]) + "\n")
    out = tmp_path / "out.json"
    result = CliRunner().invoke(bench, ["road", "--data", str(tmp_path), "--json", str(out)])
    assert result.exit_code == 0, result.output
    figures = json.loads(out.read_text())
    assert figures["absent"] == ["sanantonio", "numeric"]
    assert figures["rwis_nwp"]["near"]["rows"] == 2
    assert "sanantonio: not in" in result.output


def run_bench(data: Path) -> tuple[dict[str, Any], str]:
    out = data / "out.json"
    result = CliRunner().invoke(bench, ["road", "--data", str(data), "--json", str(out)])
    assert result.exit_code == 0, result.output
    return json.loads(out.read_text()), result.output


def write_pairs(data: Path, rows: list[str], header: str = "mode,id,t0,lead_h,obs_c") -> None:
    (data / "anchors").mkdir(exist_ok=True)
    (data / "anchors" / "rwis_pairs.csv").write_text("\n".join([header, *rows]) + "\n")


def test_a_window_that_was_given_its_verifying_observation_is_refused_and_the_others_are_scored(tmp_path: Path) -> None:
    write_event(tmp_path)
    leads = [("nwp", T0, 1.0), ("nwp", T0, 0.0), ("nwp", T0 + HOUR, 2.0), ("nwp", T0 + HOUR, 3.0)]
    write_pairs(tmp_path, [f"{mode},X1,{utc(t0)},{lead},1.5" for mode, t0, lead in leads])
    figures, said = run_bench(tmp_path)
    assert figures["rwis_nwp"]["near"]["rows"] == 2  # of the second window only
    assert len(figures["refused"]) == 1
    assert "not scored: nwp, X1: the road temperature of 2008-01-11T00:00:00+00:00 verifies the run" in said
    assert figures["failed"] == []


def test_peers_that_were_not_run_are_dashes(tmp_path: Path) -> None:
    write_event(tmp_path, "station-7")
    write_pairs(tmp_path, [f"obsmet,station-7,{utc(T0)},{lead},1.5" for lead in (1.0, 3.0)])
    figures, _ = run_bench(tmp_path)
    line = next(c for c in figures["checks"] if c["name"].startswith("RWIS, observed weather, 0–6"))
    assert (line["metro"], line["roadsurf"], line["persistence"]) == ("– / –",) * 3
    assert line["ours"].endswith(" / –")
    assert line["met"] is not None


def test_columns_that_a_station_lacks_and_sentinels_are_done_without(tmp_path: Path) -> None:
    where = write_event(tmp_path)
    station = json.loads((where / "station.json").read_text())
    (where / "station.json").write_text(json.dumps({k: station[k] for k in ("lat", "lon")}))
    lines = [line.split(",") for line in (where / "obs.csv").read_text().splitlines()]
    lines[5][1], lines[6][6], lines[7][6] = "9999", "999", "NA"
    (where / "obs.csv").write_text("\n".join(",".join((r[0], r[1], r[6])) for r in lines) + "\n")
    lines = [line.split(",") for line in (where / "forecast.csv").read_text().splitlines()]
    (where / "forecast.csv").write_text("\n".join(",".join(r[:2]) for r in lines) + "\n")
    event = read_event(where)
    assert np.nanmax(event.observed["t_road_c"]) < 10.0
    write_pairs(tmp_path, [f"{mode},X1,{utc(T0)},2.0,1.5" for mode in ("nwp", "obsmet")])
    figures, _ = run_bench(tmp_path)
    assert figures["failed"] == []
    assert all(abs(row["ours_c"]) < 10.0 for row in figures["rwis_rows"])


def test_a_station_that_cannot_be_run_fails_aloud_and_costs_the_others_nothing(tmp_path: Path) -> None:
    write_event(tmp_path)
    broken, blind = write_event(tmp_path, "X2"), write_event(tmp_path, "X3")
    (broken / "station.json").write_text("{")
    text = (blind / "obs.csv").read_text().splitlines()
    (blind / "obs.csv").write_text("\n".join([text[0], *(",".join([*r.split(",")[:6], "", ""]) for r in text[1:])]))
    rows = [f"nwp,{name},{utc(T0)},2.0,1.5,1.1" for name in ("X1", "X2", "X3")]
    write_pairs(tmp_path, rows, "mode,id,t0,lead_h,obs_c,persist_c")
    figures, said = run_bench(tmp_path)
    assert [row["ours_c"] for row in figures["rwis_rows"][1:]] == [1.1, 1.1]  # held
    assert len(figures["failed"]) == 2
    assert "X2, nwp: " in said
    assert "no road temperature in the 46 h up to t0" in said
    divergence = next(c for c in figures["checks"] if c["name"].startswith("divergence"))
    assert (divergence["ours"], divergence["met"]) == ("2", False)


def test_a_folder_with_nothing_still_gives_what_needs_no_data(tmp_path: Path) -> None:
    figures, said = run_bench(tmp_path)
    assert figures["absent"] == ["rwis", "sanantonio", "numeric"]
    assert [c["met"] for c in figures["checks"] if "closure" in c["name"]] == [True]
    assert "Korean winters: no kr_*.csv in" in said


@pytest.mark.data
def test_the_bars_are_met_on_the_measured_data(tmp_path: Path) -> None:
    data = Path(os.environ.get("ROADHEAT_DATA", Path(__file__).parents[4] / "shared" / "data")) / "road"
    if not data.is_dir():
        pytest.skip(f"no measured road data in {data}")
    out = tmp_path / "out.json"
    arguments = ["road", "--data", str(data), "--no-calibrate", "--no-korea", "--json", str(out)]
    assert CliRunner().invoke(bench, arguments).exit_code == 0
    checks = {c["name"]: c for c in json.loads(out.read_text())["checks"]}
    missed = [
        n for n, c in checks.items() if c["met"] is False and "CPU" not in n
    ]  # time depends on the machine's load
    assert missed == []


@pytest.mark.parametrize(
    "command",
    [["road", "--data", "."], ["control", "--weather", __file__]],
)
def test_a_bench_whose_pictures_cannot_be_drawn_is_refused_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused = CliRunner().invoke(bench, [*command, "--plot", str(tmp_path / "plots")])
    assert refused.exit_code == 2
    assert "roadheat[report]" in refused.output
    nowhere = CliRunner().invoke(bench, [*command, "--json", str(tmp_path / "no" / "out.json")])
    assert nowhere.exit_code == 2
    assert list(tmp_path.iterdir()) == []
