"""The tariff that city.toml names: one way from configuration to prices, for service, reports and demo."""

from __future__ import annotations

from supervisor.config import Config
from supervisor.planner.tariff import Tariff, make_tariff


def configured_tariff(config: Config) -> Tariff:
    """The configured tariff; raises TariffError."""
    tariff = config.tariff
    return make_tariff(
        tariff.currency,
        config.site.timezone,
        flat=tariff.flat,
        bands=tariff.band,
        file=config.resolve(tariff.file) if tariff.file else None,
        holidays=tariff.holidays,
    )
