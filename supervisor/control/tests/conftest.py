"""Parts of control on a manual clock and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from firmware.rh import VERSION
from supervisor.control.alarms import Alarms
from supervisor.control.degraded import Degradations
from supervisor.control.dispatch import Dispatcher
from supervisor.control.live import LiveState
from supervisor.control.metrics import Metrics
from supervisor.control.monitoring import Monitoring
from supervisor.control.overrides import Overrides
from supervisor.domain.zone import Feeder, Layer, Zone
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store
from supervisor.wire.messages import Ack, ClockCommand, Hello, OverrideCommand, PlanCommand, ToBoard

START_UTC_S = 1_703_808_000.0  # 29 December 2023, 00:00 UTC
_LAYERS = (Layer("asphalt", 0.1), Layer("base", 0.3))


def make_zone(zone_id: str, board: str, relay: int, **changes: int) -> Zone:
    return Zone(
        id=zone_id, name=zone_id, board=board, relay=relay, feeder="f1", power_w=60_000, area_m2=200.0,
        layers=_LAYERS, **changes,
    )  # fmt: skip


ZONES = (make_zone("z01", "b01", 0), make_zone("z02", "b01", 1, override_max_min=120), make_zone("z03", "b02", 0))
FEEDERS = (Feeder("f1", contract_kw=120.0, breaker_kw=200.0),)


@dataclass
class RecordingLink:
    """The gateway's end of a session: keeps the frames to send."""

    board_id: str
    sent: list[ToBoard] = field(default_factory=list)

    def send(self, payload: bytes) -> None:
        self.sent.append(msgspec.json.decode(payload, type=ToBoard))

    def plans(self) -> list[PlanCommand]:
        return [command for command in self.sent if isinstance(command, PlanCommand)]

    def overrides(self) -> list[OverrideCommand]:
        return [command for command in self.sent if isinstance(command, OverrideCommand)]

    def acks(self) -> list[Ack]:
        return [command for command in self.sent if isinstance(command, Ack)]

    def clocks(self) -> list[ClockCommand]:
        return [command for command in self.sent if isinstance(command, ClockCommand)]


def greet(board: str = "b01", *, ep: int = 0, q: int = 0, up: int = 100, boot: int = 3) -> Hello:
    zones = tuple(zone.id for zone in ZONES if zone.board == board)
    return Hello(b=board, fw=VERSION, boot=boot, ep=ep, q=q, up=up, utc=0, z=zones)


class Setup:
    """What a start of the service makes, without listeners and loops."""

    def __init__(self, store: Store, clock: ManualClock, background: Background, epoch: int) -> None:
        self.store, self.clock, self.background = store, clock, background
        self.metrics = Metrics()
        self.live = LiveState(ZONES, clock)
        self.alarms = Alarms(clock, self.metrics)
        self.degradations = Degradations(clock)
        self.overrides = Overrides(store.overrides, self.live, clock)
        self.dispatcher = Dispatcher(
            epoch, self.live, self.overrides, Monitoring(self.alarms, self.metrics), clock, background
        )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_UTC_S)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "roadheat.db", clock)
    yield opened
    await opened.close()


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    async with Background() as tasks:
        yield tasks


@pytest.fixture
async def setup(store: Store, clock: ManualClock, background: Background) -> Setup:
    return Setup(store, clock, background, await store.epochs.next())
