"""Audit entries as syslog messages (RFC 5424), over UDP (RFC 5426), TCP (RFC 6587, counted) or TLS (RFC 5425)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, cast

from supervisor.config.audit_rules import SyslogTarget
from supervisor.store.audit import AuditRecord
from supervisor.terminal import visible

PRIORITY: Final = 10 * 8 + 6  # facility 10 (security), severity 6 (informational)
# Entries have no enterprise number of their own: 32473 is the one for documentation (RFC 5612).
STRUCTURE: Final = "roadheat@32473"
CONNECT_S: Final = 10.0
SEND_S: Final = 10.0
DATAGRAM_MAX_BYTES: Final = 2048  # every receiver takes as much (RFC 5424, 6.1)
_ID_MAX: Final = 32


class Sender(Protocol):
    """Sends messages in order; raises OSError or TimeoutError where they cannot be handed over."""

    async def send(self, messages: list[bytes]) -> None: ...


def _value(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _word(text: str, most: int) -> str:
    """Printable ASCII without spaces, "-" where nothing is left."""
    return "".join(letter for letter in text if 33 <= ord(letter) <= 126)[:most] or "-"


def message(record: AuditRecord, host: str, process: int) -> bytes:
    """One entry: its fields as structured data, and a text that people can read."""
    time = datetime.fromtimestamp(record.utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"id": str(record.id), "user": record.user, "action": record.action, "hash": record.hash}
    data = " ".join(f'{name}="{_value(visible(text))}"' for name, text in fields.items())
    head = f"<{PRIORITY}>1 {time} {_word(host, 255)} roadheat {process} {_word(record.action, _ID_MAX)}"
    text = visible(f"{record.user}: {record.action}: {record.detail}".replace("\n", " "))
    return f"{head} [{STRUCTURE} {data}] \ufeff{text}".encode("utf-8", "replace")


class _Stream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, messages: list[bytes]) -> None:
        if self._reader.at_eof():
            raise ConnectionResetError("the syslog server closed the connection")
        self._writer.write(b"".join(b"%d %s" % (len(each), each) for each in messages))
        await asyncio.wait_for(self._writer.drain(), SEND_S)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport | None = None
        self._error: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own class is not derived from it

    def error_received(self, error: Exception) -> None:
        self._error = error  # such as "connection refused" of this machine: said with the next message

    async def send(self, messages: list[bytes]) -> None:
        assert self.transport is not None
        for each in messages:
            self.transport.sendto(each[:DATAGRAM_MAX_BYTES])
        await asyncio.sleep(0)
        if self._error is not None:
            error, self._error = self._error, None
            raise OSError(str(error))


@asynccontextmanager
async def connected(target: SyslogTarget, ca: Path | None = None) -> AsyncIterator[Sender]:
    """A connection to the server. Raises OSError (also for a certificate that is not trusted) and TimeoutError.

    `ca`: PEM file of the authority that signed the server's certificate; None: those of this machine.
    """
    if target.transport == "udp":
        loop = asyncio.get_running_loop()
        transport, datagrams = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(target.host, target.port))
        try:
            yield datagrams
        finally:
            transport.close()
        return
    context = ssl.create_default_context(cafile=str(ca) if ca else None) if target.transport == "tls" else None
    reader, writer = await asyncio.wait_for(asyncio.open_connection(target.host, target.port, ssl=context), CONNECT_S)
    try:
        yield _Stream(reader, writer)
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):  # it is gone already
            await asyncio.wait_for(writer.wait_closed(), 2.0)
