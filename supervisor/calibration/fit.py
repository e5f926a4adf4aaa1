"""Fits a road's parameters to its own measurements, within physical bounds, with uncertainties.

Many forecasts are made from the past, each after a spin-up on the observed surface; the parameters minimise their
errors (scipy `least_squares`, trust region), held to the generic values by a weak prior, so that a few days
cannot give an implausible road. All windows × all parameter steps of a Jacobian run as lanes of one batch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from supervisor.domain.errors import PhysicsError
from supervisor.road.forcing import Forcing, initial_state
from supervisor.road.pavement import Array, Pavement, Surface, build_roads
from supervisor.road.residual import corrected, daily_correction_w_m2
from supervisor.road.simulate import simulate


@dataclass(frozen=True)
class Parameter:
    """What may be fitted: physical bounds, and the expected distance from the generic value (1 σ of the prior)."""

    name: str
    low: float
    high: float
    spread: float  # in the fitted coordinate: natural logarithm where `logarithmic`
    logarithmic: bool = False


PARAMETERS = (
    Parameter("conductivity_factor", 0.4, 2.5, 0.5, True),  # also stands in for a sensor below the surface
    Parameter("capacity_factor", 0.6, 1.5, 0.25, True),
    Parameter("albedo", 0.03, 0.35, 0.1),
    Parameter("emissivity", 0.85, 1.0, 0.05),
    Parameter("roughness_m", 1e-4, 0.2, 1.5, True),
    Parameter("stirring_m_s", 0.2, 6.0, 1.5),
    Parameter("sky_view", 0.6, 1.0, 0.2),
    Parameter("residual_decay_s", 1200.0, 40_000.0, 0.7, True),
    Parameter("daily_weight", 0.0, 1.0, 0.3),
)
EFFICIENCY = Parameter("cable_efficiency", 0.5, 1.1, 0.15)  # only where cables heated during the windows
PRIOR_K = 0.3  # a parameter 1 σ off costs as much as one window that is 0.3 K off
NEAR_S, NEAR_WEIGHT = 6 * 3600.0, 1.5  # the hours that decide tonight's heating count more
ENOUGH = 1e-3  # relative change of cost or parameters: a further digit changes no prediction
STEP = 0.01  # of a parameter's range, for the Jacobian


@dataclass(frozen=True)
class Windows:
    """Past forecasts to be repeated; arrays (steps, windows), the first `now` steps are the spin-up."""

    forcing: Forcing
    observed_c: Array  # NaN where there is no measurement
    heat_w_m2: Array
    now: int
    dt_s: float

    @property
    def count(self) -> int:
        return int(self.observed_c.shape[1])

    def take(self, chosen: npt.NDArray[np.int64]) -> Windows:
        """Some of the windows."""
        part = {
            f.name: value[:, chosen] if np.ndim(value) == 2 and np.shape(value)[1] > 1 else value
            for f in fields(Forcing)
            for value in (getattr(self.forcing, f.name),)
        }
        forcing = object.__new__(Forcing)
        for name, value in part.items():
            object.__setattr__(forcing, name, value)
        return replace(
            self, forcing=forcing, observed_c=self.observed_c[:, chosen], heat_w_m2=self.heat_w_m2[:, chosen]
        )


@dataclass(frozen=True)
class Calibration:
    """What was found; `sigma` is one standard deviation, the prior's where the data tell nothing."""

    values: dict[str, float]
    sigma: dict[str, float]
    at_bound: tuple[str, ...]
    windows: int
    rmse_before_k: float
    rmse_after_k: float

    @property
    def surface(self) -> dict[str, float]:
        """Keyword arguments for `Pavement.from_zone`."""
        return {name: value for name, value in self.values.items() if name != EFFICIENCY.name}

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def forecast(
    pavements: list[Pavement], windows: Windows, efficiency: Array | float = 1.0, snow_mm: Array | float = 0.0
) -> Array:
    """Surface temperature of every window with its pavement (steps, windows): spin-up, then the forecast.

    During the spin-up the surface follows the sensor; the forecast sees nothing of it. `snow_mm` (windows,) lies at the
    start. Raises PhysicsError.
    """
    roads, w = build_roads(pavements), windows
    given = w.observed_c[: w.now]
    known = np.isfinite(given)
    if not known.any(axis=0).all():
        raise PhysicsError("a window has no observed surface", where="windows", remedy="Leave such windows out")
    first = given[known.argmax(axis=0), np.arange(w.count)]
    state = initial_state(roads, first, np.nanmean(given, axis=0))
    state.snow_mm[:] = snow_mm
    heat = w.heat_w_m2 * efficiency
    past, state = simulate(
        roads, state, w.forcing[: w.now], heat[: w.now], w.dt_s, observed_surface_c=given, with_fluxes=True
    )
    assert past.fluxes is not None
    end_s: Array = w.dt_s * np.arange(1.0, w.forcing.steps + 1.0)
    daily = daily_correction_w_m2(end_s[: w.now], past.fluxes.lacking, known, end_s[w.now - 1 :])
    state, ahead = corrected(roads, state, w.forcing[w.now :], daily[1:], daily[0])
    run, _ = simulate(roads, state, ahead, heat[w.now :], w.dt_s)
    return np.concatenate((past.surface_c, run.surface_c))


