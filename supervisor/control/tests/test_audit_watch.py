"""Audit entries reach real syslog servers, in order and after gaps; an altered log raises an alarm."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor.config.audit_rules import SyslogTarget, syslog_target
from supervisor.control import audit_watch
from supervisor.control.alarms import Alarms
from supervisor.control.audit_watch import AuditCheck, AuditForwarder
from supervisor.control.metrics import Metrics
from supervisor.control.syslog import connected, message
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import ManualClock, SystemClock
from supervisor.store import DATABASE_NAME, Store
from supervisor.store.audit import DAY_S, AuditRecord
from supervisor.trust_stage import start_audit
from supervisor.wire.pki import ensure_pki

T0 = 1_703_980_800
ENTRY = AuditRecord(7, T0, "김하나", "override", 'z01: "]\\ ice\n\x1b[31m', "ab" * 32, False)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / DATABASE_NAME, SystemClock())
    yield opened
    await opened.close()


class Server:
    """A syslog server over TCP or TLS that reads counted frames."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.connections: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0, context: ssl.SSLContext | None = None) -> int:
        self._server = await asyncio.start_server(self._read, "127.0.0.1", port, ssl=context)
        return int(self._server.sockets[0].getsockname()[1])

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        try:
            while count := await reader.readuntil(b" "):
                self.messages.append((await reader.readexactly(int(count))).decode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self.connections:
            connection.transport.abort()

    def ids(self) -> list[int]:
        return [int(re.search(r' id="(\d+)"', text)[1]) for text in self.messages]  # type: ignore[index]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_a_message_has_the_form_of_rfc_5424() -> None:
    text = message(ENTRY, "서버 heat-1", 42).decode()
    assert re.fullmatch(
        r"<86>1 2023-12-31T00:00:00Z heat-1 roadheat 42 override "
        r'\[roadheat@32473 id="7" user="김하나" action="override" hash="(ab){32}"\] \ufeff김하나: override: .*', text
    )  # fmt: skip
    assert "\n" not in text
    assert "\x1b" not in text
    hostile = AuditRecord(7, T0, 'x" y="]\\', "a b" * 30, "d", "", False)
    assert '[roadheat@32473 id="7" user="x\\" y=\\"\\]\\\\"' in message(hostile, "", 1).decode()
    assert " - roadheat 1 " + "ab" * 16 + " [" in message(hostile, "", 1).decode()


def forwarder(store: Store, target: SyslogTarget, ca: Path | None = None) -> tuple[AuditForwarder, Alarms]:
    alarms = Alarms(SystemClock(), Metrics())
    return AuditForwarder(store.audit, store.values, target, ca, alarms, SystemClock()), alarms


async def test_entries_go_out_in_order_and_none_is_missing_after_a_gap(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_watch, "LOOK_S", 0.02)
    monkeypatch.setattr(audit_watch, "RETRY_S", (0.05, 0.05))
    monkeypatch.setattr(audit_watch, "LATE_S", 0.2)
    monkeypatch.setattr(audit_watch, "BATCH", 3)
    server = Server()
    port = await server.start()
    for number in range(7):
        await store.audit.append("Kim", "override", f"z{number}")
    sending, alarms = forwarder(store, SyslogTarget("tcp", "127.0.0.1", port))
    task = asyncio.create_task(sending.run())
    await until(lambda: server.ids() == [1, 2, 3, 4, 5, 6, 7])
    await server.stop()
    await store.audit.append("Kim", "override", "in the gap")
    await until(lambda: alarms.stands(AlarmCode.AUDIT_NOT_SENT, ""))
    again = Server()
    await again.start(port)
    await until(lambda: 8 in again.ids())
    assert set(again.ids()) <= {7, 8}  # the last batch comes twice: nobody acknowledged it
    await until(lambda: not alarms.stands(AlarmCode.AUDIT_NOT_SENT, ""))
    task.cancel()
    # A new start goes on where this one was.
    await store.audit.append("Kim", "cancel", "z0")
    sending, _ = forwarder(store, SyslogTarget("tcp", "127.0.0.1", port))
    task = asyncio.create_task(sending.run())
    await until(lambda: again.ids()[-1] == 9)
    task.cancel()
    await again.stop()


async def test_tls_needs_a_certificate_that_is_trusted(store: Store, tmp_path: Path) -> None:
    pki, stranger = ensure_pki(tmp_path / "pki", "localhost"), ensure_pki(tmp_path / "other", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_pem, pki.server_key)
    server = Server()
    target = SyslogTarget("tls", "localhost", await server.start(0, context))
    async with connected(target, pki.ca_pem) as sender:
        await sender.send([message(ENTRY, "h", 1)])
        await until(lambda: server.ids() == [7])
    for ca in (stranger.ca_pem, None):
        with pytest.raises(OSError, match="certificate verify failed"):
            async with connected(target, ca):
                pass
    await server.stop()


async def test_udp_takes_one_message_a_datagram() -> None:
    got: list[bytes] = []

    class Receiver(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _address: Any) -> None:
            got.append(data)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    target = SyslogTarget("udp", "127.0.0.1", transport.get_extra_info("sockname")[1])
    async with connected(target) as sender:
        await sender.send([message(ENTRY, "h", 1)] * 2)
        await until(lambda: len(got) == 2)
    assert got[0].startswith(b"<86>1 2023")
    transport.close()


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("tls://log.example", SyslogTarget("tls", "log.example", 6514)),
        ("udp://10.0.0.5:5514", SyslogTarget("udp", "10.0.0.5", 5514)),
        ("tcp://[::1]:601/", SyslogTarget("tcp", "::1", 601)),
    ],
)
def test_an_address_is_read(text: str, target: SyslogTarget) -> None:
    assert syslog_target(text) == target


