"""`roadheat bench road`: the road model against METRo, RoadSurf and persistence on the same pairs."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from supervisor import terminal
from supervisor.commands import OutputPath, drawing, require
from supervisor.domain.errors import RoadheatError
from supervisor.road import SurfaceParameters
from supervisor.terminal import styled
from tools.bench import road_korea, road_numeric, road_rwis, road_sanantonio
from tools.bench.road_score import Check, check, figure, pair, score, within

NEAR, FAR = (0.0, 6.0), (6.0, 24.0)
BATCH = 1000  # roads: a city's zones, or fifty with twenty members
SHOWN = 10  # failed or refused runs that are named


class _Absent(Exception):
    """A set that the folder does not hold; the message says what is missing."""


def _rwis(data: Path, checks: list[Check], result: dict[str, Any]) -> None:
    rows = road_rwis.read_pairs(_pairs(data, "rwis"), data / "rwis")
    if not rows.event:
        raise _Absent(f"no event of rwis_pairs.csv stands in {data / 'rwis'}")
    outcome = road_rwis.model(data, rows, SurfaceParameters())
    ours = outcome.predicted_c
    _take(outcome, result)
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
            figures = [figure(p.event_median) for p in (near, *(peer[0] for peer in peers))]
            met = within((near.event_median,), (0.72,))
            checks.append(check("RWIS, observed weather, median of events, 0–6 h", ("≤0.72", "≤0.6"), figures, met))
    curtain = road_rwis.snow_cover(data, rows) & (mode == "obsmet") & (lead <= FAR[1]) & np.isfinite(ours)
    if curtain.any():
        worst = [_worst(m[curtain]) for m in (ours, rows.metro_c, rows.roadsurf_c, rows.persist_c)]
        name = "road that lay six hours within 1 K of 0 °C under snow: worst |T| °C"
        note = f"{int(curtain.sum())} rows of {', '.join(sorted(set(np.array(rows.event)[curtain])))}"
        checks.append(check(name, ("≤2", "≤1"), [figure(w) for w in worst], worst[0] <= 2.0, note))


def _worst(values: road_rwis.Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.max(np.abs(known))) if known.size else float("nan")


def _pairs(data: Path, name: str) -> Path:
    """The set's pairs; raises _Absent saying what is missing."""
    pairs = data / "anchors" / f"{name}_pairs.csv"
    for path in (data / name, pairs):
        if not path.exists():
            raise _Absent(f"no {path}")
    return pairs


def _take(outcome: road_rwis.Outcome, result: dict[str, Any]) -> None:
    result.setdefault("failed", []).extend(outcome.failed)
    result.setdefault("refused", []).extend(outcome.refused)


def _sanantonio(data: Path, checks: list[Check], result: dict[str, Any], calibrated: bool) -> None:
    rows = road_sanantonio.read_pairs(_pairs(data, "sanantonio"), data / "sanantonio")
    chosen = sorted({int(r) for r in rows.run[rows.winter]})
    if not chosen:
        raise _Absent(f"no winter run of sanantonio_pairs.csv has its pavement in {data / 'sanantonio'}")
    outcome = road_sanantonio.model(data, rows, SurfaceParameters(), chosen)
    ours = outcome.predicted_c
    _take(outcome, result)
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
    note = f"bias {near.bias:+.2f} / {far.bias:+.2f}, four blocks in time per pavement; generic below 8 windows"
    met = within((near.rmse, far.rmse, abs(near.bias), abs(far.bias)), (1.5, 2.2, 0.5, 0.5))
    limits = ("≤1.5 / ≤2.2, |bias| ≤0.5", "≤1.2 / ≤1.9")
    checks.append(check("same, calibrated out of sample", limits, [pair(near, far), *peers], met, note))
    result["sanantonio_calibrated"] = {"near": asdict(near), "far": asdict(far)}


