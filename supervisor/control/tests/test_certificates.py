"""Certificates that end within 30 days, or cannot be read, raise an alarm until they are replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from supervisor.control.alarms import Alarms
from supervisor.control.certificates import Certificates
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import ManualClock
from supervisor.wire.pki import ensure_pki

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(days: float) -> bytes:
    """One that ends so many days after NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "heat.example")])
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW - timedelta(days=60)).not_valid_after(NOW + timedelta(days=days))
    )  # fmt: skip
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_an_end_within_30_days_is_said_until_the_file_is_replaced(tmp_path: Path) -> None:
    clock = ManualClock(NOW.timestamp())
    alarms = Alarms(clock, Metrics())
    web, pki = tmp_path / "heat.pem", ensure_pki(tmp_path / "pki", "roadheat")
    look = Certificates({"web": web, "boards": pki.server_pem, "boards CA": pki.ca_pem}, alarms, clock).look
    web.write_bytes(certificate(31))
    look()
    assert alarms.standing() == []
    clock.advance(2 * 86_400)
    look()
    [alarm] = alarms.standing()
    assert (alarm.code, alarm.subject) == (AlarmCode.CERTIFICATE_ENDS, "web")
    assert "2026-02-01" in alarm.text
    web.write_bytes(certificate(90))
    look()
    assert alarms.standing() == []
    web.write_bytes(certificate(90) + certificate(3))  # the chain counts
    look()
    assert alarms.stands(AlarmCode.CERTIFICATE_ENDS, "web")
    for content in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff" * 100):
        web.write_bytes(content)
        look()
        assert alarms.stands(AlarmCode.CERTIFICATE_ENDS, "web")
    web.unlink()
    look()
    assert alarms.stands(AlarmCode.CERTIFICATE_ENDS, "web")
