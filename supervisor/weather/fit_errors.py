"""Prints the figures behind `error_model` again: `python -m supervisor.weather.fit_errors DIR`, DIR = forecast_errors.

The archives stay where they are; only the coefficients live in the code.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from supervisor.domain.weather import Array
from supervisor.weather.error_model import RUN_MEMORY_H, TEMPERATURE_K, Field

LEADS = 36


def issue_errors(path: Path) -> Array:
    """Air temperature errors (issues, 36) [K], forecast minus observation, each lead's mean taken off; NaN gaps.

    `path` has one hourly issue a row, forecasts in columns T_fc_k01…k36.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))

    def column(name: str) -> Array:
        return np.array([float(row[name]) if row[name] not in ("", "NA") else np.nan for row in rows])

    observed = column("obs_air_temperature_degC")
    errors = np.full((len(rows), LEADS), np.nan)
    for lead in range(1, LEADS + 1):
        errors[:-lead, lead - 1] = column(f"T_fc_k{lead:02d}")[:-lead] - observed[lead:]
    result: Array = errors - np.nanmean(errors, axis=0)
    return result


def correlation(first: Array, second: Array) -> float:
    known = ~np.isnan(first * second)
    return float(np.corrcoef(first[known], second[known])[0, 1])


def lag_correlation(errors: Array, hours: int) -> float:
    """Of errors of one issue, `hours` of valid time apart."""
    return correlation(errors[:, :-hours].ravel(), errors[:, hours:].ravel())


def issue_correlation(errors: Array, hours: int) -> float:
    """Of errors for one valid time, in issues `hours` apart."""
    older = [errors[:-hours, k + hours] for k in range(LEADS - hours)]
    newer = [errors[hours:, k] for k in range(LEADS - hours)]
    return correlation(np.concatenate(older), np.concatenate(newer))


def model_lag_correlation(field: Field, hours: float) -> float:
    """What the model says for `lag_correlation`."""
    return field.slow_share + (1.0 - field.slow_share) * float(np.exp(-hours / field.memory_h))


def model_issue_correlation(field: Field, hours: float, lead_h: float = LEADS / 2) -> float:
    """What the model says for `issue_correlation`, at the mean lead of the pairs."""
    growth = field.growth_sd**2 * lead_h / 24.0
    standing = field.standing_sd**2
    return (standing + growth * float(np.exp(-hours / RUN_MEMORY_H))) / (standing + growth)


def main() -> None:
    errors = issue_errors(Path(sys.argv[1]) / "dk_sonderborg_dmi_2010-11.csv")
    spread = np.nanstd(errors, axis=0)
    print("temperature error [K]      lead  archive  model")
    for lead in (1, 6, 12, 24, 36):
        print(f"  standard deviation      {lead:4d} h {spread[lead - 1]:7.2f} {TEMPERATURE_K.sd(np.array(lead)):6.2f}")
    for hours in (1, 3, 6, 12, 24):
        model = model_lag_correlation(TEMPERATURE_K, hours)
        print(f"  correlation in an issue {hours:4d} h {lag_correlation(errors, hours):7.2f} {model:6.2f}")
    for hours in (6, 12, 24):
        model = model_issue_correlation(TEMPERATURE_K, hours)
        print(f"  correlation of issues   {hours:4d} h {issue_correlation(errors, hours):7.2f} {model:6.2f}")


if __name__ == "__main__":
    main()
