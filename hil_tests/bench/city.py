"""A city of the bench: city.toml and weather for so many boards, zones and feeders."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supervisor.domain.weather import WeatherSeries
from supervisor.weather.providers.files import write_weather_csv

# area [m²] of steep lanes in a hilly district; power by the usual 300 W/m²
AREAS_M2 = (180.0, 240.0, 150.0, 320.0, 200.0, 260.0)
W_M2 = 300
NAMES = (
    "언덕길",
    "학교길",
    "시장길",
    "절길",
    "약수길",
    "은행길",
    "골목길",
    "성곽길",
    "계단길",
    "다리길",
    "숲길",
    "역길",
)


@contextmanager
def working_folder() -> Iterator[Path]:
    """A temporary folder, in memory where possible: otherwise each commit waits for the disk, which at hundreds of
    times real time is most of a run.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="roadheat-", dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


def free_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_city(
    folder: Path,
    weather: WeatherSeries,
    *,
    boards: int = 1,
    zones_per_board: int = 2,
    feeders: int = 1,
    contract_share: float = 1.0,
    breaker_share: float = 1.1,
    prices: str = "",
) -> Path:
    """Write `city.toml` and `weather.csv` into `folder`; the path of the first.

    Contract and breaker of a feeder are shares of what is installed on it; a contract below 1 makes the plan shed in a
    storm beyond it. `prices`: the text of a file of day-ahead prices; default one price for all hours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_weather_csv(folder / "weather.csv", weather)
    if prices:
        (folder / "prices.csv").write_text(prices)
    tariff = 'file = "prices.csv"' if prices else "flat = 120.0"
    zones = []
    installed_kw = [0.0] * feeders
    for i in range(boards * zones_per_board):
        area = AREAS_M2[i % len(AREAS_M2)]
        power_w = int(area * W_M2)
        feeder = (i // zones_per_board) % feeders
        installed_kw[feeder] += power_w / 1000
        zones.append(
            f'[[zone]]\nid = "z{i + 1:02d}"\nname = "Road {i + 1}"\nname_ko = "{NAMES[i % len(NAMES)]}"\n'
            f'board = "b{i // zones_per_board + 1:02d}"\nrelay = {i % zones_per_board}\nfeeder = "f{feeder + 1}"\n'
            f"power_w = {power_w}\narea_m2 = {area}\npriority = {i % 3 + 1}\n"
            'layers = [{material = "asphalt", thickness_m = 0.12}, {material = "base", thickness_m = 0.25}]\n'
        )
    feeder_tables = [
        f'[[feeder]]\nid = "f{i + 1}"\ncontract_kw = {kw * contract_share:.1f}\n'
        f"breaker_kw = {kw * breaker_share:.1f}\ndemand_price_per_kw = 8000.0\n"
        for i, kw in enumerate(installed_kw)
    ]
    board_tables = [f'[[board]]\nid = "b{i + 1:02d}"\n' for i in range(boards)]
    head = (
        '[site]\nname = "bench"\ntimezone = "Asia/Seoul"\nlatitude = 37.59\nlongitude = 127.02\nelevation_m = 60.0\n'
        f'[boards]\nlisten = "127.0.0.1:{free_port()}"\n[web]\nlisten = "127.0.0.1:{free_port()}"\n'
        '[weather]\nprovider = "file"\nfile = "weather.csv"\n'
        f"[tariff]\n{tariff}\n"
        "[planner]\nprice_per_ice_free_hour = 8000.0\n"
    )
    path = folder / "city.toml"
    path.write_text("\n".join([head, *feeder_tables, *board_tables, *zones]))
    return path
