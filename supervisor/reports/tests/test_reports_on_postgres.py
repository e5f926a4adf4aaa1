"""Every command that reads the record says the same of it on PostgreSQL, and those that change it do the same."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config, load
from supervisor.control.history import HistoryKind, history
from supervisor.reports.tests.test_certification import season as season  # the fixture
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, database, place_of
from supervisor.store.copying import copy
from supervisor.store.place import Server
from tools.postgres_server import PostgresServer
from tools.record_places import own_database

pytestmark = pytest.mark.postgres
T0 = 1_703_980_800
WINTER = ("--from", "2023-11-27", "--to", "2024-01-09")


@pytest.fixture(scope="module")
def on_file(season: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The winter of the certification's test, with entries in the audit log."""
    folder = tmp_path_factory.mktemp("file")
    shutil.copytree(season.path.parent, folder, dirs_exist_ok=True)
    config = load(folder / "city.toml", without_data=True)

    async def enter() -> None:
        store = Store.open(config.state_dir / DATABASE_NAME, ManualClock(T0))
        for n in range(3):
            await store.audit.append("김하나", "override", f"{n} z01 on")
        await store.close()

    asyncio.run(enter())
    return config


@pytest.fixture(scope="module")
def on_server(on_file: Config, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The same record, moved by the command."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copytree(on_file.path.parent, folder, dirs_exist_ok=True)
    place = own_database(postgres)
    source = load(folder / "city.toml", without_data=True)
    copy(place_of(source), place, source.site.name, [board.id for board in source.board], lambda *_: None)
    (source.state_dir / DATABASE_NAME).unlink()
    with source.path.open("a") as file:
        file.write(f'\n[database]\naddress = "{place.address}"\ndistrict = "{place.district}"\n')
    return load(folder / "city.toml", without_data=True)


def said(config: Config, command: str, *arguments: str) -> tuple[int, str, bytes]:
    """Status, text and file of a command."""
    out = config.path.parent / "out.json"
    out.unlink(missing_ok=True)
    words = [part.replace("OUT", str(out)) for part in (*command.split(), *arguments)]
    done = CliRunner().invoke(main, [*words, "--config", str(config.path)])
    text = done.output.replace(str(config.path.parent), "FOLDER")
    return done.exit_code, text, out.read_bytes() if out.exists() else b""


COMMANDS = [
    ("energy", *WINTER),
    ("energy --by day", *WINTER),
    ("energy --by feeder", *WINTER),
    ("energy bill --month 2023-12 --json OUT",),
    ("report certification --year 2023 --language en --output OUT",),
    ("report health --output OUT",),
    ("report inspection --month 2023-12 --output OUT",),
    ("savings --json OUT", "--from", "2023-12-29", "--to", "2023-12-31"),
    ("outlook", *WINTER),
    ("energy correct list", *WINTER),
    ("energy dead-letters list",),
    ("audit verify",),
    ("audit export",),
    ("user list",),
    ("token list",),
    ("roster list",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0].split("--")[0])
def test_a_command_says_the_same(on_file: Config, on_server: Config, command: tuple[str, ...]) -> None:
    status, text, out = said(on_file, *command)
    assert status == 0, text
    same = said(on_server, *command)
    if command[0].startswith(("report certification", "report health", "report inspection")):
        assert without_time(same[2]) == without_time(out)
    else:
        assert same == (status, text, out)


def without_time(out: bytes) -> object:
    found = msgspec.json.decode(out)
    return {key: value for key, value in found.items() if key != "made_utc_s"}


def test_what_is_changed_at_the_console_is_changed_there(on_server: Config) -> None:
    status, text, _ = said(on_server, "user link", "이민수", "--role", "crew")
    assert status == 0, text
    assert "이민수" in said(on_server, "user list")[1]
    status, text, _ = said(on_server, "token make", "new-hub", "--scope", "read")
    assert status == 0, text
    assert said(on_server, "audit verify")[0] == 0


@pytest.mark.parametrize("command", ["energy vacuum", "check-database", "backup OUT"])
def test_what_is_for_a_file_says_what_to_use_instead(
    on_server: Config, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADHEAT_BACKUP_PASSPHRASE", "long enough for a backup")
    status, text, _ = said(on_server, command)
    assert status == 2
    assert "on PostgreSQL" in text, text


def test_the_apps_history_is_the_same(on_file: Config, on_server: Config) -> None:
    found = []
    for config in (on_file, on_server):
        db = database.connect_read_only(place_of(config))
        kinds = tuple(HistoryKind)
        found.append(history(db, config.zone, kinds, (T0 - 86_400, T0 + 86_400), False))
        db.close()
    assert found[0] == found[1]
    assert found[0]


def test_copying_back_is_a_command_too(on_file: Config, on_server: Config, tmp_path: Path) -> None:
    status, text, _ = said(on_server, "store copy", str(tmp_path / "back.db"))
    assert status == 0, text
    assert "each read back as it was" in text
    assert isinstance(place_of(on_server), Server)
    assert said(on_server, "store copy", str(tmp_path / "back.db"))[0] == 2