def _numeric(data: Path, checks: list[Check], result: dict[str, Any]) -> None:
    table = data / "numeric" / "analytic.csv"
    if not table.exists():
        raise _Absent(f"no {table}")
    cases = road_numeric.closed_forms(table)
    kelvin = max((c.worst for c in cases if c.unit == "K"), default=np.nan)
    checks.append(
        Check(
            "closed-form conduction, worst K", "≤0.05", "≤0.02", f"{kelvin:.3f}", met=within((kelvin,), (0.05,)),
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
    single, batched = road_numeric.cost_ms(1), road_numeric.cost_ms(BATCH)
    met = single <= 6.0 and batched <= 2.0
    cost = f"{single:.1f} / {batched:.2f}"
    checks.append(Check(f"72 h, one road / batch of {BATCH}, CPU ms per road", "≤6 / ≤2", "batch ≤0.5", cost, met=met))
    result |= {"closure": [energy, water], "cpu_ms": [single, batched]}


def _korea(folder: Path, console: Console, result: dict[str, Any]) -> None:
    table = Table(title="Korean winters: bare ground a day ahead; hours with snow, ours against observed depth")
    for column in ("winter", "hours", "bias K", "RMSE K", "0–6 h", "both", "only ours", "only observed", "neither"):
        table.add_column(column, justify="right")
    winters = []
    for path in sorted(folder.glob("kr_*.csv")):
        try:
            winters.append(road_korea.score(path))
        except RoadheatError as error:
            console.print(f"Korean winters: {path.name} left out: {error}", soft_wrap=True)
    for w in winters:
        counts = (w.both, w.only_ours, w.only_observed, w.neither)
        figures = (f"{w.bias_k:+.2f}", f"{w.rmse_k:.2f}", f"{w.rmse_0_6_k:.2f}")
        table.add_row(w.name, str(w.hours), *figures, *(str(c) for c in counts))
    console.print(table)
    result["korea"] = [asdict(w) for w in winters]


def _plain(value: Any) -> Any:
    """JSON knows no NaN: null stands for it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--weather", type=click.Path(file_okay=False, path_type=Path), help="kr_*.csv; default DATA/../weather.")
@click.option("--json", "json_file", type=OutputPath(), help="Write every figure here.")
@click.option("--plot", type=OutputPath(folder=True), help="Write plots into this folder.")
@click.option("--calibrate/--no-calibrate", default=True, help="Also the calibrated check (minutes).")
@click.option("--korea/--no-korea", default=True, help="Also the Korean winters (a minute).")
def road(
    data: Path, weather: Path | None, json_file: Path | None, plot: Path | None, calibrate: bool, korea: bool
) -> None:
    """The road model against METRo, RoadSurf and persistence; layout and protocol as in the data's README."""
    if plot is not None:
        require("matplotlib", "--plot")
    console = terminal.console(width=max(terminal.console().width, 150))
    checks: list[Check] = []
    result: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for name, run in (
        ("rwis", _rwis),
        ("sanantonio", partial(_sanantonio, calibrated=calibrate)),
        ("numeric", _numeric),
    ):
        try:
            run(data, checks, result)
        except _Absent as missing:
            absent[name] = str(missing)
    _always(checks, result)
    failed, refused = (result.setdefault(kind, []) for kind in ("failed", "refused"))
    checks.append(Check("divergence over all windows", "0", "", str(len(failed)), met=not failed))

    table = Table(title="Road model", show_lines=False)
    for column in ("check", "bar", "stretch", "ours", "METRo", "RoadSurf", "persistence", ""):
        table.add_column(column)
    for c in checks:
        verdict = "" if c.met is None else styled("met", "green") if c.met else styled("missed", "red")
        table.add_row(c.name, c.bar, c.stretch, c.ours, c.metro, c.roadsurf, c.persistence, verdict)
    console.print(table)
    for c in checks:
        if c.note:
            console.print(f"  {c.name}: {c.note}", style="dim", highlight=False)
    for name, reason in absent.items():
        console.print(f"{name}: not in {data}, left out of the table ({reason})", soft_wrap=True)
    for what, runs in (("failed, held at its last valid state", failed), ("not scored", refused)):
        for one in runs[:SHOWN]:
            console.print(f"{what}: {one}", style="yellow", soft_wrap=True)
        if len(runs) > SHOWN:
            console.print(f"{what}: and {len(runs) - SHOWN} more", style="yellow")
    console.print("In mode nwp the forecast's air is corrected by its miss at t0, decaying over 6 h.", style="dim")
    console.print(
        "GeoStudio: not run. What drove it, eleven days of measured short-wave, and the profile it began with are not "
        "published with its surface temperatures.",
        style="dim",
        soft_wrap=True,
    )
    folder = weather or data.parent / "weather"
    if korea and any(folder.glob("kr_*.csv")):
        _korea(folder, console, result)
    elif korea:
        console.print(f"Korean winters: no kr_*.csv in {folder}, left out")
    result["checks"] = [asdict(c) for c in checks]
    result["absent"] = list(absent)
    if json_file is not None:
        json_file.write_text(json.dumps(_plain(result), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if plot is not None:
        from tools.bench.road_plots import draw

        with drawing(f"--plot {plot}"):
            draw(data, plot, list(absent))
            console.print(f"plots in {plot}")
