"""What the registry promises: one module and one line make a provider, for configuration, check and service alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.check import explain
from supervisor.config import load, read
from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.runtime.clock import SystemClock
from supervisor.weather.providers import registry
from supervisor.weather.providers.kind import Attribution, ProviderKind, WeatherSettings
from supervisor.weather.providers.registry import PROVIDERS, open_weather

DOCS = Path(__file__).parents[4] / "docs"
CITY = (DOCS / "examples" / "city.toml").read_text()


class DwdSettings(WeatherSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    station: str
    grid_km: int = 2


class Dwd:
    def __init__(self, station: str) -> None:
        self.station = station

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        raise WeatherError("no service", where="dwd")

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        return None


DWD = ProviderKind(
    name="dwd",
    settings=DwdSettings,
    make=lambda settings, *_: Dwd(settings.station),
    attributions=(Attribution("DWD", "https://www.dwd.de/", "CC BY 4.0", "https://creativecommons.org/"),),
    variables=lambda settings: [("station", "DWD_TEST_KEY")],
    check=lambda settings, district: Tally({(Treatment.REPAIRED, "station moved"): 1}),
)


def city(folder: Path, weather: str) -> Path:
    begin, end = CITY.index("[weather]"), CITY.index("[tariff]")
    path = folder / "city.toml"
    path.write_text(CITY[:begin] + "[weather]\n" + weather + "\n" + CITY[end:])
    return path


@pytest.fixture
def with_dwd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.PROVIDERS, "dwd", DWD)  # type: ignore[arg-type]


@pytest.mark.usefixtures("with_dwd")
async def test_a_provider_is_one_module_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(city(tmp_path, 'provider = "dwd"\nstation = "10384"'))
    monkeypatch.delenv("DWD_TEST_KEY", raising=False)
    problems, warnings = explain(config)
    assert [(p.where, p.message) for p in problems] == [
        ("city.toml:23: weather.station = '10384'", "environment variable DWD_TEST_KEY is not set")
    ]
    assert any("station moved" in warning for warning in warnings)
    async with open_weather(config, SystemClock()) as provider:
        assert isinstance(provider, Dwd)
        assert provider.station == "10384"


@pytest.mark.usefixtures("with_dwd")
@pytest.mark.parametrize(
    ("weather", "where", "message", "remedy"),
    [
        ('provider = "dwd"', "weather", "`station` is missing", "Add a line"),
        ('provider = "dwd"\nstation = 10384', "weather.station = 10384", "text", "Write text"),
        ('provider = "dwd"\nstation = "1"\ngrid = 2', "weather.grid", "unknown key", "Did you mean `grid_km`?"),
        ('provider = "nws"', "weather.provider = 'nws'", "invalid enum value 'nws'", "kma, dwd"),
        ('provider = "open-meteo"\nfile = "w.csv"', "weather.file = 'w.csv'", "reads no file", 'provider = "file"'),
        ('provider = "file"', "weather", "`file` is missing", "Add a line"),
        ('provider = "file"\nfile = ""', "weather.file = ''", "not a file", "path of a file"),
        ("provider = 7", "weather.provider = 7", "text", "Write text"),
    ],
)
def test_the_keys_of_a_provider_are_checked(
    tmp_path: Path, weather: str, where: str, message: str, remedy: str
) -> None:
    _, problems = read(city(tmp_path, weather))
    assert len(problems) == 1
    assert where in problems[0].where
    assert message in problems[0].message
    assert remedy in problems[0].remedy


def test_keys_of_another_provider_are_named_and_refuse_nothing(tmp_path: Path) -> None:
    config = load(city(tmp_path, 'provider = "met-norway"\nmodels = "icon_seamless"\nstation = 0\nfile = ""'))
    problems, warnings = explain(config)
    assert not problems
    assert [w for w in warnings if w.startswith("weather.")] == [
        "weather.models is not read with the other keys of [weather]: remove it"
    ]


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_is_documented_with_what_it_needs_and_its_licence(name: str) -> None:
    kind = PROVIDERS[name]
    assert kind.name == name
    text = (DOCS / "weather.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
    demanding = {"station": 108} if name == "kma" else {"file": "w.csv"} if name == "file" else {}
    for _, variable in kind.variables(kind.settings(**demanding)):
        assert f"`{variable}`" in row
    for attribution in kind.attributions:
        assert attribution.source in row
        assert attribution.licence in row
        assert attribution.url.startswith("https://")
        assert attribution.licence_url.startswith("https://")
    assert kind.attributions or kind.files  # what others have made names them
