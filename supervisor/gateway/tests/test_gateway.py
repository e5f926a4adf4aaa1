"""A real client over TLS plays the board; what it may and may not do."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec
import pytest

from supervisor.config import Config, load
from supervisor.control.metrics import Metrics
from supervisor.domain.errors import StoreError
from supervisor.gateway.gateway import Gateway
from supervisor.gateway.session import BATCH_FRAMES, BoardSession
from supervisor.gateway.tests.board_client import BoardClient, hello, sample, telemetry, until
from supervisor.wire.authentication import seal_report
from supervisor.wire.keys import load_key, load_or_create_key, next_path
from supervisor.wire.messages import FRAME_ZONES_MAX, Ack, Hello, ResultFrame, Telemetry
from supervisor.wire.pki import ensure_pki, switch
from supervisor.wire.renewal_files import begin
from supervisor.wire.reports import Damaged

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"


@dataclass
class RecordingControl:
    """Control, reduced to what the gateway needs: it acknowledges and remembers."""

    attached: list[Hello] = field(default_factory=list)
    links: list[BoardSession] = field(default_factory=list)
    detached: list[BoardSession] = field(default_factory=list)
    kept: list[tuple[str, int]] = field(default_factory=list)
    results: list[ResultFrame] = field(default_factory=list)
    broken: list[Damaged] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    fail: bool = False

    def __post_init__(self) -> None:
        self.hold.set()

    def attach(self, link: BoardSession, hello: Hello) -> None:
        self.attached.append(hello)
        self.links.append(link)

    def detach(self, link: BoardSession) -> None:
        self.detached.append(link)

    async def answered(self, link: BoardSession, result: ResultFrame) -> None:
        if self.fail and result.q == 0:
            raise StoreError("disk full")
        self.results.append(result)

    async def damaged(self, link: BoardSession, frames: Sequence[Damaged]) -> None:
        self.broken += frames

    async def heard(self, link: BoardSession, hello: Hello, frames: Sequence[Telemetry]) -> None:
        await self.hold.wait()
        if self.fail:
            raise StoreError("disk full")
        self.kept += [(link.board_id, frame.q) for frame in frames]
        link.send(msgspec.json.encode(Ack(b=link.board_id, boot=hello.boot, q=tuple(frame.q for frame in frames))))


@dataclass
class City:
    config: Config
    control: RecordingControl
    metrics: Metrics
    gateway: Gateway
    http: aiohttp.ClientSession
    tls: ssl.SSLContext

    def refused(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("roadheat_frames_refused_total", {"reason": reason}) or 0.0

    def key(self, board: str) -> bytes:
        return load_or_create_key(self.config.board_key_path(board))

    async def dial(self, board: str = "b01", key: bytes | None = None) -> BoardClient:
        own = self.key(board) if key is None else key
        return await BoardClient.dial(self.http, self.gateway.address, self.tls, own)

    async def join(self, board: str = "b01", key: bytes | None = None) -> BoardClient:
        client = await self.dial(board, key)
        await client.send(hello(board))
        return client


@asynccontextmanager
async def run_city(path: Path, connections_max: int | None = None) -> AsyncIterator[City]:
    (path / "weather.csv").write_text("time_utc\n")
    text = EXAMPLE.read_text().replace("127.0.0.1:8443", "127.0.0.1:0")
    (path / "city.toml").write_text(text)
    config = load(path / "city.toml")
    for board in config.board:
        load_or_create_key(config.board_key_path(board.id))
    pki = ensure_pki(config.pki_dir, config.boards.server_name)
    control, metrics = RecordingControl(), Metrics()
    tls = ssl.create_default_context(cadata=pki.ca_der.read_bytes())
    async with (
        Gateway(config, pki, control, metrics, connections_max=connections_max) as gateway,
        aiohttp.ClientSession() as http,
    ):
        yield City(config, control, metrics, gateway, http, tls)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    async with run_city(tmp_path) as running:
        yield running


async def test_board_that_knows_its_key_is_served_and_acknowledged(city: City) -> None:
    board = await city.join()
    await board.send(telemetry(1))
    ack = await board.receive()
    assert ack == Ack(b="b01", boot=3, q=(1,))
    await board.send(ResultFrame(ep=1, q=9, rc=0))
    await board.send(telemetry(2))
    await board.receive()
    assert city.control.attached == [hello()]
    assert city.control.results == [ResultFrame(ep=1, q=9, rc=0)]
    assert city.control.kept == [("b01", 1), ("b01", 2)]
    await board.ws.close()


async def test_telemetry_that_could_not_be_kept_is_not_acknowledged(city: City) -> None:
    board = await city.join()
    city.control.fail = True
    await board.send(telemetry(1))
    await board.send(ResultFrame(ep=1, q=1, rc=0))
    await until(lambda: bool(city.control.results))
    city.control.fail = False
    await board.send(telemetry(1))
    assert (await board.receive()).q == (1,)
    assert city.control.kept == [("b01", 1)]


@pytest.mark.parametrize("board", ["b99", "../pki/ca", ""])
async def test_unknown_board_is_refused_logged_once_and_counted(
    city: City, board: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        stranger = await city.join(board, key=bytes(32))
        assert await stranger.closed() == 1008
    assert city.refused("unknown-board") == 3
    assert sum("unknown-board" in record.getMessage() for record in caplog.records) == 1
    assert city.control.attached == []


async def test_hello_with_another_key_is_refused(city: City) -> None:
    board = await city.join("b01", key=city.key("b02"))
    assert await board.closed() == 1008
    assert city.refused("bad-mac") == 1
    assert city.control.attached == []


async def test_hello_recorded_in_another_session_is_refused(city: City) -> None:
    first, second = await city.dial(), await city.dial()
    await second.ws.send_str(first.seal(hello()))
    assert await second.closed() == 1008
    assert city.refused("bad-mac") == 1


async def test_forged_telemetry_ends_the_session_and_is_never_kept(city: City) -> None:
    board = await city.join()
    await board.ws.send_str(board.seal(telemetry(1)).replace("60000", "90000"))
    assert await board.closed() == 1008
    assert city.refused("bad-mac") == 1
    assert city.control.kept == []


@pytest.mark.parametrize("payload", ['{"t":"tel"}', '{"t":"tel","boot":1.5}', "[1 2]", '{"t":"open-sesame"}', "\x00"])
async def test_malformed_frame_with_a_good_mac_ends_the_session(city: City, payload: str) -> None:
    board = await city.join()
    await board.ws.send_str(seal_report(board.key, board.nonce, payload.encode()).decode())
    assert await board.closed() == 1008
    assert city.refused("malformed") == 1


async def test_one_bad_value_costs_its_own_part_and_no_session(city: City) -> None:
    board = await city.join()
    good = msgspec.json.encode(telemetry(1, sample("z01"), sample("z02"))).decode()
    for payload in (good.replace("60000", "-60000", 1), good.replace('"up":22', '"up":10000000000000')):
        await board.ws.send_str(seal_report(board.key, board.nonce, payload.encode()).decode())
    await board.send(telemetry(2))
    while not any(key == ("b01", 2) for key in city.control.kept):
        await board.receive()
    assert city.control.kept == [("b01", 1), ("b01", 2)]  # the first with its other zone
    assert [(frame.q, frame.kept is not None) for frame in city.control.broken] == [(1, True), (1, False)]
    assert len(city.control.attached) == 1


async def test_frame_above_1024_bytes_ends_the_session(city: City) -> None:
    board = await city.join()
    await board.ws.send_str("x" * 1025)
    assert await board.closed() in (1006, 1009)
    await until(lambda: bool(city.control.detached))
    assert city.refused("oversize") == 1


async def test_newer_session_of_a_board_takes_the_place_of_the_older(city: City) -> None:
    older = await city.join()
    await older.send(telemetry(1))
    await older.receive()
    newer = await city.join()
    assert await older.closed() == 1008
    await newer.send(telemetry(2))
    assert (await newer.receive()).q == (2,)
    assert city.control.detached == [city.control.links[0]]


async def test_board_that_floods_is_closed_and_memory_stays_bounded(city: City) -> None:
    city.control.hold.clear()  # the store takes its time
    board = await city.join()
    for q in range(1000):
        if board.ws.closed:
            break
        await board.send(telemetry(q))
        await asyncio.sleep(0)
    assert await board.closed() == 1008
    assert city.refused("flood") == 1


async def test_slow_commit_holds_up_no_ping_and_no_other_board(city: City) -> None:
    city.control.hold.clear()
    slow = await city.join("b01")
    await slow.send(telemetry(1))
    other = await city.join("b02")
    await slow.ws.ping()
    for _ in range(3):
        await other.ws.ping()
    city.control.hold.set()
    await other.send(telemetry(7))
    assert (await other.receive()).q == (7,)
    assert (await slow.receive()).q == (1,)


async def test_backlog_is_acknowledged_in_batches_in_order(city: City) -> None:
    city.control.hold.clear()
    board = await city.join()
    for q in range(100):
        await board.send(telemetry(q))
    city.control.hold.set()
    acknowledged: list[int] = []
    while len(acknowledged) < 100:
        ack = await board.receive()
        assert isinstance(ack, Ack)
        assert len(ack.q) <= BATCH_FRAMES
        acknowledged += ack.q
    assert acknowledged == list(range(100))


async def test_session_that_takes_nothing_is_closed(city: City) -> None:
    board = await city.join()
    await until(lambda: bool(city.control.links))
    for _ in range(100):
        city.control.links[0].send(b"{}")
    await until(lambda: bool(city.control.detached))
    assert city.refused("slow") == 36  # 64 fit
    await board.ws.close()


async def test_stranger_without_tls_and_stranger_authority(city: City) -> None:
    host, port = city.gateway.address
    _, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET /board/v1 HTTP/1.1\r\n\r\n")
    await writer.drain()
    await until(lambda: city.refused("tls") == 1)
    writer.close()
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await city.http.ws_connect(f"https://{host}:{port}/board/v1", server_hostname="roadheat")


async def test_silent_connection_is_dropped_after_the_hello_deadline(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.gateway.listener.HELLO_S", 0.5)
    host, port = city.gateway.address
    reader, writer = await asyncio.open_connection(host, port, ssl=city.tls, server_hostname="roadheat")
    writer.write(b"GET /board/v1 HTTP/1.1\r\nHost: x")  # and never an end
    await writer.drain()
    assert await reader.read() == b""
    assert city.refused("silent") == 1
    board = await city.join()  # one that says hello stays
    await asyncio.sleep(0.7)
    await board.send(telemetry(1))
    await board.receive()
    assert city.refused("silent") == 1


async def test_revoked_key_ends_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.gateway.gateway.REVOKE_CHECK_S", 0.02)
    async with run_city(tmp_path) as city:
        board = await city.join()
        await board.send(telemetry(1))
        await board.receive()
        city.config.board_key_path("b01").unlink()
        assert await board.closed() == 1008
        assert city.refused("revoked") == 1
        again = await city.join(key=board.key)
        assert await again.closed() == 1008
        assert city.refused("unknown-board") == 1


async def test_a_board_may_use_its_old_key_until_it_has_used_the_next(city: City) -> None:
    path = city.config.board_key_path("b01")
    old, new = city.key("b01"), load_or_create_key(next_path(path))
    before = await city.join(key=old)
    await before.send(telemetry(1))
    await before.receive()
    after = await city.join(key=new)
    await after.send(telemetry(2))
    assert (await after.receive()).q == (2,)
    assert load_key(path) == new
    again = await city.join(key=old)
    assert await again.closed() == 1008
    assert city.refused("bad-mac") == 1


async def test_the_next_connections_get_a_renewed_certificate(city: City) -> None:
    directory = city.config.pki_dir
    begin(directory, city.config.boards.server_name)
    switch(directory)
    city.gateway.renew_certificate()
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await city.dial()
    city.tls.load_verify_locations(cadata=(directory / "ca.der").read_bytes())
    board = await city.join()
    await board.send(telemetry(1))
    assert (await board.receive()).q == (1,)


async def test_half_of_a_new_certificate_leaves_the_one_in_use(city: City) -> None:
    newer = ensure_pki(city.config.pki_dir / "newer", city.config.boards.server_name)
    shutil.copy(newer.server_pem, city.config.pki_dir / "server.pem")
    with pytest.raises(ssl.SSLError):
        city.gateway.renew_certificate()
    board = await city.join()
    await board.send(telemetry(1))
    assert (await board.receive()).q == (1,)


async def test_more_boards_than_handshake_slots_all_get_in(tmp_path: Path) -> None:
    async with run_city(tmp_path) as city:
        city.gateway._listener._acceptor._free = 2  # type: ignore[union-attr]
        boards = await asyncio.gather(*(city.join(board.id) for board in city.config.board))
        for board in boards:
            await board.send(telemetry(1))
            await board.receive()
        assert len(city.control.attached) == 6
        shutil.rmtree(city.config.pki_dir)


def test_samples_of_a_full_board_fit_a_frame() -> None:
    frame = telemetry(
        2**31, *(sample(f"zone-of-16-chars{n}"[:16], power_w=390_000, dev_wh=2**31) for n in range(FRAME_ZONES_MAX))
    )
    assert len(msgspec.json.encode(frame)) + 65 <= 1024


async def test_a_part_that_cannot_be_recorded_loses_no_other_part_of_its_batch(city: City) -> None:
    board = await city.join()
    await until(lambda: bool(city.control.attached))
    city.control.hold.clear()
    await board.send(telemetry(1))  # holds the handler, so that the next frames are one batch
    await asyncio.sleep(0.05)
    for number in range(3):
        await board.send(ResultFrame(ep=1, q=number, rc=0))
    await asyncio.sleep(0.05)
    city.control.fail = True
    city.control.hold.set()
    await until(lambda: len(city.control.results) == 2)
    assert [result.q for result in city.control.results] == [1, 2]
    await board.ws.close()


async def test_a_board_that_goes_during_the_upgrade_is_no_error(city: City, caplog: pytest.LogCaptureFixture) -> None:
    async def gone(self: object, request: object) -> None:
        raise ConnectionResetError("Cannot write to closing transport")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiohttp.web.WebSocketResponse.prepare", gone)
        with pytest.raises(aiohttp.ClientError):
            await city.dial()
    await (await city.join()).send(telemetry(1))
    await until(lambda: bool(city.control.kept))
    assert [record for record in caplog.records if record.exc_info] == []
