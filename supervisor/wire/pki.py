"""The private certificate authority that boards pin, and the certificate of the board listener.

ECDSA P-256 throughout: an ESP32 verifies it in tens of milliseconds. Dates are wide on purpose: a board that has
lost its clock starts at its flashed minimum date, and what protects a board is the pinned authority, not the date.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from supervisor.domain.errors import ConfigError
from supervisor.wire.keys import write_private

FILES = ("ca.pem", "ca.der", "ca.key", "server.pem", "server.key")
NEXT = "next"  # folder of the authority that boards are being given
PREVIOUS = "previous"  # folder of the one that they are to forget; without its key, which signs nothing any more
SWITCHING = "switching"  # file in `next`: its files are on their way into force
NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)  # before any board's minimum date
NOT_AFTER = datetime(2049, 12, 31, tzinfo=UTC)  # the last year that X.509 writes with two digits


class Pki(Struct, frozen=True):
    """Paths of the files. Boards carry `ca_der`; `ca_key` signs the next server certificate."""

    ca_pem: Path
    ca_der: Path
    ca_key: Path
    server_pem: Path
    server_key: Path


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _make_ca(pki: Pki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "roadheat boards CA")])
    certificate = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(pki.ca_key, _pem(key))
    write_private(pki.ca_der, certificate.public_bytes(serialization.Encoding.DER))
    write_private(pki.ca_pem, certificate.public_bytes(serialization.Encoding.PEM))


def _alternative_name(server_name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(server_name))
    except ValueError:
        return x509.DNSName(server_name)


def _make_server(pki: Pki, server_name: str) -> None:
    with _readable(pki.ca_pem, _CA_REMEDY):
        ca = x509.load_pem_x509_certificate(pki.ca_pem.read_bytes())
    with _readable(pki.ca_key, _CA_REMEDY):
        ca_key = serialization.load_pem_private_key(pki.ca_key.read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server_name)]), ca.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative_name(server_name)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write_private(pki.server_key, _pem(key))
    write_private(pki.server_pem, certificate.public_bytes(serialization.Encoding.PEM))


def _names_server(path: Path, server_name: str) -> bool:
    with _readable(path, f"Delete {path}: it is made again at the next start"):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _alternative_name(server_name) in names


def _is_pair(pki: Pki) -> bool:
    """Whether the server's certificate and key are both there and belong together."""
    if not (pki.server_pem.exists() and pki.server_key.exists()):
        return False
    with _readable(pki.server_pem, _server_remedy(pki)):
        certificate = x509.load_pem_x509_certificate(pki.server_pem.read_bytes())
    with _readable(pki.server_key, _server_remedy(pki)):
        key = serialization.load_pem_private_key(pki.server_key.read_bytes(), None)
    return key.public_key() == certificate.public_key()


def _server_remedy(pki: Pki) -> str:
    return f"Delete {pki.server_pem}: it is made again at the next start"


def ensure_pki(directory: Path, server_name: str) -> Pki:
    """Authority and server certificate in `directory`, made where missing.

    The authority is made once: boards pin it. The server certificate is made again when `server_name` changes, and when
    its key is another's: its renewal writes two files, and a crash or a full disk may come between them.
    Raises ConfigError where a file is damaged or they do not belong together.
    """
    finish_switch(directory)
    pki = Pki(*(directory / name for name in FILES))
    if not pki.ca_pem.exists():
        _make_ca(pki)
    if not (_is_pair(pki) and _names_server(pki.server_pem, server_name)):
        _make_server(pki, server_name)
    _check(pki)
    return pki


def renew_server(directory: Path, server_name: str) -> None:
    """A new server certificate of the same authority, in place of the one in force."""
    pki = Pki(*(directory / name for name in FILES))
    _make_server(pki, server_name)
    _check(pki)


def switch(directory: Path) -> None:
    """Put the authority in `next` into force. The old one's key is gone then."""
    write_private(directory / NEXT / SWITCHING, b"")
    finish_switch(directory)


def finish_switch(directory: Path) -> None:
    """The rest of a switch that a crash has interrupted; nothing where there is none."""
    following = directory / NEXT
    if not (following / SWITCHING).exists():
        return
    if (following / "ca.pem").exists():  # moved last: until then the old one is what lies here
        for name in ("ca.pem", "ca.der"):
            if not (directory / PREVIOUS / name).exists():
                write_private(directory / PREVIOUS / name, (directory / name).read_bytes())
    for name in reversed(FILES):
        if (following / name).exists():
            (following / name).replace(directory / name)
    shutil.rmtree(following)


_CA_REMEDY = "Put it back from a backup: boards trust this authority only"


@contextmanager
def _readable(path: Path, remedy: str) -> Iterator[None]:
    """A damaged or unreadable file as a sentence."""
    try:
        yield
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound) as error:
        what = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is damaged"
        raise ConfigError(f"this file of the boards' certificates {what}", where=str(path), remedy=remedy) from error


def _check(pki: Pki) -> None:
    """Raise ConfigError where authority and server certificate do not belong together: no board would come."""
    with _readable(pki.ca_pem, _CA_REMEDY):
        ca = x509.load_pem_x509_certificate(pki.ca_pem.read_bytes())
    with _readable(pki.ca_der, f"Make it again: openssl x509 -in {pki.ca_pem} -outform der -out {pki.ca_der}"):
        if x509.load_der_x509_certificate(pki.ca_der.read_bytes()) != ca:
            raise ValueError
    server = x509.load_pem_x509_certificate(pki.server_pem.read_bytes())
    try:
        server.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise ConfigError(
            "not signed by the authority in ca.pem", where=str(pki.server_pem), remedy=_server_remedy(pki)
        ) from error
