from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest

from supervisor.domain.errors import ConfigError
from supervisor.wire.keys import load_key, load_or_create_key
from supervisor.wire.pki import ensure_pki


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, server_name: str) -> None:
    """Run a TLS handshake in memory; raises ssl.SSLError where the client refuses the server."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    a = client.wrap_bio(to_client, to_server, server_hostname=server_name)
    b = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[ssl.SSLObject] = set()
    for _ in range(10):
        for end in (a, b):
            if end not in done:
                try:
                    end.do_handshake()
                    done.add(end)
                except ssl.SSLWantReadError:
                    pass
        if len(done) == 2:
            return
    raise AssertionError("handshake did not end")


def test_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "b01.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert load_or_create_key(path) == key
    assert load_or_create_key(tmp_path / "keys" / "b02.key") != key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32, "00" * 33])
def test_damaged_key_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b01.key"
    path.write_text(content)
    with pytest.raises(ConfigError) as error:
        load_key(path)
    assert error.value.where == str(path)
    assert error.value.remedy


def test_board_that_pins_the_authority_accepts_the_server_and_no_other(tmp_path: Path) -> None:
    pki, stranger = ensure_pki(tmp_path / "a", "roadheat"), ensure_pki(tmp_path / "b", "roadheat")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.server_pem, pki.server_key)
    handshake(server, ssl.create_default_context(cadata=pki.ca_der.read_bytes()), "roadheat")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(cadata=stranger.ca_der.read_bytes()), "roadheat")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(cadata=pki.ca_der.read_bytes()), "elsewhere")


def test_new_server_name_keeps_the_authority(tmp_path: Path) -> None:
    first = ensure_pki(tmp_path, "roadheat")
    authority, server = first.ca_der.read_bytes(), first.server_pem.read_bytes()
    assert ensure_pki(tmp_path, "roadheat").server_pem.read_bytes() == server
    assert ensure_pki(tmp_path, "192.0.2.7").server_pem.read_bytes() != server
    assert first.ca_der.read_bytes() == authority
