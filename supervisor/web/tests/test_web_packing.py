"""What a stream costs a phone with bad signal: only what changed, compressed, and complete at every event."""

from __future__ import annotations

import random
import zlib
from typing import Any

import msgspec
import pytest

from supervisor.web.packing import Packing, event
from supervisor.web.tests import conftest, fifty
from supervisor.web.tests.test_web_stream import event as next_event

AT_REST_S = 600
REPORT_S = 10  # as boards send
BYTES_S_MAX = 500  # of issue and of CHANGELOG: what is left of a bad signal beside commands


async def test_an_app_is_sent_only_what_changed(district: Any, sign_in: Any) -> None:
    crew = await sign_in("viewer")
    async with crew.client.get("/api/v1/stream?changes=1") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        first = {zone["id"]: zone for zone in await next_event(answer.content, "zones")}
        district.hear("z04", 1.5, "moist", plan=district.live.zones["z04"].plan)
        change = await next_event(answer.content, "change")
        assert {"id": "z04", "surface_c": 1.5}.items() <= change.items()
        assert "name" not in change
        whole = msgspec.to_builtins(district.live.view("z04"))
        merged = {**first["z04"], **change}
        assert merged == {**msgspec.json.decode(msgspec.json.encode(whole)), "updated_utc_s": merged["updated_utc_s"]}


async def test_a_program_that_asks_for_neither_gets_whole_zones_in_plain(district: Any, sign_in: Any) -> None:
    crew = await sign_in("viewer")
    async with crew.client.get("/api/v1/stream", headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        await next_event(answer.content, "zones")
        district.hear("z04", 1.5, "moist")
        assert (await next_event(answer.content, "zone"))["name"] == "Arirang-ro 5"


@pytest.fixture
def fifty_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "ROADS", fifty.roads())


async def test_fifty_roads_at_rest_take_half_a_kilobyte_a_second(fifty_roads: None, district: Any) -> None:
    fifty.storm(district)
    random_ = random.Random(15)
    packing, plain = Packing(changes=True, packed=True), Packing(changes=False, packed=False)
    start = len(packing.pack(packing.all(district.live.snapshot())))
    sent = unpacked = 0
    surfaces = {zone: random_.uniform(-3.0, 3.0) for zone in district.live.zones}
    for second in range(AT_REST_S):
        district.clock.advance(1.0)
        views = []
        for n, zone in enumerate(surfaces):
            if (second + n) % REPORT_S:
                continue
            surfaces[zone] += random_.gauss(0.0, 0.03)
            power = 30_000 + round(random_.gauss(0, 60))
            district.hear(zone, surfaces[zone], "wet", power_w=power, plan=district.live.zones[zone].plan)
            views.append(district.live.view(zone))
        data = packing.zones(views) + (event("clock", {"utc_s": second, "rate": 1.0}) if second % 15 == 0 else b"")
        sent += len(packing.pack(data))
        unpacked += len(plain.zones(views))
    print(f"first {start} B, then {sent / AT_REST_S:.0f} B/s ({unpacked / AT_REST_S:.0f} B/s whole and plain)")
    assert sent / AT_REST_S < BYTES_S_MAX


async def test_every_write_can_be_read_at_once() -> None:
    packing = Packing(changes=False, packed=True)
    reader = zlib.decompressobj(31)
    for n in range(3):
        assert reader.decompress(packing.pack(event("clock", {"n": n}))) == event("clock", {"n": n})
