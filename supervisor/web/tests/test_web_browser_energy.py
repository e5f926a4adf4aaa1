"""The energy page in a real browser: a winter by storms, months, roads and supplies, one storm drawn, saved as CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from supervisor.reports.tests.season_record import fill
from supervisor.web.tests.test_web_browser import PHONE, keep, phone, playwright, pytestmark  # noqa: F401

LATER_S = 41 * 3600  # the last storm is over, and the roads have had their hours to clear


@pytest.mark.parametrize(("language", "size"), [("ko", {"width": 1920, "height": 1080}), ("en", PHONE)])
async def test_a_winter_by_storms_months_roads_and_supplies(
    phone: Any,  # noqa: F811
    district: Any,
    language: str,
    size: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    district.clock.advance(LATER_S)
    zones = [known.zone for known in district.live.zones.values()]
    now = int(district.clock.utc_s())
    await district.store.write(lambda db: fill(db, zones, now))
    page = await phone(language, size, role="viewer")
    await page.click(".nav-more")
    await page.click(".energy-open")
    rows = page.locator(".energy-rows tbody tr")
    await playwright.expect(rows).to_have_count(5, timeout=60_000)  # four storms and the other days, by a process
    await page.wait_for_selector(".energy-storm .energy-plot")
    body = page.locator(".energy-rows")
    await playwright.expect(body).not_to_contain_text("…", timeout=60_000)
    await keep(page, f"energy-{language}")
    await page.locator(".energy-storm").scroll_into_view_if_needed()
    await keep(page, f"energy-storm-{language}")
    assert await page.locator(".energy .panel-body").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    if size != PHONE:
        fits = await page.locator(".energy-scroll").first.evaluate("e => e.scrollWidth - e.clientWidth")
        assert fits == 0
    first = await page.inner_text("#energy-storm")
    await page.locator(".energy-choose").nth(2).click()
    await playwright.expect(page.locator("#energy-storm")).not_to_have_text(first)
    await page.locator(".energy-storm summary").click()
    await playwright.expect(page.locator(".energy-storm details tbody tr")).to_have_count(6 + 6 + 6)
    await page.locator(".energy-storm summary").click()
    for view, count in (("months", 2), ("roads", len(zones)), ("supplies", 2)):
        await page.click(f".view-{view}")
        await playwright.expect(rows).to_have_count(count)
        await keep(page, f"energy-{view}-{language}")
    async with page.expect_download() as waiting:
        await page.click(".energy .csv")
    saved = tmp_path / "supplies.csv"
    await (await waiting.value).save_as(saved)
    with saved.open(encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert [line["supply"] for line in lines] == ["f1", "f2"]
    assert float(lines[0]["kwh"]) > 0
    await page.keyboard.press("Escape")
    await playwright.expect(page.locator(".energy")).to_have_count(0)
    await playwright.expect(page.locator(".energy-open")).to_be_focused()
