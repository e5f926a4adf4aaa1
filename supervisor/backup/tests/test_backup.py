"""Backup of a running service, and a restore from which boards go on; what is wrong with a file is refused whole."""

from __future__ import annotations

import io
import shutil
import sqlite3
import tarfile
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.backup import sealed
from supervisor.backup.archive import restore, write
from supervisor.backup.sealed import BackupError, Sealer, opened
from supervisor.cli import main
from supervisor.config import load
from supervisor.config.tests.examples import EXAMPLE
from supervisor.domain.errors import StoreError
from supervisor.store import DATABASE_NAME, database
from supervisor.wire.keys import load_keys, load_or_create_key, next_path, promote, write_private
from supervisor.wire.pki import ensure_pki

WORDS = "steep road, warm road"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A district that has run: database, board keys, authority, calibration."""
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "city.toml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "weather.csv").write_text("time_utc\n")
    config = load(folder / "city.toml")
    (folder / "state").mkdir()
    db = database.connect(folder / "state" / DATABASE_NAME)
    database.migrate(db)
    db.execute("INSERT INTO kv VALUES ('app.test', 'kept')")
    db.commit()
    for board in config.board:
        load_or_create_key(config.board_key_path(board.id))
    ensure_pki(config.pki_dir, config.boards.server_name)
    (folder / "state" / "bench").mkdir()
    (folder / "state" / "bench" / "large.img").write_bytes(b"x" * 1000)
    return folder / "city.toml"  # the database stays open, as of a running service


def value(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "state" / DATABASE_NAME)) as db:
        return str(db.execute("SELECT value FROM kv WHERE key = 'app.test'").fetchone()[0])


def test_a_backup_beside_a_running_service_is_restored_with_every_key(city: Path, tmp_path: Path) -> None:
    config, target = load(city), tmp_path / "night.backup"
    names = write(config, target, WORDS)
    assert f"state/{DATABASE_NAME}" in names
    assert not any("bench" in name or name.endswith(("-wal", "-shm")) for name in names)
    assert target.stat().st_mode & 0o077 == 0
    content = target.read_bytes()
    key = config.board_key_path("b01").read_bytes()
    assert key not in content
    assert b"seongbuk" not in content
    restore(target, tmp_path / "new", WORDS)
    again = load(tmp_path / "new" / "city.toml", without_data=True)
    for board in config.board:
        assert again.board_key_path(board.id).read_bytes() == config.board_key_path(board.id).read_bytes()
        assert again.board_key_path(board.id).stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in again.pki_dir.iterdir()) == sorted(
        path.name for path in config.pki_dir.iterdir()
    )
    assert value(tmp_path / "new") == "kept"
    with pytest.raises(BackupError, match="not empty"):
        restore(target, tmp_path / "new", WORDS)


def test_a_wrong_passphrase_and_every_kind_of_damage_restore_nothing(city: Path, tmp_path: Path) -> None:
    target = tmp_path / "night.backup"
    write(load(city), target, WORDS)
    whole = target.read_bytes()
    folder = tmp_path / "new"
    with pytest.raises(BackupError, match="wrong passphrase"):
        restore(target, folder, "another dozen letters")
    for damaged in (
        b"", b"PK", whole[:20], whole[:200], whole[:-1], whole[: len(whole) // 2], whole + b"more",
        whole[:300] + bytes([whole[300] ^ 1]) + whole[301:],
    ):  # fmt: skip
        target.write_bytes(damaged)
        with pytest.raises(BackupError):
            restore(target, folder, WORDS)
        assert not folder.exists()
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".restore")] == []


def test_a_passphrase_is_the_same_from_every_keyboard(city: Path, tmp_path: Path) -> None:
    """macOS writes Korean in parts (NFD), Windows whole (NFC), and a phone may give full-width digits."""
    words, target = "따뜻한 길 12 눈 오는 길", tmp_path / "night.backup"
    write(load(city), target, unicodedata.normalize("NFD", words))
    restore(target, tmp_path / "nfc", unicodedata.normalize("NFC", words))
    restore(target, tmp_path / "wide", words.replace("12", "１２"))
    assert value(tmp_path / "nfc") == value(tmp_path / "wide") == "kept"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_backup_of_before_opens_with_what_was_typed(form: Literal["NFC", "NFD"]) -> None:
    """Sealed without NFKC, as earlier backups are."""
    words, held = "１２ 따뜻한 길 세 번째 눈길", io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed, "_normal", lambda text: unicodedata.normalize(form, text))
        sealer = Sealer(held, words)
        sealer.write(b"keys")
        sealer.close()
    for typed in ("NFC", "NFD"):
        given = unicodedata.normalize(typed, words)
        assert b"".join(opened(io.BytesIO(held.getvalue()), given, "x")) == b"keys"


def test_a_key_that_is_renewed_while_it_is_copied_is_not_lost(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, target = load(city), tmp_path / "night.backup"
    key = config.board_key_path("b02")
    write_private(next_path(key), b"11" * 32 + b"\n")
    copy, times = shutil.copy2, iter(range(100))

    def promote_meanwhile(source: Path, to: Path) -> None:
        copy(source, to)
        if source == key and next(times) == 0:
            promote(key, b"\x11" * 32)  # the old one is copied already

    monkeypatch.setattr("supervisor.backup.archive.shutil.copy2", promote_meanwhile)
    write(config, target, WORDS)
    restore(target, tmp_path / "new", WORDS)
    again = load(tmp_path / "new" / "city.toml", without_data=True)
    assert load_keys(again.board_key_path("b02")) == [b"\x11" * 32]


def test_what_is_restored_has_reached_the_disk(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, synced = tmp_path / "night.backup", []
    write(load(city), target, WORDS)
    monkeypatch.setattr("supervisor.backup.archive.to_disk", lambda path: synced.append((path.name, path.exists())))
    names = restore(target, tmp_path / "new", WORDS)
    assert {Path(name).name for name in names} | {"state", "keys", "pki", "whole"} <= {name for name, _ in synced}
    assert all(there for _, there in synced)
    assert synced[-1][0] == tmp_path.name, "the folder in which the new one has its name"


def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    for name in ("../evil", "/etc/evil", "state/../../evil"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
        with (tmp_path / "x.backup").open("wb") as file:
            sealer = Sealer(file, WORDS)
            sealer.write(packed.getvalue())
            sealer.close()
        with pytest.raises(BackupError, match="was not made by roadheat"):
            restore(tmp_path / "x.backup", tmp_path / "new", WORDS)
    assert not (tmp_path / "evil").exists()


def test_what_has_no_room_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes may say that terabytes follow, or a hundred thousand files."""

    def sealed_with(*members: tuple[str, int]) -> Path:
        target = tmp_path / "x.backup"
        with target.open("wb") as file:
            sealer = Sealer(file, WORDS)
            for name, size in members:
                info = tarfile.TarInfo(name)
                info.size = size
                sealer.write(info.tobuf(tarfile.PAX_FORMAT))
            sealer.close()
        return target

    with pytest.raises(BackupError, match="needs 9000000000 MB for city"):
        restore(sealed_with(("city.toml", 9 * 10**15)), tmp_path / "new", WORDS)
    monkeypatch.setattr("supervisor.backup.archive._FILES_MAX", 3)
    with pytest.raises(BackupError, match="more files"):
        restore(sealed_with(*((f"state/keys/{n}.key", 0) for n in range(5))), tmp_path / "new", WORDS)
    assert not (tmp_path / "new").exists()


