"""What the module of a tariff declares: its keys of `[tariff]`, and how they become prices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Site
from supervisor.tariff.demand import Demand
from supervisor.tariff.rows import Rows

Array = npt.NDArray[np.float64]


class Tariff(Protocol):
    """Prices of energy; `currency` is a code such as KRW."""

    @property
    def currency(self) -> str: ...

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        """Price of the slots that start at `start_utc_s` [currency/kWh], shape (n_slots,)."""
        ...


@runtime_checkable
class PeakRule(Protocol):
    """A tariff in some of whose hours a peak sets no base charge."""

    def counts_peak(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> npt.NDArray[np.bool_]:
        """Whether a peak in those slots sets it, shape (n_slots,)."""
        ...


class Taxes(Struct, frozen=True, forbid_unknown_fields=True):
    """Tax and levies of a bill; KEPCO's own are part of its kind, and `vat` of day-ahead prices is in the prices."""

    vat_percent: float = 0.0
    per_kwh: dict[str, float] = field(default_factory=dict)  # name → amount, before VAT

    def problem(self) -> str:
        """What is impossible in it, or nothing."""
        if not 0.0 <= self.vat_percent <= 100.0:
            return "vat_percent is outside 0…100"
        bad = [name for name, value in self.per_kwh.items() if not abs(value) <= 1e6]
        return f"per_kwh.{bad[0][:40]} is not an amount" if bad else ""


class TariffSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[tariff]` of city.toml. Each kind adds its own keys in a subclass."""

    currency: str = "KRW"
    demand: Demand | None = None  # the base charge; None: that of the tariff's own file, else none
    taxes: Taxes = Taxes()  # of bills; prices for planning stay without


class FileSettings(TariffSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kinds that read a file; they are told apart by its name."""

    file: str


class District(Protocol):
    """The parts of the configuration that a tariff uses besides its settings."""

    @property
    def site(self) -> Site: ...

    @property
    def state_dir(self) -> Path: ...

    def resolve(self, name: str) -> Path:
        """The path of a file that the configuration names."""
        ...


Query = tuple[str, Mapping[str, str]]  # URL and parameters
Get = Callable[[Query, Callable[[bytes], Rows]], Awaitable[Rows]]
"""Asks a service and reads its answer; raises TariffError. What the reader refuses is not asked for again at once."""


class PriceFetcher(Protocol):
    """Keeps the file of a kind up to date."""

    @property
    def path(self) -> Path: ...

    async def update(self, now_utc_s: float, get: Get) -> bool:
        """Ask for what is missing and keep it; whether anything is new. Raises TariffError."""
        ...


S = TypeVar("S", bound=TariffSettings)


@dataclass(frozen=True)
class TariffKind(Generic[S]):
    """One kind of tariff.

    `key` is the key of `[tariff]` that chooses it, together with `suffixes` where several kinds read a `file`. `load`
    gives the prices for bills and checks; it raises TariffError for anything that is wrong. `load_usable`, where given,
    gives what can be used for planning, and what is wrong with the rest. `path` is the file that is read again when it
    changes, `demand` the base charge; `fetch`, where given, makes what brings that file up to date.
    """

    name: str
    key: str
    settings: type[S]
    load: Callable[[S, District], Tariff]
    load_usable: Callable[[S, District], tuple[Tariff, tuple[TariffError, ...]]] | None = None
    suffixes: tuple[str, ...] = ()  # of the file's name, in small letters
    path: Callable[[S, District], Path | None] = lambda settings, district: (
        district.resolve(settings.file) if isinstance(settings, FileSettings) else None
    )
    demand: Callable[[S, District], Demand] = lambda settings, _: settings.demand or Demand()
    fetch: Callable[[S, District], PriceFetcher] | None = None
