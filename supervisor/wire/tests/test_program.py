"""A program file is whole, or it is refused with the reason."""

from __future__ import annotations

import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.errors import ConfigError
from supervisor.wire.program import LIST_MAX_BYTES, SIGNATURE_BYTES, load_program
from supervisor.wire.update_files import Failure, Order, Progress, Wish, load_order, load_progress, save

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
FILES = {"rh/__init__.mpy": b"M\x06" + b"x" * 90, "rh/profile.json": b"{}", "drivers/ds18b20.mpy": b"M\x06"}


def listing(files: dict[str, bytes] = FILES) -> str:
    rows = "".join(f"{len(raw)} {sha256(raw).hexdigest()} {path}\n" for path, raw in files.items())
    return f"version 0.3.0\nmodel roadheat-1\nchips ESP32\nbytecode 6\nfiles {len(files)}\n{rows}"


def written(path: Path, **changed: bytes) -> Path:
    parts = {"list": listing().encode(), "signature": bytes(SIGNATURE_BYTES), **FILES}
    parts |= {name.replace("__", "/", 1) if name not in parts else name: raw for name, raw in changed.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in parts.items():
            if raw != b"-":
                archive.writestr(name, raw)
    return path


def test_pieces(tmp_path: Path) -> None:
    program = load_program(written(tmp_path / "p.zip"))
    assert program.version == "0.3.0"
    assert program.identity == sha256(listing().encode()).hexdigest()
    content = b"".join(FILES.values())
    assert program.piece(2, 0, 600) == content
    assert program.piece(2, 50, 10) == content[50:60]
    assert program.piece(0, 0, 4) == b"vers"
    assert program.piece(2, 10_000, 600) == b""
    assert program.piece(3, 0, 600) == b""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"signature": b"short"}, "signature"),
        ({"signature": b"-"}, "signature"),
        ({"list": b"-"}, "list"),
        ({"list": listing().replace("files 3", "files 4").encode()}, "not complete"),
        ({"list": listing().replace("version 0.3.0", "version 3").encode()}, "not complete"),
        ({"list": listing().replace("rh/profile.json", "../../profile").encode()}, "not complete"),
        ({"list": "version 0.3.0\n한글".encode()}, "ascii"),
        ({"list": b"x" * (LIST_MAX_BYTES + 1)}, "above"),
        ({"rh__profile.json": b"{!"}, "not what the list says"),
        ({"rh__profile.json": b"-"}, "profile"),
    ],
)
def test_what_is_not_whole(tmp_path: Path, changed: dict[str, bytes], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load_program(written(tmp_path / "p.zip", **changed))


def test_what_is_no_zip_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"PK not really")
    for path in (tmp_path / "p.zip", tmp_path / "none.zip", tmp_path):
        with pytest.raises(ConfigError):
            load_program(path)


@given(data=st.data())
def test_a_damaged_file_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("programs") / "p.zip"
    with zipfile.ZipFile(written(path)) as archive, zipfile.ZipFile(packed := path.with_name("q.zip"), "w") as other:
        kind = data.draw(st.sampled_from(PACKINGS))
        for name in archive.namelist():
            other.writestr(name, archive.read(name), kind)
    raw = bytearray(packed.read_bytes())
    whole = load_program(packed)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] ^= data.draw(st.integers(1, 255))
    packed.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    try:
        found = load_program(packed)
    except ConfigError:
        return
    assert found.parts[2] == whole.parts[2], "the list vouches for what is handed out"


def test_order_and_progress(tmp_path: Path) -> None:
    assert load_order(tmp_path) is None
    assert load_progress(tmp_path) == Progress()
    order = Order(id="a", version="0.3.0", identity="0" * 64, boards=("b01",), by="engineer", wish=Wish.PAUSE)
    save(tmp_path, order)
    assert load_order(tmp_path) == order
    progress = Progress(order="a", started={"b01": 3.0}, failed={"b02": Failure("no room")})
    save(tmp_path, progress)
    assert load_progress(tmp_path) == progress
    (tmp_path / "order.json").write_bytes(b"{")
    (tmp_path / "progress.json").write_bytes(b"{")
    with pytest.raises(ConfigError, match="Order the update again"):
        load_order(tmp_path)
    assert load_progress(tmp_path) == Progress()
