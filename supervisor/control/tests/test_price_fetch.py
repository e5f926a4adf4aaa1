"""Day-ahead prices of a service: asked for when they are due, kept over restarts, and never in the way of a plan."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config import Config, load
from supervisor.control.alarms import Alarms
from supervisor.control.degraded import Degradations
from supervisor.control.metrics import Metrics
from supervisor.control.price_service import open_price_service
from supervisor.control.prices import Prices
from supervisor.control.tests.test_plan_loop import EXAMPLE
from supervisor.domain.errors import TariffError
from supervisor.runtime.clock import ManualClock
from supervisor.tariff import fetched
from supervisor.tariff.fetched import MARKET, FetchedSettings, PriceFetch
from supervisor.tariff.kind import Get
from supervisor.tariff.registry import KINDS
from supervisor.tariff.sources.registry import SOURCES

MORNING = datetime(2026, 1, 12, 9, tzinfo=MARKET).timestamp()
MIDNIGHT = datetime(2026, 1, 12, tzinfo=MARKET).timestamp()


def answer(source: str, first: date, past: date, area: str) -> Any:
    """A service's answer: prices of 100, 101, … per MWh from the first midnight on, by the hour."""
    start = datetime(first.year, first.month, first.day, tzinfo=MARKET).timestamp()
    times = [start + 3600 * n for n in range(24 * (past - first).days)]
    prices = [100.0 + (at - MIDNIGHT) / 3600 for at in times]
    if source == "energy-charts":
        return {"unix_seconds": times, "price": prices, "unit": "EUR / MWh"}
    pairs = list(zip(times, prices, strict=True))
    if source == "elprisetjustnu":
        return [
            {"SEK_per_kWh": price / 100, "EUR_per_kWh": price / 1000,
             "time_start": datetime.fromtimestamp(at, MARKET).isoformat()}
            for at, price in pairs
        ]  # fmt: skip
    utc = [datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat() for at in times]
    records = [
        {"TimeUTC": at, "PriceArea": area, "DayAheadPriceEUR": price, "DayAheadPriceDKK": price * 7.5}
        for at, price in zip(utc, prices, strict=True)
    ]
    return {"records": [{**record, "PriceArea": "DK9", "DayAheadPriceEUR": 9e9} for record in records[:3]] + records}


class Market:
    """A price service; `known` is the day after the last one whose prices it has."""

    def __init__(self) -> None:
        self.known = date(2026, 1, 13)
        self.asked: list[tuple[str, ...]] = []
        self.broken: bytes | None = None

    async def charts(self, request: web.Request) -> web.Response:
        first, last = (date.fromisoformat(request.query[name]) for name in ("start", "end"))
        return self._answer("energy-charts", first, date.fromordinal(last.toordinal() + 1), request.query["bzn"])

    async def day(self, request: web.Request) -> web.Response:
        year, name = request.match_info["year"], request.match_info["name"]
        first = date.fromisoformat(f"{year}-{name[:5]}")
        return self._answer("elprisetjustnu", first, date.fromordinal(first.toordinal() + 1), name[6:9])

    async def records(self, request: web.Request) -> web.Response:
        first, past = (date.fromisoformat(request.query[name][:10]) for name in ("start", "end"))
        assert request.query["limit"] == "0"
        [area] = json.loads(request.query["filter"])["PriceArea"]
        return self._answer("energi-data-service", first, past, area)

    def _answer(self, source: str, first: date, past: date, area: str) -> web.Response:
        self.asked.append((str(first), str(past), area))
        if self.broken is not None:
            return web.Response(body=self.broken)
        past = min(past, self.known)
        if past <= first:
            return web.Response(status=404, text="not yet")
        return web.json_response(answer(source, first, past, area))


PATHS = {
    "energy-charts": "https://api.energy-charts.info",
    "elprisetjustnu": "https://www.elprisetjustnu.se",
    "energi-data-service": "https://api.energidataservice.dk",
}


