"""Plots of the road bench: each event, error by lead, the energy terms of one day. Needs the extra `report`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from supervisor.road import Pavement, SurfaceParameters, build_roads, initial_state, simulate
from tools.bench import road_rwis
from tools.bench.road_numeric import winter

MODELS = (("ours", "tab:red"), ("METRo", "tab:blue"), ("RoadSurf", "tab:green"), ("persistence", "0.6"))
TERMS = ("shortwave", "longwave", "emitted", "sensible", "latent", "phase", "cable", "ground")


def draw(data: Path, folder: Path, absent: list[str]) -> None:
    """Write `event-*.png`, `error-by-lead.png` and `energy-terms.png` into `folder`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    folder.mkdir(parents=True, exist_ok=True)
    if "rwis" not in absent:
        rows = road_rwis.read_pairs(data / "anchors" / "rwis_pairs.csv", data / "rwis")
        ours = road_rwis.model(data, rows, SurfaceParameters()).predicted_c
        predictions = (ours, rows.metro_c, rows.roadsurf_c, rows.persist_c)
        events, modes = np.array(rows.event), np.array(rows.mode)
        for name in np.unique(events):
            figure, axes = plt.subplots(1, 2, figsize=(12, 4), sharey=True)
            for axis, mode in zip(axes, ("obsmet", "nwp"), strict=True):
                here = (events == name) & (modes == mode)
                for run in np.unique(rows.run[here]):
                    mine = here & (rows.run == run)
                    hours = (rows.t0_s[mine] - rows.t0_s[here].min()) / 3600.0 + rows.lead_h[mine]
                    for (_, colour), values in zip(MODELS[:3], predictions, strict=False):
                        axis.plot(hours, values[mine], color=colour, lw=0.9, alpha=0.7)
                    axis.plot(hours, rows.observed_c[mine], "k.", ms=3)
                axis.set(title=f"{name}, {mode}", xlabel="hours after the first run", ylabel="road surface °C")
                axis.axhline(0.0, color="0.8", lw=0.8)
            axes[0].legend(
                [Line2D([], [], color=c) for _, c in MODELS[:3]] + [Line2D([], [], color="k", marker=".", ls="")],
                [n for n, _ in MODELS[:3]] + ["observed"],
            )
            figure.tight_layout()
            figure.savefig(folder / f"event-{name}.png", dpi=110)
            plt.close(figure)
        figure, axes = plt.subplots(1, 2, figsize=(12, 4), sharey=True)
        for axis, mode in zip(axes, ("obsmet", "nwp"), strict=True):
            edges = np.array([0, 1, 2, 3, 4, 6, 9, 12, 18, 24])
            for (label, colour), values in zip(MODELS, predictions, strict=True):
                rmse = [
                    float(np.sqrt(np.nanmean((values - rows.observed_c)[chosen] ** 2))) if chosen.any() else np.nan
                    for low, high in pairwise(edges)
                    for chosen in ((modes == mode) & (rows.lead_h > low) & (rows.lead_h <= high),)
                ]
                axis.plot(0.5 * (edges[:-1] + edges[1:]), rmse, "o-", color=colour, label=label)
            axis.set(title=f"RWIS, {mode}", xlabel="lead h", ylabel="RMSE K")
            axis.legend()
        figure.tight_layout()
        figure.savefig(folder / "error-by-lead.png", dpi=110)
        plt.close(figure)
    roads = build_roads([Pavement((("asphalt", 0.1), ("crushed rock", 0.3)))])
    heat = np.where((np.arange(288) % 144 < 48)[:, None], 250.0, 0.0)
    run, _ = simulate(roads, initial_state(roads, 0.0, 6.0), winter(5, 288, 1), heat, 600.0, with_fluxes=True)
    figure, axis = plt.subplots(figsize=(10, 4))
    hours = np.arange(144) / 6.0
    for term in TERMS:
        axis.plot(hours, getattr(run.fluxes, term)[144:, 0], label=term)
    axis.set(
        xlabel="hour", ylabel="W/m², towards the road", title="Energy terms of one winter day, cable on from 0 to 8 h"
    )
    axis.legend(ncol=4, fontsize="small")
    figure.tight_layout()
    figure.savefig(folder / "energy-terms.png", dpi=110)
    plt.close(figure)
