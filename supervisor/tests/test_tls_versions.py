"""Both listeners refuse versions of TLS before 1.2 and weak ciphers, and take 1.2 and 1.3."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable

import pytest

from supervisor.gateway.listener import server_context as board_context
from supervisor.web.certificate import server_context as web_context
from supervisor.wire.pki import Pki, ensure_pki
from supervisor.wire.tests.test_keys_pki import handshake

LISTENERS: dict[str, Callable[[Pki], ssl.SSLContext]] = {
    "boards": board_context,
    "web": lambda pki: web_context(pki.server_pem, pki.server_key),
}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return ensure_pki(tmp_path_factory.mktemp("pki"), "roadheat")


def client(pki: Pki, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks that version alone, with ciphers that OpenSSL keeps for old servers."""
    context = ssl.create_default_context(cadata=pki.ca_der.read_bytes())
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
    return context


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_older_tls_is_refused(pki: Pki, listener: str, version: ssl.TLSVersion) -> None:
    context = LISTENERS[listener](pki)
    context.set_ciphers("ALL:@SECLEVEL=0")  # the version decides, not what this OpenSSL thinks of old signatures
    with pytest.raises(ssl.SSLError, match=r"(?i)unsupported.protocol|protocol.version|no protocols"):
        handshake(context, client(pki, version), "roadheat")


def test_a_listener_that_allows_an_older_tls_would_be_noticed(pki: Pki) -> None:
    context = board_context(pki)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    handshake(context, client(pki, ssl.TLSVersion.TLSv1_1), "roadheat")


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_taken(pki: Pki, listener: str, version: ssl.TLSVersion) -> None:
    handshake(LISTENERS[listener](pki), client(pki, version), "roadheat")


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM8"])
def test_a_cipher_that_does_not_authenticate_well_is_refused(pki: Pki, listener: str, ciphers: str) -> None:
    context = ssl.create_default_context(cadata=pki.ca_der.read_bytes())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"(?i)no.shared.cipher|handshake.failure"):
        handshake(LISTENERS[listener](pki), context, "roadheat")


@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_what_a_board_and_a_phone_offer_is_taken(pki: Pki, ciphers: str) -> None:
    context = ssl.create_default_context(cadata=pki.ca_der.read_bytes())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    handshake(board_context(pki), context, "roadheat")
