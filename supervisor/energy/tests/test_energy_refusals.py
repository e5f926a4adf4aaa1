"""A database that refuses lines or is slow: few bad lines are put aside, many hold the batch, time-outs shrink it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from supervisor.energy import endpoint as endpoint_module
from supervisor.energy.endpoint import Target, connect
from supervisor.energy.refused import BATCH_POINTS, BATCH_POINTS_MIN, REFUSED_IN_A_ROW_MAX
from supervisor.energy.shipper import ALARM_DEAD, ALARM_HELD, ALARM_LATE, HOLD_S
from supervisor.energy.tests.spooling import Api, answering, both, line, spooling
from tools.servers import Influxd


class Refusing:
    """InfluxDB's answers to lines that `bad` picks; keeps the others."""

    def __init__(self, bad: Callable[[str], bool], text: str = "field type conflict") -> None:
        self.bad, self.text = bad, text
        self.kept: set[str] = set()
        self.requests = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        lines = (await request.text()).split("\n")
        self.kept |= {one for one in lines if not self.bad(one)}
        if any(map(self.bad, lines)):
            return web.json_response({"error": f"partial write: {self.text} dropped=1"}, status=400)
        return web.Response(status=204)


@both
async def test_a_database_that_refuses_every_line_discards_none_of_them(tmp_path: Path, api: Api) -> None:
    server = Refusing(lambda _: True)
    async with answering(tmp_path, api, server.answer) as made:
        assert await made.shipper.ship() == HOLD_S
        state = await made.store.spool.state()
        assert (state.points, state.dead) == (40, 0)
        assert made.standing.codes == {ALARM_HELD}
        assert "field type conflict" in made.shipper.state.trouble
        server.requests = 0
        assert await made.shipper.ship() == HOLD_S
        assert server.requests < 10  # a line that is still refused is enough to know
        server.bad = lambda _: False
        assert await made.shipper.ship() == 0
        assert made.standing.codes == set()
        assert len(server.kept) == 40
        assert (await made.store.spool.state()).dead == 0


async def test_small_batches_do_not_discard_line_by_line_what_a_large_one_would_hold(tmp_path: Path) -> None:
    server = Refusing(lambda _: False)
    async with answering(tmp_path, "v1", server.answer) as made:
        assert await made.shipper.ship() == 0
        server.bad = lambda _: True
        for n in range(100):
            await made.put([line(100 + n)])
            await made.shipper.ship()
        assert (await made.store.spool.state()).dead <= REFUSED_IN_A_ROW_MAX
        assert ALARM_HELD in made.standing.codes


async def test_every_second_line_refused_is_held_too(tmp_path: Path) -> None:
    server = Refusing(lambda one: one.endswith(("1", "3", "5", "7", "9")))
    async with answering(tmp_path, "v1", server.answer) as made:
        await made.put([line(n) for n in range(1000, 2000)])
        assert await made.shipper.ship() == HOLD_S
        assert (await made.store.spool.state()).dead == 0


async def test_points_older_than_the_database_keeps_do_not_hold_the_rest(tmp_path: Path) -> None:
    server = Refusing(lambda one: int(one.split()[-1]) < 30, "points beyond retention policy")
    async with answering(tmp_path, "v1", server.answer) as made:
        assert await made.shipper.ship() == 0
        state = await made.store.spool.state()
        assert (state.points, state.dead, len(server.kept)) == (0, 30, 10)
        assert made.standing.codes == {ALARM_DEAD}


@both
async def test_time_outs_halve_what_goes_at_once_and_deliveries_raise_it_again(
    tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_module, "TIMEOUT_S", 0.2)
    sizes: list[int] = []
    slow = True

    async def handle(request: web.Request) -> web.Response:
        sizes.append((await request.text()).count("\n") + 1)
        if slow and sizes[-1] > 100:
            await asyncio.sleep(0.4)
        return web.Response(status=204)

    async with answering(tmp_path, api, handle) as made:
        await made.put([line(n) for n in range(1000, 2000)])
        tries = 0
        while await made.waiting():
            assert await made.shipper.ship() <= 30
            tries += 1
            assert tries < 20
        assert max(sizes) <= BATCH_POINTS
        assert min(sizes[-12:]) <= 100
        assert tries < 10
        slow = False
        for n in range(14):
            await made.put([line(5000 + n)])
            assert await made.shipper.ship() == 0
        sizes.clear()
        await made.put([line(n) for n in range(10_000, 11_000)])
        assert await made.shipper.ship() == 0
        assert sizes == [1000]


async def test_no_time_out_makes_a_batch_smaller_than_the_least(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"error": "timeout"}, status=500)

    async with answering(tmp_path, "v1", handle) as made:
        for _ in range(20):
            assert await made.shipper.ship() > 0
        assert made.shipper._batching.points == BATCH_POINTS_MIN
        assert await made.waiting() == 40


async def test_a_quarter_of_an_hour_without_delivery_is_an_alarm(tmp_path: Path) -> None:
    answer = 503

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=answer)

    async with answering(tmp_path, "v1", handle) as made:
        await made.shipper.ship()
        await made.shipper.check_cap()
        assert made.standing.codes == set()
        made.clock.advance(901)
        await made.shipper.ship()
        await made.shipper.check_cap()
        assert made.standing.codes == {ALARM_LATE}
        answer = 204
        assert await made.shipper.ship() == 0
        await made.shipper.check_cap()
        assert made.standing.codes == set()


async def test_what_a_url_or_a_line_raises_is_an_answer_too(tmp_path: Path) -> None:
    for api in ("v1", "v2"):
        for url in ("http://[::1", "nonsense", "http://127.0.0.1:99999"):
            target = Target(api=api, url=url, database="d", bucket="b", org="o", token="t")  # type: ignore[arg-type]
            endpoint = connect(target)
            answer = await endpoint.write("zone,zone=\ud800 x=1i 1")
            await endpoint.close()
            assert answer.status == 0
            assert not answer.ok


@pytest.mark.influx
async def test_the_real_influxdb_1_6_with_a_type_conflict_holds_every_line(
    influxd: Influxd, database: str, tmp_path: Path
) -> None:
    """A type conflict for every line is held, then delivered once the database has been put right."""
    async with spooling(tmp_path, "v1", influxd.url) as made:
        endpoint = connect(Target(api="v1", url=influxd.url, database=database))
        made.shipper._endpoint = endpoint
        assert (await endpoint.write("zone,zone=z01 delta_wh=1.5 1")).ok  # somebody else's float
        assert await made.shipper.ship() == HOLD_S
        assert (await made.store.spool.state()).dead == 0
        influxd.query('DROP MEASUREMENT "zone"', database)
        assert await made.shipper.ship() == 0
        assert influxd.sums(database) == {"z01": sum(range(40))}
        torn = await endpoint.write("nonsense")
        assert (torn.status, torn.from_influx) == (400, True)
        await endpoint.close()
