"""What the module of a tariff declares: its keys of `[tariff]`, and how they become prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Site

Array = npt.NDArray[np.float64]


class Tariff(Protocol):
    """Prices of energy; `currency` is a code such as KRW."""

    @property
    def currency(self) -> str: ...

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        """Price of the slots that start at `start_utc_s` [currency/kWh], shape (n_slots,)."""
        ...


class TariffSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[tariff]` of city.toml. Each kind adds its own key in a subclass."""

    currency: str = "KRW"
    holidays: tuple[date, ...] = ()


class FileSettings(TariffSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kinds that read a file; they are told apart by its name."""

    file: str


class District(Protocol):
    """The parts of the configuration that a tariff uses besides its settings."""

    @property
    def site(self) -> Site: ...

    def resolve(self, name: str) -> Path:
        """The path of a file that the configuration names."""
        ...


S = TypeVar("S", bound=TariffSettings)


@dataclass(frozen=True)
class TariffKind(Generic[S]):
    """One kind of tariff.

    `key` is the key of `[tariff]` that chooses it, together with `suffix` where several kinds read a `file`. `load`
    gives the prices for bills and checks; it raises TariffError for anything that is wrong. `load_usable`, where given,
    gives what can be used for planning, and what is wrong with the rest.
    """

    name: str
    key: str
    settings: type[S]
    load: Callable[[S, District], Tariff]
    load_usable: Callable[[S, District], tuple[Tariff, tuple[TariffError, ...]]] | None = None
    suffix: str = ""
