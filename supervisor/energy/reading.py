"""The energy by zone that a database has of a site, by the query languages of InfluxDB and VictoriaMetrics.

Which server stands behind `[influx]` is found out by asking: Flux where `api` is v2 (2.x), VictoriaMetrics' export,
InfluxQL (1.x, 3.x). A server that does not know a path says so, and the next is asked.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

from supervisor.domain.errors import CommandError
from supervisor.energy.endpoint import Target, authorization, read_answer

TIMEOUT_S = 60.0  # a year of 100 zones' hours is 0.9 M rows
UNKNOWN_PATH = (400, 404, 405, 501)
FLUX = """from(bucket: _bucket)
  |> range(start: _from, stop: _to)
  |> filter(fn: (r) => r._measurement == _measurement and r._field == _field and r.site == _site)
  |> keep(columns: ["_time", "_value", "zone"])"""

Energies = dict[tuple[str, int], int]  # (zone, start [UTC s]) → energy [Wh]


class Series(NamedTuple):
    """Where energy by zone stands in a database."""

    measurement: str
    field: str


HOURS = Series("zone_1h", "energy_wh")
POINTS = Series("zone", "delta_wh")


class Period(NamedTuple):
    """What is asked for: a site, from the first second to before the last [UTC s]."""

    site: str
    from_utc_s: int
    to_utc_s: int


class _Unsupported(Exception):
    """The server does not have this way of asking."""


class _Refused(Exception):
    """The server has it, and does not answer: wrong token, no such database."""


async def read_energies(target: Target, period: Period, series: Series) -> Energies:
    """The points of a series in a period. Raises CommandError where the server gives no answer to any query."""
    ways: list[Callable[[Target, Period, Series], Awaitable[Energies]]] = [_by_export, _by_influxql]
    if target.api == "v2":
        ways.insert(0, _by_flux)
    try:
        for way in ways:
            try:
                return await way(target, period, series)
            except _Unsupported:
                continue
    except _Refused as error:
        raise _failed(target, str(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _failed(target, f"does not answer: {error or type(error).__name__}") from error
    except (ValueError, KeyError, IndexError, TypeError) as error:  # JSON or CSV of another form
        raise _failed(target, f"gives an answer of another form ({type(error).__name__})") from error
    raise _failed(target, "knows neither Flux, InfluxQL nor VictoriaMetrics' export")


async def _by_flux(target: Target, period: Period, series: Series) -> Energies:
    start, stop = (datetime.fromtimestamp(utc_s, UTC) for utc_s in period[1:])
    bucket = target.places.get(series.measurement, target.bucket)
    parameters = {
        "_bucket": bucket, "_from": start, "_to": stop, "_site": period.site,
        "_measurement": series.measurement, "_field": series.field,
    }  # fmt: skip
    async with InfluxDBClientAsync(
        url=target.url, token=target.token, org=target.org, timeout=int(TIMEOUT_S * 1000), allow_redirects=False,
        client_session_kwargs={"raise_for_status": _raise_unless_read},
    ) as client:  # fmt: skip
        tables = await client.query_api().query(FLUX, params=parameters)
    rows: Any = tables.to_values(columns=["zone", "_time", "_value"])
    return {(str(zone), int(time.timestamp())): int(value) for zone, time, value in rows}


async def _by_export(target: Target, period: Period, series: Series) -> Energies:
    match = f"{series.measurement}_{series.field}{{site={json.dumps(period.site, ensure_ascii=False)}}}"
    asked = {"match[]": match, "start": str(period.from_utc_s), "end": str(period.to_utc_s - 1)}
    text = await _get(target, "/api/v1/export", asked)
    found: Energies = {}
    for line in text.splitlines():
        one = json.loads(line)
        for stamp_ms, value in zip(one["timestamps"], one["values"], strict=True):
            found[one["metric"]["zone"], stamp_ms // 1000] = int(value)
    return found


async def _by_influxql(target: Target, period: Period, series: Series) -> Energies:
    site = period.site.replace("'", r"\'")
    place = target.places.get(series.measurement, "")
    database = target.database if target.api == "v1" else place or target.bucket
    policy = f'"{place}".' if place and target.api == "v1" else ""
    query = (
        f'SELECT "{series.field}" FROM {policy}"{series.measurement}" WHERE "site" = \'{site}\' '
        f'AND time >= {period.from_utc_s}s AND time < {period.to_utc_s}s GROUP BY "zone"'
    )
    asked = {"db": database, "epoch": "s", "q": query}
    [result] = json.loads(await _get(target, "/query", asked))["results"]
    if "error" in result:
        raise _Refused(str(result["error"]))
    found: list[dict[str, Any]] = result.get("series", [])
    return {(one["tags"]["zone"], utc_s): int(value) for one in found for utc_s, value in one["values"]}


async def _get(target: Target, path: str, asked: dict[str, str]) -> str:
    async with (
        aiohttp.ClientSession(
            headers=authorization(target.token), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
        ) as session,
        session.get(target.url.rstrip("/") + path, params=asked, allow_redirects=False) as answer,
    ):
        await _raise_unless_read(answer)
        return await answer.text()


async def _raise_unless_read(response: aiohttp.ClientResponse) -> None:
    """Raises _Unsupported where the server does not know the path or has it disabled, _Refused for other errors."""
    if response.status == 200:
        return
    answer = await read_answer(response)
    if "disabled" in answer.text or (response.status in UNKNOWN_PATH and not answer.from_influx):
        raise _Unsupported
    raise _Refused(f"{answer.status}: {answer.text}")


def _failed(target: Target, message: str) -> CommandError:
    return CommandError(message, where=target.url, remedy="Check [influx] of city.toml and its token")