@pytest.mark.parametrize(
    "text", ["log.example", "http://log.example", "tls://", "tls://x:0", "tls://x:99999", "tls://x/y"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        syslog_target(text)


async def test_an_altered_log_raises_an_alarm_and_old_names_go(tmp_path: Path) -> None:
    """The key `names_days`."""
    clock = ManualClock(T0)
    store = Store.open(tmp_path / DATABASE_NAME, clock)
    alarms = Alarms(clock, Metrics())
    check = AuditCheck(store.audit, 730, alarms, clock)
    await store.audit.append("김하나", "override", "1 z01 on")
    await check.check()
    assert (await store.audit.after(0, 1))[0].user == "김하나"
    clock.advance(731 * DAY_S)
    await check.check()
    assert (await store.audit.after(0, 1))[0].user.startswith("person-")
    assert alarms.standing() == []
    await store.write(lambda db: db.execute("DROP TRIGGER audit_stands"))
    await store.write(lambda db: db.execute("UPDATE audit SET detail = 'entries 1 to 1: x' WHERE id = 2"))
    await check.check()
    [alarm] = alarms.standing()
    assert (alarm.code, "entry" in alarm.text) == (AlarmCode.AUDIT_ALTERED, True)
    await store.close()


def test_entries_are_sent_where_the_configuration_names_a_server() -> None:
    """The key `syslog`."""

    class Loops:
        def __init__(self) -> None:
            self.names: list[str] = []

        def keep(self, name: str, *_: Any) -> None:
            self.names.append(name)

    for syslog, names in (("", ["audit"]), ("udp://127.0.0.1", ["audit", "audit forwarding"])):
        loops, audit = Loops(), SimpleNamespace(names_days=730, syslog=syslog, syslog_ca="")
        base = SimpleNamespace(
            config=SimpleNamespace(audit=audit), store=SimpleNamespace(audit=None, values=None), alarms=None, clock=None
        )
        start_audit(loops, base)  # type: ignore[arg-type]
        assert loops.names == names