@pytest.fixture
async def market(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Market]:
    """The three services on this machine."""
    market = Market()
    app = web.Application()
    app.router.add_get("/price", market.charts)
    app.router.add_get("/api/v1/prices/{year}/{name}", market.day)
    app.router.add_get("/dataset/DayAheadPrices", market.records)
    async with TestServer(app) as server:
        here = str(server.make_url("")).rstrip("/")
        for name, source in SOURCES.items():
            monkeypatch.setitem(SOURCES, name, replace(source, ask=_moved(source.ask, PATHS[name], here)))
        yield market


def _moved(ask: Any, there: str, here: str) -> Any:
    def asked(area: str, first: date, past: date) -> Any:
        url, query = ask(area, first, past)
        assert url.startswith(there)
        return url.replace(there, here), query

    return asked


def city(folder: Path, source: str, area: str, currency: str) -> Config:
    (folder / "weather.csv").touch()
    text = EXAMPLE.read_text().replace("price_per_ice_free_hour = 8000.0", "# ")
    begin, end = text.index("[tariff]"), text.index("[planner]")
    table = f'[tariff]\ncurrency = "{currency}"\nsource = "{source}"\narea = "{area}"\nadder_per_kwh = 0.05\n\n'
    (folder / "city.toml").write_text(text[:begin] + table + text[end:])
    return load(folder / "city.toml")


class Service:
    """Prices of a service with its clock."""

    def __init__(self, config: Config, utc_s: float = MORNING) -> None:
        self.clock = ManualClock(utc_s)
        self.alarms = Alarms(self.clock, Metrics())
        self.prices = Prices(config, self.alarms, self.clock, Degradations(self.clock), Metrics())

    def price(self, hour: int) -> float:
        """Of an hour since the first midnight."""
        return float(self.prices.tariff.prices(MIDNIGHT + 3600 * hour, 1)[0])

    def said(self) -> str:
        return " ".join(alarm.text for alarm in self.alarms.standing())


@pytest.mark.parametrize(
    ("source", "area", "currency", "factor"),
    [
        ("energy-charts", "DE-LU", "EUR", 1e-3), ("elprisetjustnu", "SE3", "SEK", 1e-2),
        ("elprisetjustnu", "SE3", "EUR", 1e-3), ("energi-data-service", "DK1", "EUR", 1e-3),
        ("energi-data-service", "DK1", "DKK", 7.5e-3),
    ],
)  # fmt: skip
async def test_prices_are_fetched_kept_and_extended_once_tomorrows_are_known(
    tmp_path: Path, market: Market, source: str, area: str, currency: str, factor: float
) -> None:
    config = city(tmp_path, source, area, currency)
    service = Service(config)
    await service.prices.start()
    assert service.price(9) > 0.0  # planning never waits for it
    assert "service is asked again" in service.said()
    async with open_price_service(service.clock) as get:
        await service.prices.fetch(get)
        assert service.said() == ""
        assert service.price(9) == pytest.approx(109 * factor + 0.05)
        assert market.asked == [("2026-01-12", "2026-01-13", area)]
        await service.prices.fetch(get)
        assert len(market.asked) == 1  # today is known, and tomorrow is not due
        service.clock.advance(4 * 3600)
        await service.prices.fetch(get)
        assert market.asked[-1][0] == "2026-01-13"
        market.known = date(2026, 1, 14)
        service.clock.advance(3600)
        await service.prices.fetch(get)
        assert service.price(33) == pytest.approx(133 * factor + 0.05)
    again = Service(config, service.clock.utc_s())
    await again.prices.start()
    assert again.price(33) == pytest.approx(133 * factor + 0.05)
    assert again.said() == ""


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b"null", b'{"unit":"EUR/MWh","unix_seconds":[],"price":[]}', b"[" * 99_999,
             b'{"unit":"GBP / MWh","unix_seconds":[1768208400],"price":[1]}', b'{"unit":7,"unix_seconds":1,"price":1}',
             b'{"unit":"EUR / MWh","unix_seconds":[1768208400],"price":[NaN]}']
)  # fmt: skip
async def test_an_answer_that_is_none_keeps_the_last_prices_and_is_not_asked_for_at_once(
    tmp_path: Path, market: Market, body: bytes
) -> None:
    service = Service(city(tmp_path, "energy-charts", "DE-LU", "EUR"))
    await service.prices.start()
    async with open_price_service(service.clock) as get:
        await service.prices.fetch(get)
        market.broken = body
        service.clock.advance(36 * 3600)
        await service.prices.fetch(get)
        await service.prices.fetch(get)
        assert len(market.asked) == 2
        await service.prices.look()
        assert "ended" in service.said()
        assert "service:" in service.said()
        assert service.price(45) == pytest.approx(0.121 + 0.05)  # the same hour of the day before
        market.broken, market.known = None, date(2026, 1, 15)
        service.clock.advance(3600)
        await service.prices.fetch(get)
    assert service.said() == ""
    assert service.price(45) == pytest.approx(0.145 + 0.05)


