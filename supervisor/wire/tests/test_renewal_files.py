"""A renewal of the authority: one at a time, and whole after a crash at any step."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from supervisor.domain.errors import ConfigError
from supervisor.wire import renewal_files
from supervisor.wire.keys import load_key, load_keys, load_or_create_key, next_path, promote
from supervisor.wire.pki import FILES, NEXT, PREVIOUS, ensure_pki, renew_server, switch
from supervisor.wire.renewal_files import authority, begin, forget_previous, hurry


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    ensure_pki(tmp_path, "roadheat")
    return tmp_path


def test_over_to_the_next_and_the_old_key_is_gone(directory: Path) -> None:
    old, key = authority(directory), (directory / "ca.key").read_bytes()
    made = begin(directory, "roadheat")
    assert made not in (b"", old)
    with pytest.raises(ConfigError, match="under way"):
        begin(directory, "roadheat")
    switch(directory)
    ensure_pki(directory, "roadheat")
    assert (authority(directory), authority(directory / PREVIOUS)) == (made, old)
    assert not any(key == path.read_bytes() for path in directory.rglob("*") if path.is_file())
    with pytest.raises(ConfigError, match="under way"):
        begin(directory, "roadheat")
    forget_previous(directory)
    begin(directory, "roadheat")


@pytest.mark.parametrize("step", range(12))
def test_a_crash_at_any_step_of_the_switch_is_finished_at_the_next_start(
    directory: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, made = authority(directory), begin(directory, "roadheat")
    steps = 0
    replace = os.replace

    def cut(*arguments: object) -> None:
        nonlocal steps
        steps += 1
        if steps > step:
            raise KeyboardInterrupt
        replace(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", cut)
    monkeypatch.setattr(Path, "replace", lambda path, target: cut(path, target))
    try:
        switch(directory)
    except KeyboardInterrupt:
        assert steps <= 8
    monkeypatch.undo()
    ensure_pki(directory, "roadheat")
    if step == 0:  # not begun
        assert authority(directory) == old
        switch(directory)
    assert authority(directory) == made
    assert authority(directory / PREVIOUS) == old
    assert not (directory / NEXT).exists()


def test_half_of_a_next_authority_is_none(directory: Path) -> None:
    begin(directory, "roadheat")
    for name in FILES:
        content = (directory / NEXT / name).read_bytes()
        (directory / NEXT / name).unlink()
        assert authority(directory / NEXT) == b""
        (directory / NEXT / name).write_bytes(content)
    (directory / NEXT / FILES[0]).unlink()
    assert begin(directory, "roadheat")


def test_nothing_waits_for_hurry(directory: Path) -> None:
    with pytest.raises(ConfigError, match="no renewal is waiting"):
        hurry(directory)
    begin(directory, "roadheat")
    hurry(directory)
    assert renewal_files.hurried(directory)


def test_a_new_server_certificate_is_of_the_same_authority(directory: Path) -> None:
    before = authority(directory), (directory / "server.pem").read_bytes()
    renew_server(directory, "roadheat")
    assert authority(directory) == before[0]
    assert (directory / "server.pem").read_bytes() != before[1]


@pytest.mark.parametrize("reason", [KeyboardInterrupt, OSError])
def test_a_server_certificate_renewed_by_half_is_made_again_at_the_next_start(
    directory: Path, reason: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, replace = authority(directory), Path.replace

    def cut(path: Path, target: Path) -> Path:
        if target.name == "server.pem":
            raise reason
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(reason):
        renew_server(directory, "roadheat")
    monkeypatch.undo()
    made = ensure_pki(directory, "roadheat")
    assert authority(directory) == before
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.server_pem, made.server_key)


def test_a_damaged_list_of_what_boards_trust_is_made_again(directory: Path) -> None:
    renewal_files.save_trusts(directory, {"b01": ("00112233",)})
    assert renewal_files.load_trusts(directory) == {"b01": ("00112233",)}
    (directory / renewal_files.TRUSTS).write_bytes(b'{"b01": 5}')
    assert renewal_files.load_trusts(directory) == {}


def test_two_keys_until_the_next_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "b01.key"
    old = load_or_create_key(path)
    new = load_or_create_key(next_path(path))
    assert load_keys(path) == [old, new]
    promote(path, old)
    assert load_keys(path) == [old, new]
    promote(path, new)
    assert load_keys(path) == [load_key(path)] == [new]
