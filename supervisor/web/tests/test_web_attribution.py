"""What the licences of weather data demand is in the API and at the foot of the app."""

# ruff: noqa: F811 - the fixture `phone` is another module's

from __future__ import annotations

from typing import Any

import pytest

from supervisor.web.tests.test_web_browser import phone, pytestmark  # noqa: F401


@pytest.mark.parametrize(("language", "lead"), [("en-GB", "Weather data"), ("ko-KR", "기상 자료")])
async def test_the_app_shows_whose_weather_it_is_under_which_licence(phone: Any, language: str, lead: str) -> None:
    page = await phone(language)
    await page.click(".nav-more")
    text = await page.inner_text(".account .sources")
    assert lead in text
    assert "MET Norway (CC BY 4.0, NLOD 2.0)" in " ".join(text.split())
    links = await page.eval_on_selector_all(".account .sources a", "all => all.map(one => one.href)")
    assert links == ["https://www.met.no/en", "https://api.met.no/doc/License"]
