"""What a backup holds, taken while the service runs, and put back into an empty folder."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from supervisor.backup.sealed import BackupError, Sealer, opened
from supervisor.config import Config
from supervisor.domain.errors import StoreError
from supervisor.runtime.disk import to_disk
from supervisor.store import DATABASE_NAME, database
from supervisor.store.place import file_of

CONFIGURATION = "city.toml"
STATE = "state"
FROM_SERVER = "Copy it into a file first: `roadheat store copy`; or back the server up with `pg_basebackup`"
_FOREIGN = "It was not made by roadheat"
_LEFT_OUT = ("bench",)  # of an emulated district
_FILES_MAX = 200_000  # three for each of 50,000 boards, and room
_ATTEMPTS = 20  # at a moment at which no file changes; each takes some milliseconds


def write(config: Config, target: Path, passphrase: str) -> list[str]:
    """Write a backup beside a running service, read it back, and put it in place; the names in it.

    Raises BackupError or StoreError, and then `target` is as it was.
    """
    half = target.with_name(target.name + ".half")
    try:
        with half.open("wb") as file:
            os.chmod(half, 0o600)
            sealer = Sealer(file, passphrase)
            with tarfile.open(fileobj=_Pipe(sealer), mode="w|", format=tarfile.PAX_FORMAT) as archive:
                names = [_add(archive, path, name) for path, name in _files(config)]
            sealer.close()
            file.flush()
            os.fsync(file.fileno())
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            if sorted(_unpack(half, passphrase, Path(scratch))) != sorted(names):
                raise BackupError("reads back differently", where=str(target), remedy="Check the disk and try again")
            _check_database(Path(scratch) / STATE / DATABASE_NAME)
        half.replace(target)
        to_disk(target.parent)
    except OSError as error:
        raise BackupError(
            f"cannot be written: {error.strerror}", where=str(target), remedy="Choose another disk"
        ) from None
    finally:
        half.unlink(missing_ok=True)
    return names


def restore(source: Path, folder: Path, passphrase: str) -> list[str]:
    """Put a backup into an empty or new folder; the names. Raises BackupError, and then the folder holds nothing."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupError("not empty", where=str(folder), remedy="Give a new folder: nothing is overwritten")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".restore-") as scratch:
        made = Path(scratch) / "whole"
        made.mkdir(mode=0o700)
        try:
            names = _unpack(source, passphrase, made)
        except tarfile.TarError as error:
            raise BackupError(f"holds no archive ({error})", where=str(source), remedy=_FOREIGN) from None
        if not {CONFIGURATION, f"{STATE}/{DATABASE_NAME}"} <= set(names):
            raise BackupError(f"lacks {CONFIGURATION} or the database", where=str(source), remedy=_FOREIGN)
        _check_database(made / STATE / DATABASE_NAME)
        for path in (*made.rglob("*"), made):
            to_disk(path)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
        to_disk(folder.parent)
    return names


def _files(config: Config) -> Iterator[tuple[Path, str]]:
    """Files, each with its name in the archive; the database as a copy at one moment."""
    state = config.state_dir
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / DATABASE_NAME
        with (
            closing(database.connect_read_only(file_of(config, FROM_SERVER))) as source,
            closing(sqlite3.connect(copy)) as made,
        ):
            source.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
        yield copy, f"{STATE}/{DATABASE_NAME}"
        copy.unlink()
        yield config.path, CONFIGURATION
        for name in _copied(state, Path(scratch)):
            yield Path(scratch) / name, f"{STATE}/{name.as_posix()}"


def _copied(state: Path, scratch: Path) -> list[Path]:
    """Copy what lies beside the database as it is at one moment: keys and certificates may be renewed meanwhile, and a
    board's old key without the new one, which has just taken its place, would lock the board out."""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError):  # moved meanwhile
            seen = _seen(state)
            for name in seen:
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(state / name, scratch / name)
            if _seen(state) == seen:
                return list(seen)
    raise BackupError(
        "its files change all the time",
        where=str(state),
        remedy="Try again once boards have connected and been renewed",
    )


def _seen(state: Path) -> dict[Path, tuple[int, int, int]]:
    """Files that belong into a backup by name, with what distinguishes two states of each."""
    found = {}
    for path in sorted(state.rglob("*")):
        name = path.relative_to(state)
        if not path.is_file() or path.is_symlink() or name.parts[0] in _LEFT_OUT or name.name.startswith("."):
            continue  # a name with a dot is half of a file that is being written
        if name.name.startswith(DATABASE_NAME) or path.suffix in (".sock", ".lock", ".tmp"):
            continue
        stat = path.stat()
        found[name] = stat.st_mtime_ns, stat.st_size, stat.st_ino
    return found


def _add(archive: tarfile.TarFile, path: Path, name: str) -> str:
    info = archive.gettarinfo(path, name)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    with path.open("rb") as file:
        archive.addfile(info, file)
    return name


def _unpack(source: Path, passphrase: str, folder: Path) -> list[str]:
    """Everything into `folder`; only plain files with names below it."""
    names: list[str] = []
    with source.open("rb") as file:
        stream = _Source(opened(file, passphrase, str(source)))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                parts = Path(member.name).parts
                if not member.isfile() or member.name.startswith("/") or ".." in parts:
                    raise BackupError(f"holds {member.name!r}", where=str(source), remedy=_FOREIGN)
                if len(names) >= _FILES_MAX or member.size > shutil.disk_usage(folder).free:
                    needs = f"{member.size / 1e6:.0f} MB for {member.name}" if len(names) < _FILES_MAX else "more files"
                    raise BackupError(
                        f"needs {needs}", where=str(source), remedy="Give a folder on a disk that has room for it"
                    )
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                content = archive.extractfile(member)
                assert content is not None
                with target.open("wb") as out:
                    os.chmod(target, member.mode & 0o700)
                    shutil.copyfileobj(content, out)
                names.append(member.name)
        stream.drain()
    return names


def _check_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        try:
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            verdict = str(error)
    if verdict != "ok":
        raise StoreError(f"the database in it is damaged ({verdict})", where=str(path.name), remedy="Check the disk")


class _Pipe(io.RawIOBase):
    """Gives tarfile's output to a sealer."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._sealer.write(bytes(data))


class _Source(io.RawIOBase):
    """What comes piece by piece, as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size or size < 0:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        given, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return given

    def drain(self) -> None:
        """Read to the end: the last record proves that nothing is cut off."""
        for _ in self._pieces:
            pass
