"""Columns of any source → `WeatherSeries`: gate, repair, derive. Used by every reader."""

from __future__ import annotations

import math

import numpy as np

from supervisor.domain.treatment import Tally
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.derive import Grid
from supervisor.weather.estimate import UNKNOWN_WIND_M_S, standard_pressure_pa
from supervisor.weather.gate import ESSENTIAL, HUMIDITY, Columns, Gate, Where, refuse
from supervisor.weather.hours import check_times, insert_rows, on_grid, usable_stretch


def assemble(
    time_utc_s: Array,
    columns: Columns,
    where: Where,
    site: Site | None = None,
    daily_ok: Array | None = None,
    *,
    strict: bool = False,
) -> tuple[WeatherSeries, Tally]:
    """A finite series from columns (n,) with NaN where the source has nothing, and what became of its parts.

    What cannot be is dropped, what is missing is estimated, and both are counted. Needs air temperature and
    precipitation, and without a site short-wave; raises WeatherError with the place where they are missing or too
    little is usable. `strict` refuses the first fault instead, and long holes, and needs wind, humidity and something
    about the sky too.

    A column that the source gives, if only empty, is estimated; one that it never gives is derived, which counts as
    repaired.
    """
    tally = Tally()
    gate = Gate(where, tally, strict=strict)
    standard_pa = standard_pressure_pa(site.elevation_m if site else 0.0)
    allowed = np.zeros(time_utc_s.size) if daily_ok is None else daily_ok
    given = frozenset(columns)
    if strict:
        step_s = check_times(time_utc_s, where)
    else:
        rows, step_s = on_grid(time_utc_s, columns, where, tally)
        time_utc_s, allowed = time_utc_s[rows], allowed[rows]
        columns = {name: values[rows] for name, values in columns.items()}
        gate.where = lambda name, row: where(name, int(rows[row]))
    columns = _known(columns)
    gate.values(columns)
    gate.patterns(columns, step_s)
    if site is not None:
        gate.sun(time_utc_s, columns, step_s, site)
        gate.pressure(columns, standard_pa)
    _need(_known(columns), gate)

    times, columns, source = insert_rows(time_utc_s, columns, step_s, tally)
    allowed = allowed[source.astype(np.intp)]
    if not strict:
        part = usable_stretch(columns, step_s, tally)
        if part.stop - part.start < 2:
            name = max(ESSENTIAL, key=lambda name: int(np.isnan(columns[name]).sum()))
            text = f"known in {int((~np.isnan(columns[name])).sum())} of {times.size} rows"
            raise refuse(text, gate.where(name, 0), "No two rows in a row can be used")
        times, allowed, source = times[part], allowed[part], source[part]
        columns = {name: values[part] for name, values in columns.items()}
    in_source = gate.where
    gate.where = lambda name, row: in_source(name, math.ceil(source[row]))
    fraction = columns.pop("snow_fraction", None)
    grid = Grid(times, step_s, _known(columns), given, allowed.astype(bool), site, gate)
    return _series(grid, standard_pa, fraction), tally


def _series(grid: Grid, standard_pa: float, fraction: Array | None) -> WeatherSeries:
    air, water = (grid.filled_or(name, math.nan) for name in ESSENTIAL)
    dew = grid.dew_point(air, water)
    pressure = grid.filled_or("pressure_pa", standard_pa)
    wind = grid.filled_or("wind_m_s", UNKNOWN_WIND_M_S)
    shortwave, cloud, down = grid.sky(air, dew, water)
    return WeatherSeries(
        time_utc_s=grid.time_utc_s,
        air_c=air,
        dew_point_c=dew,
        wind_m_s=wind,
        pressure_pa=pressure,
        shortwave_w_m2=shortwave,
        longwave_w_m2=down,
        cloud_fraction=cloud,
        precipitation_mm_h=water,
        snow_fraction=grid.phase(fraction, air, dew, pressure, water),
    )


def _known(columns: Columns) -> Columns:
    """Without the columns that are all empty."""
    return {name: values for name, values in columns.items() if not np.isnan(values).all()}


def _need(columns: Columns, gate: Gate) -> None:
    for name in (*ESSENTIAL, "wind_m_s") if gate.strict else ESSENTIAL:
        if name not in columns:
            raise refuse("missing", gate.where(name, 0), "The road model needs it")
    if gate.strict and "dew_point_c" not in columns and HUMIDITY not in columns:
        raise refuse("missing", gate.where("dew_point_c", 0), "Give dew point or relative humidity")
