"""What the registry promises: one module and one line make a provider, for configuration, check and service alike."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from supervisor.check import explain
from supervisor.config import load, read
from supervisor.domain.errors import ConfigError, WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.runtime.clock import SystemClock
from supervisor.weather.chain import ChainProvider
from supervisor.weather.providers import registry
from supervisor.weather.providers.kind import Attribution, ProviderKind, WeatherSettings
from supervisor.weather.providers.registry import PROVIDERS, attributions, open_weather, planned, weather_file

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
        ('provider = "aws"', "weather.provider = 'aws'", "invalid enum value 'aws'", "kma, dwd"),
        ('provider = "open-meteo"\nfile = "w.csv"', "weather.file = 'w.csv'", "reads no file", 'provider = "file"'),
        ('provider = "file"', "weather", "`file` is missing", "Add a line"),
        ('provider = "file"\nfile = ""', "weather.file = ''", "not a file", "path of a file"),
        ("provider = 7", "weather.provider = 7", "text", "Write text"),
        ('providers = ["kma"]\nprovider = "kma"', "weather.providers", "`provider` is given too", "Remove `provider`"),
        ("providers = []", "weather.providers", "empty", "Write one or more of"),
        ('providers = "kma"', "weather.providers", "expected a [list]", "Write a [list]"),
        ("providers = [7]", "weather.providers", "text", "Write text"),
        ('providers = ["kma", "aws"]', "weather.providers", "invalid enum value 'aws'", "open-meteo"),
        ('providers = ["kma", "kma"]', "weather.providers", "'kma' is named twice", "once"),
        ('providers = ["kma", "open-meteo"]\nmodel = "x"', "weather.model", "unknown key", "Did you mean `models`?"),
        ('providers = ["kma", "open-meteo"]\nfile = "x"', "weather.file", "reads no file", 'provider = "file"'),
        ('providers = ["kma", "file"]', "weather", "`file` is missing", "Add a line"),
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


@pytest.mark.usefixtures("with_dwd")
async def test_a_list_of_providers_keeps_the_keys_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'providers = ["kma", "dwd", "open-meteo"]\nstation = 108\nmodels = "icon_seamless"'
    with pytest.raises(ConfigError, match=r"expected text in .*, got a whole number"):  # `station` of dwd is text
        load(city(tmp_path, text))
    config = load(city(tmp_path, 'providers = ["kma", "open-meteo"]\nstation = 108\nmodels = "icon_seamless"'))
    first, second = planned(config.weather)
    assert (first.kind.name, getattr(first.settings, "station")) == ("kma", 108)  # noqa: B009
    assert (second.kind.name, getattr(second.settings, "models")) == ("open-meteo", "icon_seamless")  # noqa: B009
    for name in ("KMA_SERVICE_KEY", "KMA_APIHUB_KEY"):
        monkeypatch.delenv(name, raising=False)
    problems, warnings = explain(config)
    assert [(p.where.split(" = ")[0].split(": ")[1], p.message.split()[2]) for p in problems] == [
        ("weather.providers", "KMA_SERVICE_KEY"),
        ("weather.station", "KMA_APIHUB_KEY"),
    ]
    assert not [w for w in warnings if w.startswith("weather.")]
    assert [a.source for a in attributions(config.weather)] == ["기상청(KMA)", "Open-Meteo.com"]
    async with open_weather(config, SystemClock()) as provider:
        assert isinstance(provider, ChainProvider)
        assert provider.planning == "kma"


def test_a_list_with_a_file_needs_and_checks_it(tmp_path: Path) -> None:
    path = city(tmp_path, 'providers = ["open-meteo", "file"]\nfile = "w.csv"')
    problems = read(path)[1]
    assert [("no such file" in p.message, "weather.file" in p.where) for p in problems] == [(True, True)]
    (tmp_path / "w.csv").write_text("time\n1\n")
    config = load(path)
    assert any("column time_utc is missing" in p.message for p in explain(config)[0])
    assert weather_file(config) is None  # what is measured is not in it
    assert weather_file(load(city(tmp_path, 'providers = ["file", "open-meteo"]\nfile = "w.csv"'))) is not None


def test_a_list_of_one_is_the_short_form(tmp_path: Path) -> None:
    config = load(city(tmp_path, 'providers = ["open-meteo"]\nmodels = "icon_seamless"'))
    assert [one.kind.name for one in planned(config.weather)] == ["open-meteo"]


def test_no_two_providers_have_a_key_of_different_types() -> None:
    """In a list of providers, a key that two of them have is one key."""
    types: dict[str, object] = {}
    for kind in PROVIDERS.values():
        for key in msgspec.structs.fields(kind.settings):
            assert types.setdefault(key.name, key.type) == key.type, key.name


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