class _Problem:
    """The parameters as coordinates, and the residuals of all windows."""

    def __init__(self, pavement: Pavement, windows: Windows) -> None:
        self.pavement, self.windows = pavement, windows
        heated = bool((windows.heat_w_m2 > 0.0).any())
        self.parameters = (*PARAMETERS, EFFICIENCY) if heated else PARAMETERS
        generic = [getattr(pavement.surface, p.name, 1.0) for p in self.parameters]
        self.low, self.high = (self._coordinates([getattr(p, end) for p in self.parameters]) for end in ("low", "high"))
        self.start = np.clip(self._coordinates(generic), self.low, self.high)
        self.spread = np.array([p.spread for p in self.parameters])
        ahead = windows.observed_c[windows.now :]
        hourly = max(1, round(3600.0 / windows.dt_s))
        self._rows = slice(windows.now + hourly // 2, None, hourly)
        verifying = windows.observed_c[self._rows]
        lead_s = (np.arange(ahead.shape[0])[hourly // 2 :: hourly] + 1.0) * windows.dt_s
        weight = np.where(lead_s <= NEAR_S, NEAR_WEIGHT, 1.0)[:, None] * np.isfinite(verifying)
        self._verifying, self._weight = np.nan_to_num(verifying), weight
        self._slopes: tuple[bytes, Array] = b"", np.zeros((0, 0))
        self.per_window = float(weight.sum() / max(windows.count, 1))

    def _coordinates(self, values: list[float]) -> Array:
        return np.array([np.log(v) if p.logarithmic else v for p, v in zip(self.parameters, values, strict=True)])

    def values(self, x: Array) -> dict[str, float]:
        return {p.name: float(np.exp(v) if p.logarithmic else v) for p, v in zip(self.parameters, x, strict=True)}

    def pavements(self, x: Array) -> tuple[Pavement, float]:
        values = self.values(x)
        efficiency = values.pop(EFFICIENCY.name, 1.0)
        return replace(self.pavement, surface=replace(self.pavement.surface, **values)), efficiency

    def errors(self, points: list[Array]) -> list[Array]:
        """Weighted errors (rows × windows,) and prior at each of the points, in one batch."""
        w, k = self.windows, len(points)
        roads = [self.pavements(x) for x in points]
        many = w.take(np.tile(np.arange(w.count), k)) if k > 1 else w
        run = forecast(
            [road for road, _ in roads for _ in range(w.count)],
            many,
            np.repeat(np.array([e for _, e in roads]), w.count)[None, :],
        )
        predicted = run[self._rows].reshape(-1, k, w.count)
        prior = np.sqrt(PRIOR_K**2 * self.per_window)
        return [
            np.concatenate(
                ((self._weight * (predicted[:, i] - self._verifying)).ravel(), prior * (x - self.start) / self.spread)
            )
            for i, x in enumerate(points)
        ]

    def residuals(self, x: Array) -> Array:
        """Errors at x; the Jacobian there comes along, since ten times the lanes cost little more than one."""
        h = STEP * (self.high - self.low)
        h = np.where(x + h <= self.high, h, -h)
        at, *moved = self.errors([x, *(x + d * np.eye(x.size)[i] for i, d in enumerate(h))])
        self._slopes = x.tobytes(), np.stack([(m - at) / d for m, d in zip(moved, h, strict=True)], axis=1)
        return at

    def jacobian(self, x: Array) -> Array:
        if self._slopes[0] != x.tobytes():
            self.residuals(x)
        return self._slopes[1]

    def rmse_k(self, errors: Array) -> float:
        """Plain RMSE of the windows from weighted errors."""
        plain = errors[: self._weight.size].reshape(self._weight.shape)[self._weight > 0]
        weight = self._weight[self._weight > 0]
        return float(np.sqrt(np.mean((plain / weight) ** 2)))


def calibrate(pavement: Pavement, windows: Windows, max_evaluations: int = 12) -> Calibration:
    """Fit `pavement`'s surface parameters to the windows. Raises PhysicsError if a window cannot be run."""
    problem = _Problem(pavement, windows)
    inner = 1e-6 * (problem.high - problem.low)
    start = np.clip(problem.start, problem.low + inner, problem.high - inner)
    found = least_squares(
        problem.residuals,
        start,
        jac=problem.jacobian,
        bounds=(problem.low, problem.high),
        x_scale=problem.high - problem.low,
        max_nfev=max_evaluations,
        ftol=ENOUGH,
        xtol=ENOUGH,
    )
    jac, errors = np.asarray(found.jac), np.asarray(found.fun)
    # Errors within a window are correlated: count windows, not rows, as independent.
    variance = float(np.sum(errors[: -problem.spread.size] ** 2)) / max(windows.count, 1)
    data = jac[: -problem.spread.size]
    covariance = np.linalg.inv(data.T @ data / max(variance, 1e-9) + np.diag(problem.spread**-2.0))
    near = 0.01 * (problem.high - problem.low)
    low, high = problem.low + near, problem.high - near
    # A parameter at its initial bound is no warning: an open sky has a sky view of 1.
    hit = ((found.x <= low) & (problem.start > low)) | ((found.x >= high) & (problem.start < high))
    values = problem.values(found.x)
    sigma = {
        p.name: float(np.sqrt(v) * (values[p.name] if p.logarithmic else 1.0))
        for p, v in zip(problem.parameters, np.diag(covariance), strict=True)
    }
    return Calibration(
        values,
        sigma,
        tuple(p.name for p, h in zip(problem.parameters, hit, strict=True) if h),
        windows.count,
        problem.rmse_k(problem.errors([start])[0]),
        problem.rmse_k(errors),
    )


def cross_validate(pavement: Pavement, windows: Windows, blocks: int = 4) -> tuple[Array, list[Calibration]]:
    """Every window predicted with parameters fitted on the other blocks in time; (steps, windows) and the fits.

    Windows must be in order of time; with fewer windows than blocks each is its own block.
    """
    predicted = np.full(windows.observed_c.shape, np.nan)
    fits = []
    parts = [p for p in np.array_split(np.arange(windows.count), blocks) if p.size]
    for part in parts:
        others = np.setdiff1d(np.arange(windows.count), part)
        if others.size == 0:
            raise PhysicsError("one window cannot be cross-validated", where="windows", remedy="Give more days")
        fit = calibrate(pavement, windows.take(others))
        fits.append(fit)
        road = replace(pavement, surface=replace(pavement.surface, **fit.surface))
        efficiency = fit.values.get(EFFICIENCY.name, 1.0)
        predicted[:, part] = forecast([road] * part.size, windows.take(part), efficiency)
    return predicted, fits


SURFACE_NAMES = frozenset(f.name for f in fields(Surface))
assert {p.name for p in PARAMETERS} <= SURFACE_NAMES
