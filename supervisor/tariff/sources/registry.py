"""All price services."""

from __future__ import annotations

from supervisor.tariff.sources import elprisetjustnu, energi_data_service, energy_charts
from supervisor.tariff.sources.source import PriceSource

SOURCES: dict[str, PriceSource] = {
    source.name: source for source in (energy_charts.SOURCE, elprisetjustnu.SOURCE, energi_data_service.SOURCE)
}
