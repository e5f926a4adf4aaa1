"""Servers that a board must withstand: wrong certificates, no TLS, half a handshake, garbage after it, silence.

Each listens at the address of the service, in threads of its own and in real time.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha1

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hil_tests.bench.zone import BenchError
from supervisor.config import Config
from supervisor.config.listen import split_listen
from supervisor.wire.pki import ensure_pki

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_PATIENCE_S = 30.0  # wall: the longest that a handler waits for a board whose time is stopped
_TLS_RECORD = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"  # the head of a ServerHello, and no more

Handler = Callable[["HostileServer", socket.socket], None]


class HostileServer:
    """Listens at `config.boards.listen` while entered; `calls` counts connections, `hellos` those after a handshake."""

    def __init__(self, config: Config, kind: str) -> None:
        if kind not in KINDS:
            raise BenchError(f"no server `{kind}`", remedy=f"Known: {', '.join(sorted(KINDS))}")
        self.config = config
        self.calls = 0
        self.hellos = 0
        self._handle = KINDS[kind]
        self._folder = config.state_dir / "hostile"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._context: ssl.SSLContext | None = None
        self._ended = threading.Event()

    def __enter__(self) -> HostileServer:
        host, port = split_listen(self.config.boards.listen)
        self._listener = socket.create_server((host, port), backlog=64)
        self._listener.settimeout(0.2)
        self._thread = threading.Thread(target=self._accept, name="hostile", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.calls += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(_PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), sock:  # how the board reacts is seen at the board
            self._handle(self, sock)

    def hold(self, sock: socket.socket) -> None:
        """Read until the peer gives up, send nothing."""
        while not self._ended.is_set() and sock.recv(4096):
            pass

    def tls(self, sock: socket.socket, certificate: Callable[[HostileServer], ssl.SSLContext]) -> ssl.SSLSocket:
        """Handshake; raises OSError where the board refuses."""
        if self._context is None:
            self._context = certificate(self)
        wrapped = self._context.wrap_socket(sock, server_side=True)
        self.hellos += 1
        return wrapped

    def context(self, *, trusted: bool = True, days_left: int = 365, name: str = "") -> ssl.SSLContext:
        """A certificate of our CA or of another, that ends so many days from now, for the right or another name."""
        pki = ensure_pki(self.config.pki_dir, self.config.boards.server_name)
        issuer = x509.load_pem_x509_certificate(pki.ca_pem.read_bytes()).subject
        signer = serialization.load_pem_private_key(pki.ca_key.read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        if not trusted:
            signer = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        host = name or self.config.boards.server_name
        now = datetime.now(UTC)  # the VM's TLS compares with the real clock
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3650))
            .not_valid_after(now + timedelta(days=days_left))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        return self._load(
            made.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )

    def _load(self, certificate: bytes, key: bytes) -> ssl.SSLContext:
        own, secret = self._folder / "server.pem", self._folder / "server.key"
        own.write_bytes(certificate)
        secret.write_bytes(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own, secret)
        return context


def _certificate(make: Callable[[HostileServer], ssl.SSLContext]) -> Handler:
    def handle(server: HostileServer, sock: socket.socket) -> None:
        server.hold(server.tls(sock, make))

    return handle


def _http(server: HostileServer, sock: socket.socket) -> None:
    """A web server without TLS at the port: it answers the ClientHello with an error page."""
    sock.recv(4096)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\nConnection: close\r\n\r\nbad request")
    server.hold(sock)


def _half_handshake(server: HostileServer, sock: socket.socket) -> None:
    sock.recv(4096)
    sock.sendall(_TLS_RECORD)
    server.hold(sock)


def _upgraded(server: HostileServer, sock: socket.socket) -> ssl.SSLSocket:
    """A proper handshake and upgrade: as with a stolen key of the certificate, without the boards' keys."""
    tls = server.tls(sock, HostileServer.context)
    request = b""
    while b"\r\n\r\n" not in request:
        request += tls.recv(4096)
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    proof = b64encode(sha1(key.partition(b":")[2].strip() + _GUID).digest())
    tls.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + proof + b"\r\n\r\n"
    )
    return tls


def _text(payload: bytes) -> bytes:
    n = len(payload)
    return (bytes((0x81, n)) if n < 126 else bytes((0x81, 126, n >> 8, n & 255))) + payload


_NONCE = _text(b'{"t":"nonce","n":"0123456789abcdef0123456789abcdef"}')


def _silent_session(server: HostileServer, sock: socket.socket) -> None:
    tls = _upgraded(server, sock)
    tls.sendall(_NONCE)
    server.hold(tls)


def _garbage_session(server: HostileServer, sock: socket.socket) -> None:
    """A nonce, then frames without a MAC, and bytes that are not frames."""
    rng = random.Random(server.calls)
    tls = _upgraded(server, sock)
    tls.sendall(_NONCE)
    tls.recv(4096)
    for body in (b"[" * 900, b'{"t":"ack","b":"b01","boot":1,"q":[[]]}', b'{"ep":1e999}', rng.randbytes(500)):
        tls.sendall(_text(body + b"\n" + b"0" * 64 if len(body) < 900 else body))
    if server.calls % 2:
        tls.sendall(rng.randbytes(700))
    server.hold(tls)


def _garbage_nonce(server: HostileServer, sock: socket.socket) -> None:
    tls = _upgraded(server, sock)
    tls.sendall(_text(b"[" * 1000))
    server.hold(tls)


def _flood(server: HostileServer, sock: socket.socket) -> None:
    """Upgrades, then sends pings and pongs as fast as they are taken."""
    tls = _upgraded(server, sock)
    tls.sendall(_NONCE)
    for _ in range(50):
        tls.sendall(b"\x89\x02ab" + b"\x8a\x00" * 400)
    server.hold(tls)


def _junk(server: HostileServer, sock: socket.socket) -> None:
    """A proper certificate, and no word of HTTP behind it."""
    tls = server.tls(sock, HostileServer.context)
    tls.sendall(random.Random(server.calls).randbytes(8_000))
    server.hold(tls)


KINDS: dict[str, Handler] = {
    "untrusted": _certificate(lambda server: server.context(trusted=False)),
    "expired": _certificate(lambda server: server.context(days_left=-1)),
    "misnamed": _certificate(lambda server: server.context(name="elsewhere")),
    "http": _http,
    "silent_tcp": lambda server, sock: server.hold(sock),
    "half_handshake": _half_handshake,
    "silent_session": _silent_session,
    "garbage_session": _garbage_session,
    "garbage_nonce": _garbage_nonce,
    "flood": _flood,
    "junk": _junk,
}
