"""How long InfluxDB keeps each measurement: retention policies of 1.x, created and checked; buckets of 2.x, by name.

A policy is named after its days, so that measurements share one and a policy of another length has another name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from supervisor.config import InfluxConfig
from supervisor.energy.answer import Answer

EVER = 0  # days: never deleted
_HOURS = re.compile(r"(\d+)h")

Ask = Callable[[str], Awaitable[Answer | dict[str, Any]]]


def policy_name(days: int) -> str:
    """The retention policy that keeps points for so many days."""
    return f"roadheat_{days}d" if days != EVER else "roadheat_ever"


def places(influx: InfluxConfig) -> dict[str, str]:
    """Measurement → the policy (v1) or bucket (v2) that it is written to; others go where the rest goes."""
    if influx.api == "v2":
        return dict(influx.buckets)
    return {measurement: policy_name(days) for measurement, days in influx.retention_days.items()}


def policies(influx: InfluxConfig) -> dict[str, int]:
    """The policies that are needed: name → days."""
    return {policy_name(days): days for days in influx.retention_days.values()} if influx.api == "v1" else {}


def split(lines: Sequence[str], where: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Lines by the place that they are written to, in order; "" is the place of measurements that have none."""
    if not where:
        return [("", list(lines))]
    parts: dict[str, list[str]] = {}
    for line in lines:
        parts.setdefault(where.get(line.split(" ", 1)[0].split(",", 1)[0], ""), []).append(line)
    return list(parts.items())


async def ensure(ask: Ask, database: str, wanted: Mapping[str, int]) -> Answer:
    """Create the policies that are missing. `ask` sends InfluxQL and returns the first result or what went wrong.

    The answer is not ok where a policy cannot be created, or keeps points for another time than its name says.
    """
    named = database.replace('"', r"\"")
    shown = await ask(f'SHOW RETENTION POLICIES ON "{named}"')
    if isinstance(shown, Answer):
        return shown
    held = {row["name"]: row["duration"] for row in rows(shown)}
    for name, days in wanted.items():
        if name not in held:
            lasts = f"{days}d" if days != EVER else "INF"
            made = f'CREATE RETENTION POLICY "{name}" ON "{named}" DURATION {lasts} REPLICATION 1'
            answer = await ask(made)
            if isinstance(answer, Answer):
                text = f"{answer.text}. Let an administrator of InfluxDB run: {made}"
                return Answer(answer.status, text, answer.retry_after_s, answer.from_influx)
        elif _days(held[name]) != days:
            change = f'ALTER RETENTION POLICY "{name}" ON "{named}" DURATION {days}d'
            return Answer(409, f'retention policy "{name}" keeps points for {held[name]}, not {days} days: {change}')
    return Answer(204)


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of an InfluxQL result by their columns."""
    series = result.get("series", [])
    return [dict(zip(one["columns"], row, strict=True)) for one in series for row in one["values"]]


def read_result(body: str) -> Answer | dict[str, Any]:
    """The first result of a /query answer, or what InfluxDB says is wrong."""
    try:
        [result] = json.loads(body)["results"]
    except (ValueError, KeyError, TypeError):
        return Answer(200, "not an answer of InfluxDB to a query", from_influx=False)
    if "error" in result:
        missing = "not found" in result["error"]
        return Answer(404 if missing else 400, str(result["error"]))
    return dict(result)


def _days(duration: str) -> float:
    """Days of a duration such as "2160h0m0s"; "0s" is for ever."""
    found = _HOURS.match(duration)
    return int(found[1]) / 24 if found else EVER
