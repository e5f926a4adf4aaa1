"""`roadheat bench road`: the road model against METRo, RoadSurf and persistence on the same pairs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from supervisor.road import SurfaceParameters
from tools.bench import road_korea, road_numeric, road_rwis, road_sanantonio
from tools.bench.road_score import Check, check, pair, score, within

NEAR, FAR = (0.0, 6.0), (6.0, 24.0)
CURTAIN_K = 1.0  # the snow period: observed this close to 0 °C in an event that the forecast gives snow


def _rwis(data: Path, checks: list[Check], result: dict[str, Any]) -> None:
    rows = road_rwis.read_pairs(data / "anchors" / "rwis_pairs.csv", data / "rwis")
    if not rows.event:
        raise click.ClickException(f"no event of rwis_pairs.csv stands in {data / 'rwis'}")
    ours, failed = road_rwis.model(data, rows, SurfaceParameters())
    mode, lead = np.array(rows.mode), rows.lead_h
    result["rwis_rows"] = [
        {"mode": m, "id": e, "t0_s": t, "lead_h": h, "obs_c": o, "ours_c": c}
        for m, e, t, h, o, c in zip(
            rows.mode, rows.event, rows.t0_s.tolist(), lead.tolist(), rows.observed_c.tolist(), ours.tolist(),
            strict=True,
        )
    ]  # fmt: skip

    def scores(predicted: road_rwis.Array, which: str) -> tuple[Any, Any]:
        near, far = (
            score(predicted, rows.observed_c, rows.event, (mode == which) & (lead > low) & (lead <= high))
            for low, high in (NEAR, FAR)
        )
        return near, far

    for which, name, bars, stretch in (
        ("obsmet", "RWIS, observed weather, 0–6 / 6–24 h RMSE K", (1.2, 2.3), (1.0, 1.8)),
        ("nwp", "RWIS, forced by forecast, 0–6 / 6–24 h RMSE K", (1.6, 3.0), (1.4, 2.5)),
    ):
        near, far = scores(ours, which)
        peers = [scores(p, which) for p in (rows.metro_c, rows.roadsurf_c, rows.persist_c)]
        figures = [pair(near, far), *(pair(*p) for p in peers)]
        note = f"bias {near.bias:+.2f} / {far.bias:+.2f}, {near.rows} + {far.rows} rows"
        limits = (f"≤{bars[0]} / ≤{bars[1]}", f"≤{stretch[0]} / ≤{stretch[1]}")
        checks.append(check(name, limits, figures, within((near.rmse, far.rmse), bars), note))
        result[f"rwis_{which}"] = {"near": asdict(near), "far": asdict(far)}
        if which == "obsmet":
            figures = [f"{p.event_median:.2f}" for p in (near, *(peer[0] for peer in peers))]
            met = within((near.event_median,), (0.72,))
            checks.append(check("RWIS, observed weather, median of events, 0–6 h", ("≤0.72", "≤0.6"), figures, met))
    snowy = {name for name in set(rows.event) if road_rwis.forecast_snows(data, name)}
    curtain = (
        np.isin(rows.event, sorted(snowy)) & (mode == "obsmet") & (np.abs(rows.observed_c) <= CURTAIN_K) & (lead <= 24)
    )
    if curtain.any():
        worst = [float(np.nanmax(np.abs(m[curtain]))) for m in (ours, rows.metro_c, rows.roadsurf_c, rows.persist_c)]
        name = "road within 1 K of 0 °C while snow is about: worst |T| °C"
        note = f"{int(curtain.sum())} rows of {', '.join(sorted(set(np.array(rows.event)[curtain])))}"
        checks.append(check(name, ("≤2", "≤1"), [f"{w:.1f}" for w in worst], worst[0] <= 2.0, note))
    result["failed_runs"] = result.get("failed_runs", 0) + len(failed) + int(np.isnan(ours).sum())


def _sanantonio(data: Path, checks: list[Check], result: dict[str, Any], calibrated: bool) -> None:
    rows = road_sanantonio.read_pairs(data / "anchors" / "sanantonio_pairs.csv", data / "sanantonio")
    chosen = sorted({int(r) for r in rows.run[rows.winter]})
    if not chosen:
        raise click.ClickException(f"no winter run of sanantonio_pairs.csv has its pavement in {data / 'sanantonio'}")
    ours = road_sanantonio.model(data, rows, SurfaceParameters(), chosen)
    result["failed_runs"] = result.get("failed_runs", 0) + int(np.isnan(ours[rows.winter]).sum())
    bands = [rows.winter & (rows.lead_h > low) & (rows.lead_h <= high) for low, high in (NEAR, FAR)]

    def scores(predicted: road_rwis.Array) -> tuple[Any, Any]:
        near, far = (score(predicted, rows.observed_c, rows.pavement, band) for band in bands)
        return near, far

    near, far = scores(ours)
    peers = [pair(*scores(p)) for p in (rows.metro_c, rows.roadsurf_c, rows.persist_c)]
    note = f"bias {near.bias:+.2f} / {far.bias:+.2f}, {len(chosen)} runs"
    name = "San Antonio winter, generic, 0–6 / 6–24 h RMSE K"
    met = within((near.rmse, far.rmse), (2.5, 3.0))
    checks.append(check(name, ("≤2.5 / ≤3.0", "≤2.2 / ≤2.7"), [pair(near, far), *peers], met, note))
    result["sanantonio_generic"] = {"near": asdict(near), "far": asdict(far)}
    if not calibrated:
        return
    fitted = road_sanantonio.cross_validated(data, rows, chosen)
    near, far = scores(fitted)
    note = f"bias {near.bias:+.2f} / {far.bias:+.2f}, four blocks in time per pavement"
    met = within((near.rmse, far.rmse, abs(near.bias), abs(far.bias)), (1.5, 2.2, 0.5, 0.5))
    limits = ("≤1.5 / ≤2.2, |bias| ≤0.5", "≤1.2 / ≤1.9")
    checks.append(check("same, calibrated out of sample", limits, [pair(near, far), *peers], met, note))
    result["sanantonio_calibrated"] = {"near": asdict(near), "far": asdict(far)}


def _numeric(data: Path, checks: list[Check], result: dict[str, Any]) -> None:
    table = data / "numeric" / "analytic.csv"
    if table.exists():
        cases = road_numeric.closed_forms(table)
        kelvin = max(c.worst for c in cases if c.unit == "K")
        checks.append(
            Check(
                "closed-form conduction, worst K", "≤0.05", "≤0.02", f"{kelvin:.3f}", met=kelvin <= 0.05,
                note=", ".join(f"{c.case} {c.worst:.2g}" for c in cases),
            )
        )  # fmt: skip
        result["closed_forms"] = [asdict(c) for c in cases]


def _always(checks: list[Check], result: dict[str, Any]) -> None:
    energy, water = road_numeric.closure()
    checks.append(
        Check(
            "energy / water closure, relative",
            "≤1e-6",
            "",
            f"{energy:.0e} / {water:.0e}",
            met=max(energy, water) <= 1e-6,
        )
    )
    single, batched = road_numeric.cost_ms(1), road_numeric.cost_ms(200)
    met = single <= 6.0 and batched <= 2.0
    cost = f"{single:.1f} / {batched:.2f}"
    checks.append(Check("72 h, one road / batch of 200, CPU ms per road", "≤6 / ≤2", "batch ≤0.5", cost, met=met))
    result |= {"closure": [energy, water], "cpu_ms": [single, batched]}


def _korea(folder: Path, console: Console, result: dict[str, Any]) -> None:
    table = Table(title="Korean winters: bare ground a day ahead; hours with snow, ours against observed depth")
    for column in ("winter", "hours", "bias K", "RMSE K", "0–6 h", "both", "only ours", "only observed", "neither"):
        table.add_column(column, justify="right")
    winters = [road_korea.score(path) for path in sorted(folder.glob("kr_*.csv"))]
    for w in winters:
        counts = (w.both, w.only_ours, w.only_observed, w.neither)
        figures = (f"{w.bias_k:+.2f}", f"{w.rmse_k:.2f}", f"{w.rmse_0_6_k:.2f}")
        table.add_row(w.name, str(w.hours), *figures, *(str(c) for c in counts))
    console.print(table)
    result["korea"] = [asdict(w) for w in winters]


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--weather", type=click.Path(file_okay=False, path_type=Path), help="kr_*.csv; default DATA/../weather.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write every figure here.")
@click.option("--plot", type=click.Path(file_okay=False, path_type=Path), help="Write plots into this folder.")
@click.option("--calibrate/--no-calibrate", default=True, help="Also the calibrated check (minutes).")
@click.option("--korea/--no-korea", default=True, help="Also the Korean winters (a minute).")
def road(
    data: Path, weather: Path | None, json_file: Path | None, plot: Path | None, calibrate: bool, korea: bool
) -> None:
    """The road model against METRo, RoadSurf and persistence; layout and protocol as in the data's README."""
    console = Console(width=max(Console().width, 150))
    checks: list[Check] = []
    result: dict[str, Any] = {}
    absent = []
    for name, need in (("rwis", "rwis_pairs.csv"), ("sanantonio", "sanantonio_pairs.csv")):
        if not ((data / name).is_dir() and (data / "anchors" / need).exists()):
            absent.append(name)
    if "rwis" not in absent:
        _rwis(data, checks, result)
    if "sanantonio" not in absent:
        _sanantonio(data, checks, result, calibrate)
    if not (data / "numeric" / "analytic.csv").exists():
        absent.append("numeric")
    _numeric(data, checks, result)
    _always(checks, result)
    failed = int(result.get("failed_runs", 0))
    checks.append(Check("divergence over all windows", "0", "", str(failed), met=failed == 0))

    table = Table(title="Road model", show_lines=False)
    for column in ("check", "bar", "stretch", "ours", "METRo", "RoadSurf", "persistence", ""):
        table.add_column(column)
    for c in checks:
        verdict = "" if c.met is None else "[green]met[/]" if c.met else "[red]missed[/]"
        table.add_row(c.name, c.bar, c.stretch, c.ours, c.metro, c.roadsurf, c.persistence, verdict)
    console.print(table)
    for c in checks:
        if c.note:
            console.print(f"  {c.name}: {c.note}", style="dim", highlight=False)
    for name in absent:
        console.print(f"{name}: not in {data}, left out of the table")
    console.print("In mode nwp the forecast's air is corrected by its miss at t0, decaying over 6 h.", style="dim")
    console.print("GeoStudio: its driving radiation is not in the data; not run.", style="dim")
    folder = weather or data.parent / "weather"
    if korea and any(folder.glob("kr_*.csv")):
        _korea(folder, console, result)
    elif korea:
        console.print(f"Korean winters: no kr_*.csv in {folder}, left out")
    result["checks"] = [asdict(c) for c in checks]
    result["absent"] = absent
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=1, default=float) + "\n", encoding="utf-8")
    if plot is not None:
        from tools.bench.road_plots import draw

        draw(data, plot, absent)
        console.print(f"plots in {plot}")
