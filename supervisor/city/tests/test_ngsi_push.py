"""Pushes of NGSI-LD entities to a broker that enforces the rules: in order, spooled while it is away, counted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from supervisor.city import deliver
from supervisor.city.deliver import Delivery
from supervisor.city.ngsi import push
from supervisor.city.ngsi.entities import TYPES, Entities, urn
from supervisor.city.ngsi.push import Pusher
from supervisor.city.spool import Spool
from supervisor.city.tests.ngsi_broker import FakeBroker, broker_at
from supervisor.city.tests.test_city_service import delivered
from supervisor.config.city import NgsiLdConfig
from supervisor.domain.alarm import AlarmCode
from supervisor.gateway.tests.board_client import until
from supervisor.runtime.background import Background


class Push:
    """A pusher with its spool, until the end of the block."""

    def __init__(self, pusher: Pusher, delivery: Delivery, spool: Spool) -> None:
        self.pusher, self.delivery, self.spool = pusher, delivery, spool


@asynccontextmanager
async def pushing(entities: Entities, district: Any, path: Path, url: str, **keys: Any) -> AsyncIterator[Push]:
    token = keys.pop("token", "")
    async with Spool(path / "ngsi.spool", keys.pop("cap", 2**28)) as spool:
        config = NgsiLdConfig(url=url, **keys)
        delivery = Delivery(push.target(config, token), spool, district.alarms, district.clock, print)
        yield Push(Pusher(config, entities.all, delivery), delivery, spool)


async def until_delivered(one: Push) -> None:
    async with Background() as background:
        background.keep("deliver", one.delivery.run)
        await delivered(one.spool)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "BACKOFF_S", (0.01, 0.02))


async def test_only_what_changed_is_sent_and_in_order(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    broker = FakeBroker()
    broker.token = "secret"
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url, token="secret") as one:
        assert await one.pusher.queue_once() == 11
        district.clock.advance(60)
        district.hear("z02", -0.2, "slush", 3.0, power_w=47_000)
        assert await one.pusher.queue_once() >= 1
        district.hear("z02", 0.4, "wet", power_w=47_000)
        await one.pusher.queue_once()
        await until_delivered(one)
        assert len(broker.batches[0]) == 11
        z02 = urn(TYPES[0], "Seongbuk-gu", "z02")
        seen = [entity["weatherRelatedRoadConditionType"]["value"] for batch in broker.batches for entity in batch
                if entity["id"] == z02]  # fmt: skip
        assert seen == ["freshSnow", "slushOnRoad", "wet"]
        assert await one.pusher.queue_once() == 0
        assert (await one.spool.counts()).delivered == 3


async def test_a_day_without_the_broker_is_spooled_delivered_in_order_and_counted(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    minutes = 24 * 60 // 6  # a change every six minutes
    async with pushing(entities, district, tmp_path, "http://127.0.0.1:9/ngsi-ld/v1/entityOperations/upsert") as one:
        for minute in range(minutes):
            district.hear("z07", 3.0 + minute / 1000, "dry", power_w=minute)
            assert await one.pusher.queue_once() >= 1
        assert (await one.spool.counts()).waiting == minutes
    broker = FakeBroker()
    broker.broken = [  # while it comes back
        web.Response(status=503), web.Response(text="<html>Maintenance</html>", content_type="text/html"),
        web.Response(status=401), web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
    ]  # fmt: skip
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url) as one:  # after a restart
        await until_delivered(one)
        counts = await one.spool.counts()
    assert (counts.delivered, counts.refused, counts.dropped, counts.waiting) == (minutes, 0, 0, 0)
    z07 = urn(TYPES[0], "Seongbuk-gu", "z07")
    watts = [one["activePower"]["value"] for batch in broker.batches for one in batch if one["id"] == z07]
    assert watts == [minute / 1000 for minute in range(minutes)]


async def test_what_the_broker_refuses_is_counted_and_stops_nothing(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    broker = FakeBroker()
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url) as one:
        await one.spool.add(b'[{"id": "x"}]', 0)
        await one.pusher.queue_once()
        await until_delivered(one)
        counts = await one.spool.counts()
        assert (counts.refused, counts.delivered) == (1, 1)


async def test_a_full_spool_drops_the_oldest_and_counts_them(entities: Entities, district: Any, tmp_path: Path) -> None:
    async with pushing(entities, district, tmp_path, "http://127.0.0.1:9/", cap=30) as one:
        for number in range(5):
            await one.spool.add(b"%010d" % number, number)
        oldest = await one.spool.oldest()
        assert oldest is not None
        assert oldest.body == b"0000000002"
        assert (await one.spool.counts()).dropped == 2


async def test_an_hour_without_a_delivery_is_an_alarm_and_ends_with_the_next(
    entities: Entities, district: Any, tmp_path: Path, quick: None
) -> None:
    broker = FakeBroker()
    async with broker_at(broker) as url, pushing(entities, district, tmp_path, url) as one:
        broker.broken = [web.Response(status=500) for _ in range(3_000)]
        await one.pusher.queue_once()
        async with Background() as background:
            background.keep("deliver", one.delivery.run)
            await until(lambda: len(broker.broken) <= 3_000 - 3)
            assert not district.alarms.stands(AlarmCode.CITY_NOT_DELIVERED, "ngsi_ld")
            district.clock.advance(3601)
            await until(lambda: district.alarms.stands(AlarmCode.CITY_NOT_DELIVERED, "ngsi_ld"))
            broker.broken = []
            await until(lambda: not district.alarms.stands(AlarmCode.CITY_NOT_DELIVERED, "ngsi_ld"))


async def test_the_form_of_the_korean_city_data_hub(entities: Entities) -> None:
    config = NgsiLdConfig(url="https://hub.example/ingest", form="ingest", dataset="heated-roads")
    body = json.loads(push.body(config, entities.all()))
    assert (body["datasetId"], len(body["entities"])) == ("heated-roads", 11)
    assert push.target(config, "t").headers == {"Content-Type": "application/json", "Authorization": "Bearer t"}
