"""A bad part of an answer of MET Norway is dropped, derived or estimated and counted; the rest is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from supervisor.weather.design_storm import SEOUL
from supervisor.weather.providers import met_norway
from supervisor.weather.providers.tests.answers import estimated, met

MET = met_norway.parse(met(), SEOUL).members[0]


def test_an_hour_without_its_precipitation_does_not_end_the_forecast() -> None:
    def without(i: int, data: dict[str, Any]) -> dict[str, Any]:
        return {"instant": data["instant"]} if i == 6 else data

    forecast = met_norway.parse(met(data=without), SEOUL)  # type: ignore[arg-type]
    assert len(forecast.members[0]) == len(MET)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h, MET.precipitation_mm_h)
    assert estimated(forecast) == {"precipitation_mm_h": 1}


def test_an_hour_without_its_precipitation_is_what_six_hours_leave_for_it() -> None:
    def six(i: int, data: dict[str, Any]) -> dict[str, Any]:
        if i == 6:
            return {"instant": data["instant"], "next_6_hours": {"details": {"precipitation_amount": 4.0}}}
        return data

    forecast = met_norway.parse(met(data=six), SEOUL)  # type: ignore[arg-type]
    assert forecast.members[0].precipitation_mm_h[7] == pytest.approx(3.0)  # the seventh hour has 1 mm, the others none


def test_a_row_that_is_missing_is_bridged() -> None:
    forecast = met_norway.parse(met(data=lambda i, data: None if i == 5 else data), SEOUL)  # type: ignore[arg-type]
    np.testing.assert_allclose(forecast.members[0].air_c, MET.air_c)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h, MET.precipitation_mm_h)
    assert forecast.treated.degraded


def test_a_snow_symbol_in_mild_air_is_not_believed() -> None:
    forecast = met_norway.parse(met(air_c=8.0), SEOUL)
    wet = forecast.members[0].precipitation_mm_h > 0
    assert wet.sum() == 4
    assert forecast.members[0].snow_fraction[wet].max() < 0.01
