"""Pooling and verdicts of the road bench: rows in, figures against bars out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Errors of one model over pooled rows [K]."""

    rows: int
    bias: float
    rmse: float
    event_median: float


@dataclass(frozen=True)
class Check:
    """One line of the table. `ours` and `peers` as texts; `met` None where there is no bar."""

    name: str
    bar: str
    stretch: str
    ours: str
    metro: str = ""
    roadsurf: str = ""
    persistence: str = ""
    met: bool | None = None
    note: str = ""


def check(name: str, limits: tuple[str, str], figures: Sequence[str], met: bool | None, note: str = "") -> Check:
    """A line from (bar, stretch) and the figures of ours, METRo, RoadSurf and persistence."""
    ours, metro, roadsurf, persistence = figures
    return Check(name, *limits, ours, metro, roadsurf, persistence, met, note)


def score(predicted: Array, observed: Array, events: Sequence[str], chosen: npt.NDArray[np.bool_]) -> Score:
    """Pool the chosen rows; rows a model has no value for are left out of its own score."""
    use = chosen & np.isfinite(predicted) & np.isfinite(observed)
    if not use.any():
        return Score(0, np.nan, np.nan, np.nan)
    error = (predicted - observed)[use]
    names = np.array(events)[use]
    by_event = [float(np.sqrt(np.mean(error[names == name] ** 2))) for name in np.unique(names)]
    return Score(int(use.sum()), float(error.mean()), float(np.sqrt(np.mean(error**2))), float(np.median(by_event)))


def pair(near: Score, far: Score) -> str:
    """`0–6 h / 6–24 h` RMSE as text; a dash where a model has no rows."""
    return f"{figure(near.rmse)} / {figure(far.rmse)}"


def figure(value: float) -> str:
    """A figure, a dash for none."""
    return f"{value:.2f}" if np.isfinite(value) else "–"


def within(values: Sequence[float], bars: Sequence[float]) -> bool | None:
    """Whether every value that there is is at or under its bar; None if there is none (no rows)."""
    known = [(v, b) for v, b in zip(values, bars, strict=True) if np.isfinite(v)]
    return all(v <= b for v, b in known) if known else None
