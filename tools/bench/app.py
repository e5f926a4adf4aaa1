"""`roadheat bench app`: what the crew app costs a phone with bad signal, and touches of its tasks.

Chromium opens the app of the real service, with fifty roads in snow, as on a slow phone: 400 ms until each answer
begins, 50 kB/s for all together, as its developer tools emulate it.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
from yarl import URL

from hil_tests.bench.city import working_folder
from supervisor import terminal
from tools.bench.app_city import ROADS, snowed_in
from tools.bench.app_tasks import play
from tools.bench.energy import Figure, print_figures
from tools.bench.fuzz_city import Service
from tools.servers import find_program

LATENCY_MS: Final = 400
BYTES_PER_S: Final = 50_000
FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PHONE: Final = {"width": 390, "height": 844}
SETTLED_S: Final = 8.0  # after which a first visit has fetched all that it keeps
LONGEST_MS: Final = 60_000
# Notes when the first road and the word "live" were on the screen [ms since the page was asked for].
WATCH: Final = """
window.seen = {};
new MutationObserver(() => {
  if (!window.seen.shown && document.querySelector(".card[data-zone]")) window.seen.shown = performance.now();
  if (!window.seen.live && document.querySelector(".link.live")) window.seen.live = performance.now();
}).observe(document, { childList: true, subtree: true, attributes: true });
"""


@dataclass
class View:
    """One view: seconds until roads are shown and until they are live, bytes that the network brought until then."""

    shown_s: float
    live_s: float
    weight: int
    requests: int


class Phone:
    """A browser's profile, slow as a phone, signed in."""

    def __init__(self, browser: Any, service: Service, http: aiohttp.ClientSession) -> None:
        self._browser, self._service, self._http = browser, service, http
        self.context: Any = None

    async def __aenter__(self) -> Phone:
        self.context = await self._browser.new_context(
            viewport=PHONE, locale="ko-KR", device_scale_factor=2, is_mobile=True, has_touch=True
        )
        jar = self._http.cookie_jar.filter_cookies(URL(self._service.url))
        cookies = [{"name": name, "value": found.value, "url": self._service.url} for name, found in jar.items()]
        await self.context.add_cookies(cookies)
        await self.context.add_init_script(WATCH)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.context.close()

    async def page(self, slow: bool = True) -> tuple[Any, Any]:
        """A new page and its tools, with the network of the profile."""
        page = await self.context.new_page()
        tools = await self.context.new_cdp_session(page)
        await tools.send("Network.enable")
        if slow:
            await tools.send("Network.emulateNetworkConditions", {
                "offline": False, "latency": LATENCY_MS, "downloadThroughput": BYTES_PER_S,
                "uploadThroughput": BYTES_PER_S,
            })  # fmt: skip
        return page, tools

    async def view(self) -> View:
        """Open the app in a new page, wait until it is live and what it keeps is kept, close it."""
        page, tools = await self.page()
        weight, asked = [0], [0]

        def note(message: dict[str, Any]) -> None:
            weight[0] += max(message["encodedDataLength"], 0)

        tools.on("Network.dataReceived", note)
        tools.on("Network.requestWillBeSent", lambda _: asked.__setitem__(0, asked[0] + 1))
        await page.goto(self._service.url, wait_until="commit", timeout=LONGEST_MS)
        await page.wait_for_function("() => window.seen?.shown && window.seen?.live", timeout=LONGEST_MS)
        came, requests = weight[0], asked[0]
        seen = await page.evaluate("window.seen")
        await asyncio.sleep(SETTLED_S)
        await page.close()
        return View(seen["shown"] / 1000, seen["live"] / 1000, came, requests)

    async def listed(self) -> Any:
        """A page with the list, on a fast network: touches are counted, not seconds."""
        page, _ = await self.page(slow=False)
        await page.goto(self._service.url)
        return page

    async def rest(self, seconds: float) -> float:
        """Bytes a second that the stream brings while nothing happens."""
        page, tools = await self.page()
        await page.goto(self._service.url, wait_until="commit", timeout=LONGEST_MS)
        await page.wait_for_function("() => window.seen?.live", timeout=LONGEST_MS)
        await asyncio.sleep(SETTLED_S)
        came = [0]
        tools.on("Network.dataReceived", lambda message: came.__setitem__(0, came[0] + message["encodedDataLength"]))
        began = time.monotonic()
        await asyncio.sleep(seconds)
        return came[0] / (time.monotonic() - began)


async def measure(folder: Path, runs: int, rest_s: float) -> list[Figure]:
    """Views and stream."""
    from playwright.async_api import async_playwright

    async with snowed_in(folder) as (service, http), async_playwright() as started:
        browser = await started.chromium.launch(executable_path=str(_chromium()), args=list(FLAGS))
        try:
            first, second = [], []
            for _ in range(runs):
                async with Phone(browser, service, http) as phone:
                    first.append(await phone.view())
                    second.append(await phone.view())
            async with Phone(browser, service, http) as phone:
                stream = await phone.rest(rest_s)
                touches = await play(phone.listed)
        finally:
            with suppress(Exception):
                await browser.close()
    return [
        Figure("first view, roads shown", _middle(first, "shown_s"), "s", 2.5),
        Figure("first view, live", _middle(first, "live_s"), "s"),
        Figure("first view, bytes until live", _middle(first, "weight"), "B"),
        Figure("first view, requests until live", _middle(first, "requests"), ""),
        Figure("second view, roads shown", _middle(second, "shown_s"), "s", 1.0),
        Figure("second view, live", _middle(second, "live_s"), "s"),
        Figure("second view, bytes until live", _middle(second, "weight"), "B"),
        Figure("stream at rest", stream, "B/s", 500.0),
        *touches,
    ]


def _middle(views: list[View], name: str) -> float:
    return float(statistics.median(getattr(view, name) for view in views))


def _chromium() -> Path:
    found = next(filter(None, map(find_program, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise click.ClickException("Chromium is not installed: `apt-get install chromium`")
    return found


@click.command()
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1), help="Visits; medians are printed.")
@click.option("--rest", "rest_s", default=60.0, show_default=True, help="Seconds over which the stream is measured.")
def app(runs: int, rest_s: float) -> None:
    """The crew app on a slow phone: weight, first and second view, the stream at rest, touches of each task."""
    with working_folder() as folder:
        figures = asyncio.run(measure(folder, runs, rest_s))
    print_figures(terminal.console(), figures, f"{ROADS} roads in snow, {LATENCY_MS} ms, {BYTES_PER_S // 1000} kB/s")
    if any(figure.holds is False for figure in figures):
        raise SystemExit(1)
