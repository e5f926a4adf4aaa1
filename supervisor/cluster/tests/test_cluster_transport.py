"""Requests over a real NATS server: answered, refused, or given up in time; and what happens while it is away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from msgspec import Struct
from nats.aio.msg import Msg

from supervisor.cluster import transport
from supervisor.cluster.messages import Batch, BatchDone, Join, decode, encode
from supervisor.cluster.transport import Transport
from supervisor.domain.errors import ClusterError, ConfigError
from supervisor.gateway.tests.board_client import until
from supervisor.wire.pki import ensure_pki
from tools.servers import Nats, find_program, free_port, running_nats

pytestmark = [pytest.mark.nats, pytest.mark.timeout(60)]


async def asked(link: Transport, subject: str = "t", wait_s: float = 5.0) -> object:
    return await link.request(subject, Join("g"), BatchDone, wait_s)


async def test_a_request_is_answered_refused_or_given_up(nats_server: Nats) -> None:
    async def answer(raw: bytes) -> Struct | None:
        decode(raw, Join)
        return BatchDone(unknown=(4,))

    async def refuse(raw: bytes) -> Struct | None:
        decode(raw, Batch)
        raise AssertionError

    async def hang(_: bytes) -> Struct | None:
        await asyncio.Event().wait()
        return None

    async with Transport([nats_server.address], "core") as core, Transport([nats_server.address], "gateway") as link:
        await core.serve("t", answer)
        await core.serve("refuses", refuse)
        await core.serve("hangs", hang)
        await core.flush()
        assert await asked(link) == BatchDone(unknown=(4,))
        with pytest.raises(ClusterError) as refused:
            await asked(link, "refuses")
        assert refused.value.code == "malformed"
        began_s = time.monotonic()
        with pytest.raises(ClusterError) as silent:
            await asked(link, "hangs", 0.2)
        assert silent.value.code == "silent"
        assert time.monotonic() - began_s < 2
        with pytest.raises(ClusterError) as nobody:
            await asked(link, "nobody", 30)
        assert nobody.value.code == "nobody"


async def test_who_is_flooded_says_so_and_goes_on(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IN_WORK_MAX", 2)
    go = asyncio.Event()

    async def slow(_: bytes) -> Struct | None:
        await go.wait()
        return BatchDone()

    async with Transport([nats_server.address], "core") as core, Transport([nats_server.address], "gateway") as link:
        await core.serve("t", slow)
        await core.flush()
        asking = [asyncio.create_task(asked(link)) for _ in range(5)]
        done, _ = await asyncio.wait(asking, timeout=0.5)
        assert [getattr(task.exception(), "code", "") for task in done] == ["busy"] * 3
        go.set()
        assert sum(outcome == BatchDone() for outcome in await asyncio.gather(*asking, return_exceptions=True)) == 2
        assert await asked(link) == BatchDone()


async def test_while_nats_is_away_a_request_fails_at_once_and_afterwards_all_is_well(nats_server: Nats) -> None:
    seen: list[bytes] = []

    async def note(raw: bytes) -> Struct | None:
        seen.append(raw)
        return BatchDone()

    async with Transport([nats_server.address], "core") as core, Transport([nats_server.address], "gateway") as link:
        await core.serve("t", note)
        await core.flush()
        nats_server.kill()
        await asyncio.wait_for(until(lambda: not link.connected), 10)
        with pytest.raises(ClusterError) as away:
            await asked(link)
        assert away.value.code == "unconnected"
        await link.publish("t", Join("g"))
        await asyncio.to_thread(nats_server.start)
        await asyncio.wait_for(until(lambda: link.connected and core.connected), 10)
        await core.flush()  # the subscription is back a moment after the connection
        assert await asked(link) == BatchDone()
        assert len(seen) == 1  # nothing that was said meanwhile comes late


async def test_a_request_that_is_cancelled_as_its_answer_comes_is_cancelled(nats_server: Nats) -> None:
    """A loop that asks would go on for ever, and the process that ends would wait for it."""

    async def keep_silent(_: bytes) -> Struct | None:
        return None

    async with Transport([nats_server.address], "core") as core, Transport([nats_server.address], "gateway") as link:
        await core.serve("t", keep_silent)
        await core.flush()
        asking = asyncio.create_task(asked(link))
        await until(lambda: bool(link._client._resp_map))
        (answered,) = link._client._resp_map.values()
        answered.set_result(Msg(link._client, data=encode(BatchDone())))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_without_a_server_the_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_S", 0.5)
    with pytest.raises(ConfigError, match=r"no NATS server answers at nats://127\.0\.0\.1") as refused:
        async with Transport([f"nats://u:s3cret@127.0.0.1:{free_port()}"], "core"):
            pass
    assert "s3cret" not in str(refused.value)


async def test_a_server_elsewhere_that_lets_everybody_in_is_not_used(
    nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its address promised: the credentials are not even sent."""
    monkeypatch.setattr(transport, "CONNECT_S", 1.0)
    monkeypatch.setattr(transport, "is_local", lambda server: False)
    with pytest.raises(ConfigError, match="does not ask for TLS") as refused:
        async with Transport([nats_server.address], "core"):
            pass
    assert refused.value.where == "--nats"


async def test_with_users_and_a_certificate_a_server_elsewhere_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki = ensure_pki(tmp_path / "pki", "localhost")
    tls = ("--tls", "--tlscert", str(pki.server_pem), "--tlskey", str(pki.server_key))
    if find_program("nats-server") is None:
        pytest.skip("nats-server is not installed: make servers")
    monkeypatch.setattr(transport, "is_local", lambda server: False)
    monkeypatch.setattr(transport, "CONNECT_S", 2.0)
    with running_nats(tmp_path, *tls, "--user", "core", "--pass", "s3cret") as server:
        address = f"localhost:{server.port}"
        async with Transport([f"tls://core:s3cret@{address}"], "core", pki.ca_pem) as link:
            assert link.connected
        with pytest.raises(ConfigError, match="no NATS server answers"):
            async with Transport([f"tls://core:wrong@{address}"], "core", pki.ca_pem):
                pass
        with pytest.raises(ConfigError, match="no NATS server answers"):  # by an authority of nobody's
            async with Transport([f"tls://core:s3cret@{address}"], "core"):
                pass
