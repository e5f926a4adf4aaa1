"""Readings of panels over HTTP: kept once, impossible ones refused with the field."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.domain.panel import PanelReading
from supervisor.domain.scope import Scope
from supervisor.store import health

PATH = "/api/v1/panel-readings"


@pytest.fixture
async def device(district: Any, aiohttp_client: Any) -> Any:
    token, _ = await district.sessions.tokens.make("panel 7", [Scope.OBSERVE], 1, "test")
    client = await aiohttp_client(district.app)

    async def send(**body: Any) -> tuple[int, Any]:
        sent = {"zone": "z03", "observed_utc_s": int(district.clock.utc_s()) - 60, **body}
        async with client.post(PATH, json=sent, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json(content_type=None)

    return send


async def test_a_reading_is_kept_once_under_the_devices_name(device: Any, district: Any) -> None:
    assert await device(voltage_v=381.5, leakage_ma=4.2) == (201, {"new": True})
    assert await device(voltage_v=381.5, leakage_ma=4.2) == (201, {"new": False})
    found = await district.store.read(lambda db: health.readings(db, 0, 2**40))
    at = int(district.clock.utc_s()) - 60
    assert found == [
        PanelReading(utc_s=at, zone="z03", source="token:panel 7", voltage_v=381.5, leakage_ma=4.2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        ({}, 422, "invalid", "voltage_v"),
        ({"voltage_v": 20.0}, 422, "invalid", "voltage_v"),
        ({"current_a": -1.0}, 422, "invalid", "current_a"),
        ({"leakage_ma": 1e9}, 422, "invalid", "leakage_ma"),
        ({"panel_c": 400.0}, 422, "invalid", "panel_c"),
        ({"panel_c": 20.0, "zone": "z99"}, 404, "unknown-zone", "z99"),
        ({"panel_c": 20.0, "observed_utc_s": 0}, 422, "stale", "observed_utc_s"),
        ({"panel_c": "warm"}, 422, "invalid", "panel_c"),
        ({"panel_c": 20.0, "humidity": 3}, 422, "invalid", None),
    ],
)
async def test_what_cannot_be_is_refused_and_not_kept(
    device: Any, district: Any, body: dict[str, Any], status: int, code: str, where: str | None
) -> None:
    got, problem = await device(**body)
    assert (got, problem["code"]) == (status, code)
    assert where is None or where in problem["where"]
    assert await district.store.read(lambda db: health.readings(db, 0, 2**40)) == []


async def test_a_viewer_reads_no_meter(district: Any, sign_in: Any) -> None:
    body = {"zone": "z03", "observed_utc_s": int(district.clock.utc_s()), "panel_c": 20.0}
    assert (await (await sign_in("viewer")).ask("POST", PATH, json=body))[0] == 403
