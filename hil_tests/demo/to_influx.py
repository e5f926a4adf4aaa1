"""The demo's record in an InfluxDB: `roadheat demo --influx URL`, so that a dashboard has something to show."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request

from hil_tests.demo.run import DemoError
from supervisor.config import Config
from supervisor.energy.endpoint import authorization, configured
from supervisor.energy.shipper import shipping
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store
from supervisor.store.spool_cap import spool_cap_bytes

DATABASE = "roadheat_demo"  # of 1.x; the bucket of 2.x
TOKEN = "INFLUX_TOKEN"
LATER_S = 2 * 3600.0  # after the storm: its last hour is rolled up by then
TIMEOUT_S = 10.0


def influx_table(url: str) -> str:
    """The table [influx] for a server; in 1.x the database is made. Raises DemoError where it does not answer."""
    token = os.environ.get(TOKEN, "").strip()
    query = urllib.parse.urlencode({"q": f'CREATE DATABASE "{DATABASE}"'}).encode()
    try:
        request = urllib.request.Request(f"{url.rstrip('/')}/query", query, authorization(token))
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):
            rest = f'api = "v1"\ndatabase = "{DATABASE}"\n'
    except urllib.error.HTTPError as error:
        if error.code in (401, 403) and not token:
            remedy = f"Set {TOKEN} to its token, or to user:password of 1.x"
            raise DemoError(f"refuses with {error.code}", where=f"--influx {url}", remedy=remedy) from error
        rest = f'api = "v2"\nbucket = "{DATABASE}"\norg = "{os.environ.get("INFLUX_ORG", "roadheat")}"\n'
    except (OSError, ValueError) as error:
        remedy = "Give the address of a running InfluxDB, such as http://127.0.0.1:8086"
        raise DemoError(f"does not answer: {error}", where=f"--influx {url}", remedy=remedy) from error
    return f'\n[influx]\nurl = "{url}"\ntoken_env = "{TOKEN}"\n{rest}'


async def send_rest(config: Config, end_utc_s: float) -> int:
    """Send what waits when the service has ended, the last hours and days too; returns the points of the whole demo.

    Raises DemoError where the server does not take them.
    """
    assert config.influx is not None
    clock = ManualClock(end_utc_s + LATER_S)
    store = Store.open(
        config.state_dir / DATABASE_NAME, clock,
        site=config.site.name, timezone=config.site.timezone, spool_cap_bytes=spool_cap_bytes(config),
    )  # fmt: skip
    try:
        await store.spool.supplied_by({zone.id: zone.feeder for zone in config.zone})
        await store.upkeep.roll_up()
        async with shipping(configured(config.influx), store.spool, clock, lambda *_: None) as shipper:
            if await shipper.ship():
                remedy = f"2.x: make the bucket {DATABASE}, set {TOKEN} and INFLUX_ORG"
                raise DemoError(shipper.state.trouble, where=f"--influx {config.influx.url}", remedy=remedy)
        return (await store.spool.state()).delivered
    finally:
        await store.close()
