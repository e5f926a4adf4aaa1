"""What process managers ask without a session."""

from __future__ import annotations

from typing import Any

from supervisor.domain.alarm import AlarmCode


async def test_live_and_ready_without_a_session(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)

    async def asked(path: str) -> tuple[int, Any]:
        async with client.get(path) as answer:
            return answer.status, await answer.json()

    assert await asked("/healthz") == (200, {"live": True})
    assert await asked("/readyz") == (200, {"ready": True, "why": []})
    district.alarms.set(AlarmCode.EARTH_FAULT, "z01", True, "of a road: the service works")
    assert (await asked("/readyz"))[0] == 200
    district.alarms.set(AlarmCode.STORE, "", True, "disk full")
    assert await asked("/readyz") == (503, {"ready": False, "why": ["store"]})
    assert (await asked("/healthz"))[0] == 200
    district.alarms.set(AlarmCode.STORE, "", False)
    assert (await asked("/readyz"))[0] == 200
    async with client.post("/readyz") as answer:
        assert answer.status == 405
