"""All kinds of tariff. To add one: its module with a `KIND`, a line here, its test and its key in the docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from supervisor.domain.errors import TariffError
from supervisor.domain.zone import Site
from supervisor.tariff import bands, bands_file, day_ahead, fetched, flat
from supervisor.tariff.kepco import kind as kepco
from supervisor.tariff.kind import Tariff, TariffKind, TariffSettings

# Of the kinds that read a file the last one takes names with any other suffix.
KINDS: tuple[TariffKind[Any], ...] = (flat.KIND, bands.KIND, kepco.KIND, fetched.KIND, day_ahead.KIND, bands_file.KIND)
_BY_SETTINGS = {kind.settings: kind for kind in KINDS}


def choose(table: Mapping[str, Any]) -> TariffKind[Any]:
    """The kind that the keys of a `[tariff]` table ask for; raises TariffError unless it is exactly one."""
    keys = list(dict.fromkeys(kind.key for kind in KINDS))
    given = [key for key in keys if key in table and table[key] not in ("", [], ())]
    if len(given) != 1:
        raise TariffError(
            f"{' and '.join(given) or 'none'} given",
            where="tariff",
            remedy=f"Give exactly one of {', '.join(keys[:-1])} and {keys[-1]}",
        )
    kinds = [kind for kind in KINDS if kind.key == given[0]]
    suffix = Path(table["file"]).suffix.lower() if isinstance(table.get("file"), str) else ""
    return next((kind for kind in kinds if suffix in kind.suffixes), kinds[-1])


def tariff_kind(settings: TariffSettings) -> TariffKind[Any]:
    """The kind whose settings these are."""
    return _BY_SETTINGS[type(settings)]


@dataclass(frozen=True)
class _Place:
    """A file without a configuration."""

    site: Site
    state_dir: Path = Path("state")

    def resolve(self, name: str) -> Path:
        return Path(name)


def read_tariff(path: Path, timezone: str, holidays: Iterable[date] = ()) -> Tariff:
    """A tariff from a file of any kind, told by its name.

    `timezone` is used where the file names none; `holidays` are added to the file's. Raises TariffError naming file,
    place and remedy for anything that is wrong with it.
    """
    kind = choose({"file": str(path)})
    site = Site(name="", timezone=timezone, latitude=0.0, longitude=0.0)
    more = {"holidays": tuple(holidays)} if "holidays" in kind.settings.__struct_fields__ else {}
    tariff: Tariff = kind.load(kind.settings(file=str(path), **more), _Place(site))
    return tariff
