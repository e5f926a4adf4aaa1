"""The private certificate authority that boards pin, and the certificate of the board listener.

ECDSA P-256 throughout: an ESP32 verifies it in tens of milliseconds. Dates are wide on purpose: a board that has
lost its clock starts at its flashed minimum date, and what protects a board is the pinned authority, not the date.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from supervisor.wire.keys import write_private

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
    ca = x509.load_pem_x509_certificate(pki.ca_pem.read_bytes())
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
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _alternative_name(server_name) in names


def ensure_pki(directory: Path, server_name: str) -> Pki:
    """Authority and server certificate in `directory`, made where missing.

    The authority is made once: boards pin it. The server certificate is made again when `server_name` changes.
    """
    pki = Pki(*(directory / name for name in ("ca.pem", "ca.der", "ca.key", "server.pem", "server.key")))
    if not pki.ca_pem.exists():
        _make_ca(pki)
    if not (pki.server_pem.exists() and pki.server_key.exists() and _names_server(pki.server_pem, server_name)):
        _make_server(pki, server_name)
    return pki