async def test_a_spoilt_kept_file_is_fetched_anew_and_a_full_disk_is_said(
    tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = city(tmp_path, "energy-charts", "DE-LU", "EUR")
    kept = tmp_path / "state" / "prices" / "energy-charts-DE-LU-eur.csv"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"\x00\xff" * 999)
    service = Service(config)
    await service.prices.start()
    async with open_price_service(service.clock) as get:
        await service.prices.fetch(get)
        assert service.price(9) == pytest.approx(0.159)
        kept.unlink()
        kept.parent.rmdir()
        kept.parent.write_text("no folder")
        service.clock.advance(900)
        await service.prices.fetch(get)
        await service.prices.look()
    assert "cannot be written" in caplog.text
    assert service.price(9) == pytest.approx(0.159)


def test_each_service_of_the_registry_can_be_configured_and_only_in_its_currency(tmp_path: Path) -> None:
    assert set(get_args(get_type_hints(FetchedSettings)["source"])) == set(SOURCES)
    assert fetched.KIND in KINDS
    for name, source in SOURCES.items():
        assert source.licence
        with pytest.raises(Exception, match=f"{name} gives no prices in KRW"):
            city(tmp_path, name, "X1", "KRW")
    for wrong in ("../../etc", "DE LU", "", "x" * 40):
        with pytest.raises(Exception, match=r"tariff\.area"):
            city(tmp_path, "energy-charts", wrong, "EUR")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["unit", "unix_seconds", "price", "records", "TimeUTC", "PriceArea", "DayAheadPriceEUR",
                         "time_start", "EUR_per_kWh"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


BODY = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)


@given(body=BODY, source=st.sampled_from([*SOURCES]))
def test_any_answer_is_prices_or_a_tariff_error(body: bytes, source: str) -> None:
    with contextlib.suppress(TariffError):
        rows = SOURCES[source].read(body, "DK1", "EUR")
        assert all(row.utc_s % 900 == 0 and abs(row.price_per_kwh) < float("inf") for row in rows.known)


async def test_days_of_23_and_25_hours_are_whole_at_their_last_hour(tmp_path: Path) -> None:
    for day in (date(2026, 3, 29), date(2026, 10, 25)):
        start = datetime(day.year, day.month, day.day, tzinfo=MARKET).timestamp()
        fetch = PriceFetch(SOURCES["energy-charts"], "AT", "EUR", tmp_path / f"{day}.csv")
        assert fetch.missing(start, {}) == (day, date.fromordinal(day.toordinal() + 1))

        async def get(query: Any, read: Any, day: date = day) -> Any:
            return read(json.dumps(answer("energy-charts", day, date.fromordinal(day.toordinal() + 1), "AT")).encode())

        hours = 23 if day.month == 3 else 25
        asked: Get = get  # with 24 hours: one is missing in autumn
        await fetch.update(start, asked)
        assert (fetch.missing(start, fetch._known()) is None) == (hours == 23)