def test_a_backup_that_fails_leaves_the_last_one(city: Path, tmp_path: Path) -> None:
    target = tmp_path / "night.backup"
    write(load(city), target, WORDS)
    before = target.read_bytes()
    for path in (city.parent / "state").glob(f"{DATABASE_NAME}*"):
        path.unlink()
    with pytest.raises(StoreError, match="no database"):
        write(load(city), target, WORDS)
    assert target.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir() if "half" in found.name] == []
    with pytest.raises(BackupError, match="shorter than 12"):
        write(load(city), target, "short")


def test_what_is_sealed_and_no_backup_restores_nothing(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("city.toml"), io.BytesIO(b""))
    for content, said in (
        (b"", "no archive"), (b"hello" * 500, "no archive"), (packed.getvalue()[:200], "no archive"),
        (packed.getvalue(), "or the database"),
    ):  # fmt: skip
        with (tmp_path / "x.backup").open("wb") as file:
            sealer = Sealer(file, WORDS)
            sealer.write(content)
            sealer.close()
        with pytest.raises(BackupError, match=said):
            restore(tmp_path / "x.backup", tmp_path / "new", WORDS)
        assert [path.name for path in tmp_path.iterdir()] == ["x.backup"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n"])
def test_a_passphrase_file_without_text_is_named(tmp_path: Path, content: bytes) -> None:
    words = tmp_path / "words"
    words.write_bytes(content)
    (tmp_path / "x.backup").write_bytes(b"x")
    arguments = ["restore", "--passphrase-file", str(words), str(tmp_path / "x.backup"), str(tmp_path / "new")]
    done = CliRunner().invoke(main, arguments, env={"COLUMNS": "400"})
    assert (done.exit_code, "words: holds no line of text" in done.output) == (2, True)


def test_a_folder_that_cannot_be_made_is_named(city: Path, tmp_path: Path) -> None:
    target = tmp_path / "night.backup"
    write(load(city), target, WORDS)
    for folder in (target / "new", Path("/proc/new")):
        done = CliRunner().invoke(
            main, ["restore", str(target), str(folder)], env={"COLUMNS": "400", "ROADHEAT_BACKUP_PASSPHRASE": WORDS}
        )
        assert done.exit_code == 2
        assert str(folder.parent) in done.output
        assert "Check the path" in done.output


@settings(max_examples=12, deadline=None)  # each makes a key twice, which is slow on purpose
@given(st.lists(st.binary(max_size=3000), max_size=6), st.integers(0, 2))
def test_what_is_sealed_comes_back_whole_whatever_the_pieces(pieces: list[bytes], large: int) -> None:
    sealed = io.BytesIO()
    sealer = Sealer(sealed, WORDS)
    data = b"".join(pieces) + b"z" * (large << 20)
    for piece in (*pieces, b"z" * (large << 20)):
        sealer.write(piece)
    sealer.close()
    assert b"".join(opened(io.BytesIO(sealed.getvalue()), WORDS, "here")) == data


def test_the_commands(city: Path, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(WORDS + "\n")
    target, folder = tmp_path / "night.backup", tmp_path / "new"
    made = CliRunner().invoke(main, ["backup", "--config", str(city), "--passphrase-file", str(words), str(target)])
    assert made.exit_code == 0, made.output
    assert "read back and checked" in made.output
    back = CliRunner().invoke(main, ["restore", str(target), str(folder)], env={"ROADHEAT_BACKUP_PASSPHRASE": WORDS})
    assert back.exit_code == 0, back.output
    assert "--take-over" in back.output
    assert value(folder) == "kept"
    again = CliRunner().invoke(main, ["restore", str(target), str(folder)], env={"ROADHEAT_BACKUP_PASSPHRASE": WORDS})
    assert again.exit_code != 0
