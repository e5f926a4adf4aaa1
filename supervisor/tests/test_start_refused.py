"""What prevents a start is a sentence with place and remedy, never a traceback, and nothing is changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from supervisor.cli import main
from supervisor.config import Config, load
from supervisor.domain.errors import ConfigError, StoreError
from supervisor.runtime.single import LOCK_NAME, alone_in
from supervisor.store import DATABASE_NAME
from supervisor.store.integrity import look
from supervisor.tests.test_service import config, service
from supervisor.wire.keys import load_or_create_key
from supervisor.wire.pki import ensure_pki

__all__ = ["config"]  # a fixture
DAMAGED_PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def serve(config: Config) -> Result:
    return CliRunner().invoke(main, ["serve", "--config", str(config.path)], env={"COLUMNS": "400"})


def refused(result: Result, *parts: str) -> None:
    output = " ".join(result.output.split())
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in output
    for part in parts:
        assert part in output


async def test_a_second_service_on_one_state_folder_is_refused(config: Config) -> None:
    async with service(config):
        with pytest.raises(StoreError, match="another service uses this state folder"):
            async with service(config):
                pass
    async with service(config):  # free again
        pass


def test_the_process_that_holds_the_folder_is_named(config: Config) -> None:
    with alone_in(config.state_dir):
        refused(serve(config), "another service", str(config.state_dir), "Stop that one", "process")
    assert (config.state_dir / LOCK_NAME).exists()


@pytest.mark.parametrize("name", ["ca.pem", "ca.der", "server.pem", "server.key"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_damaged_certificates(config: Config, name: str, content: bytes) -> None:
    pki = ensure_pki(config.pki_dir, config.boards.server_name)
    before = pki.ca_key.read_bytes()
    (config.pki_dir / name).write_bytes(content)
    refused(serve(config), name, "is damaged")
    assert pki.ca_key.read_bytes() == before


async def test_a_damaged_certificate_of_the_app(config: Config) -> None:
    config.path.write_text(config.path.read_text().replace("[web]", '[web]\ncert = "web.pem"\nkey = "web.key"'))
    for name in ("web.pem", "web.key"):
        config.path.with_name(name).write_bytes(DAMAGED_PEM)
    with pytest.raises(ConfigError, match=r"web\.cert and web\.key cannot be used"):
        async with service(load(config.path)):
            pass


def test_files_that_do_not_belong_together(config: Config, tmp_path: Path) -> None:
    pki = ensure_pki(config.pki_dir, config.boards.server_name)
    other = ensure_pki(tmp_path / "other", config.boards.server_name)
    pki.ca_pem.write_bytes(other.ca_pem.read_bytes())
    pki.ca_der.write_bytes(other.ca_der.read_bytes())
    refused(serve(config), "server.pem", "not signed by the authority")


def test_the_remedy_for_a_damaged_server_certificate_works(config: Config) -> None:
    pki = ensure_pki(config.pki_dir, config.boards.server_name)
    pki.server_pem.unlink()
    assert ensure_pki(config.pki_dir, config.boards.server_name).server_pem.exists()


def test_a_damaged_key_of_a_board(config: Config) -> None:
    path = config.board_key_path("b02")
    load_or_create_key(path)
    path.write_bytes(b"\xff\xfe")
    refused(serve(config), "b02.key", "64 hex digits")


async def test_a_damaged_database_and_a_newer_one(config: Config) -> None:
    async with service(config):
        pass
    database = config.state_dir / DATABASE_NAME
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute(f"PRAGMA user_version = {version + 1}")
    good = database.read_bytes()
    assert look(database, thorough=True) == ((), True)

    def checked() -> Result:
        return CliRunner().invoke(main, ["check-database", "--config", str(config.path)], env={"COLUMNS": "400"})

    refused(checked(), "this version knows")
    database.write_bytes(good[:4096] + b"\x5a" * 8192 + good[12288:])
    refused(checked(), "damaged", DATABASE_NAME, "roadheat restore")
    with pytest.raises(StoreError, match="damaged"):
        async with service(config):
            pass
    database.write_bytes(b"not a database at all" * 500)
    refused(checked(), "damaged")
    with pytest.raises(StoreError, match="damaged"):
        async with service(config):
            pass
    database.write_bytes(good)
    with pytest.raises(StoreError, match="this version knows"):
        async with service(config):
            pass


def test_a_look_ends_in_time_on_a_large_record(tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT UNIQUE)")
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
            "INSERT INTO t SELECT i, printf('%0200d', i) FROM n"
        )
        db.commit()
    assert look(path, expired=lambda: True) == ((), False)
    assert look(path, thorough=True) == ((), True)


async def test_the_record_is_checked_beside_a_running_service(config: Config) -> None:
    def checked() -> Result:
        return CliRunner().invoke(main, ["check-database", "--config", str(config.path)], env={"COLUMNS": "400"})

    refused(checked(), "no database")
    async with service(config):
        result = checked()
    assert result.exit_code == 0
    assert "whole" in result.output
