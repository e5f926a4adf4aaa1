"""Previews of commands, and commands to many roads at once, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.domain.errors import PlanError
from supervisor.web.keys import SERVICES


async def test_a_preview_says_what_off_would_do_and_changes_nothing(district: Any, sign_in: Any) -> None:
    await district.overrides.request("z03", "on", 60, "Ice reported", "Park")
    crew = await sign_in("crew")
    status, found = await crew.ask(
        "POST", "/api/v1/zones/z03/overrides/preview", json={"mode": "off", "minutes": 120}
    )  # fmt: skip
    assert status == 200
    [zone] = found["zones"]
    assert zone["icy_min"] > zone["icy_min_planned"]
    assert zone["lying_cm"] > 0.5
    assert zone["replaces"] == {"mode": "on", "user": "Park", "expires_utc_s": zone["replaces"]["expires_utc_s"]}
    assert found["kwh_more"] < 0
    assert found["ask_twice"]
    assert found["snows_until_utc_s"] > district.clock.utc_s()
    assert found["feeders"][0]["contract_kw"] == 300.0
    assert [one.zone for one in await district.store.overrides.live(district.clock.utc_s())] == ["z03"]
    entries = await district.store.audit.entries(0, 4e9)
    assert [entry.action for entry in entries].count("override") == 1


async def test_a_preview_of_all_roads(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    zones = list(district.live.zones)
    status, found = await crew.ask(
        "POST", "/api/v1/overrides/preview", json={"zones": zones * 2, "mode": "on", "minutes": 60}
    )
    assert status == 200
    assert [row["zone"] for row in found["zones"]] == zones
    [feeder] = found["feeders"]
    assert feeder["peak_kw"] == pytest.approx(391.0)
    assert feeder["base_cost_more"] == pytest.approx((391.0 - max(250.0, feeder["peak_kw_planned"])) * 8_230, rel=0.01)
    assert not found["ask_twice"]


async def test_who_may_ask_and_what_is_refused(district: Any, sign_in: Any) -> None:
    viewer, crew = await sign_in("viewer"), await sign_in("crew")
    body = {"zones": ["z01"], "mode": "on", "minutes": 60}
    assert (await viewer.ask("POST", "/api/v1/overrides/preview", json=body))[0] == 403
    for changed, code in (
        ({"zones": []}, "invalid"),
        ({"zones": ["z01", "z99"]}, "unknown-zone"),
        ({"mode": "full"}, "invalid"),
        ({"minutes": 0}, "invalid"),
        ({"zones": "z01"}, "invalid"),
    ):
        _, problem = await crew.ask("POST", "/api/v1/overrides/preview", json={**body, **changed})
        assert problem["code"] == code, changed


async def test_without_a_plan_the_command_still_goes(district: Any, sign_in: Any) -> None:
    async def fails(_: object) -> list[Any]:
        raise PlanError("the forecast has no member")

    district.app[SERVICES].previews._planned = fails
    crew = await sign_in("crew")
    status, problem = await crew.ask(
        "POST", "/api/v1/zones/z03/overrides/preview", json={"mode": "on", "minutes": 60}
    )  # fmt: skip
    assert (status, problem["code"], problem["detail"]) == (503, "no-preview", "the forecast has no member")
    sent = {"mode": "on", "minutes": 60, "reason": "Ice reported"}
    assert (await crew.ask("POST", "/api/v1/zones/z03/overrides", json=sent))[0] == 201


async def test_a_group_has_a_result_for_each_road_and_one_entry(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    body = {"zones": ["z05", "z01", "z02", "z01"], "mode": "on", "minutes": 300, "reason": "Snow on  the road"}
    status, results = await crew.ask("POST", "/api/v1/overrides", json=body)
    assert status == 201
    assert [one["zone"] for one in results] == ["z05", "z01", "z02"]
    assert results[0]["override"] is None  # z05 takes four hours at most
    assert "240" in results[0]["error"]
    assert (results[0]["code"], results[0]["where"]) == ("command", "minutes")  # the app says it in its language
    assert [one["override"]["state"] for one in results[1:]] == ["requested", "requested"]
    entries = [entry for entry in await district.store.audit.entries(0, 4e9) if entry.action == "override"]
    assert [entry.detail for entry in entries] == ["3 roads on 300 min: Snow on the road: z05 z01 z02"]
    live = await district.store.overrides.live(district.clock.utc_s())
    assert {one.zone for one in live} == {"z01", "z02"}


async def test_a_group_is_carried_out_once_whatever_is_sent_again(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    body = {"zones": ["z01", "z02"], "mode": "off", "minutes": 30, "reason": "Roadworks"}
    asked = [
        await crew.ask("POST", "/api/v1/overrides", json=body, headers={"Idempotency-Key": "k" * 16}) for _ in range(3)
    ]
    assert len({str(answer) for answer in asked}) == 1
    assert len(await district.store.overrides.made("z01", 0, 4e9)) == 1


async def test_a_group_under_electric_danger_and_without_one_road_commanded(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    await crew.ask("POST", "/api/v1/zones/z01/danger")
    status, results = await crew.ask(
        "POST", "/api/v1/overrides", json={"zones": ["z01"], "mode": "on", "minutes": 30, "reason": "Snow"}
    )
    assert (status, results[0]["override"]) == (200, None)
    assert results[0]["error"]
    assert results[0]["code"] == "electric-danger"
