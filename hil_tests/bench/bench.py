"""The bench: a district of emulated boards on a road plant, with the real service, in lock-step on virtual time.

    with Bench(config_path, weather=storm, start_utc_s=t) as bench:
        bench.flash()                       # stock mpremote, as an engineer does
        bench.start_supervisor()
        bench.advance(30 * 3600)
        bench.zones["z01"].truth, bench.violations

In each quantum all boards run through a stretch of time at once, then the service through the same stretch until it is
idle; the plant takes what the contactors did, to the millisecond, and every relay edge is checked by the invariants.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hil_tests.bench.board_watch import BoardWatch
from hil_tests.bench.crew import Crew
from hil_tests.bench.guests import Guests
from hil_tests.bench.images import write_board
from hil_tests.bench.invariants import Invariants, Violation
from hil_tests.bench.recorder import Recorder
from hil_tests.bench.roads import PLANT_MS, Roads, plant_of
from hil_tests.bench.service_record import ServiceRecord
from hil_tests.bench.supervisor_process import SupervisorProcess, serve_command
from hil_tests.bench.wiring import BEAT_PIN, EARTH_PIN, LOCK_PIN, Fit, wire
from hil_tests.bench.zone import BenchError, BenchZone
from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import Edge, EmulatedBoard, Wiring
from hil_tests.vm.realtime import running
from supervisor.config import Config, load
from supervisor.domain.weather import WeatherSeries
from supervisor.store.place import DATABASE_NAME
from tools.flashing import flash
from tools.on_boards import on_all

# The plant's step and the telemetry's period. A request and its answer take one quantum, so the time-outs of a steady
# session (ping 15 s, send 20 s) are longer.
QUANTUM_MS = 10_000
DIAL_QUANTUM_MS = 2000  # while a board dials and says hello, where time-outs are 10 s
MINUTE_MS = 60_000
_TALK_ROUNDS = 40  # exchanges without time passing after a dial: TCP, TLS, upgrade, challenge, plans


class Bench:
    """A running district. One thread calls it; the boards' consoles are served by another."""

    def __init__(
        self,
        config: Path | Config,
        *,
        start_utc_s: float,
        weather: WeatherSeries | None = None,
        seed: int = 1,
        command: Sequence[str] | None = None,
        limits: dict[str, int] | None = None,
        fit: Fit | None = None,
    ) -> None:
        """`weather`: the plant's; default what the service's file says. `command` starts the service. `limits` replace
        those of the configuration. `fit`: how boards are fitted.
        """
        self.config = config if isinstance(config, Config) else load(config)
        self.folder = self.config.state_dir / "bench"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start_utc_s = start_utc_s
        self.seed = seed
        self.now_ms = 0
        self.service_ahead_s = 0.0  # of the service's time of day
        plant = plant_of(self.config, weather, start_utc_s, seed)
        self._relay = ConsoleRelay()

        fitted = fit or Fit()

        def make(name: str, wiring: Wiring) -> EmulatedBoard:
            return fitted.board(name, self.folder, wiring, self._relay, seed)

        wired = wire(self.config, make, limits, fitted)
        self.boards, self.zones, self._relays = wired.boards, wired.zones, wired.relays
        self._trips = wired.trips
        self._power_on_ms: dict[str, int] = {}
        self._ordered = [self.zones[zone.id] for zone in self.config.zone]
        self.supervisor = SupervisorProcess(command or serve_command(self.config.path), self.folder)
        self.crew = Crew(self)
        in_force = {**msgspec.structs.asdict(self.config.limits), **(limits or {})}
        self.invariants = Invariants(self.config.feeder, self._ordered, in_force, start_utc_s)
        record = ServiceRecord(self.config.state_dir / DATABASE_NAME)
        self.invariants.liveness.service = record
        self.watch = BoardWatch(self.boards, self.zones, record, self.invariants.tell)
        self.guests = Guests()
        self.recorder = Recorder(self.config.zone, self.config.feeder, start_utc_s)
        self.on_minute: list[Callable[[Bench], None]] = []
        self._resets_seen = dict.fromkeys(self.boards, 0)
        self._typed = dict.fromkeys(self.boards, 0)
        self.roads = Roads(plant, self._ordered)

    # -- start, power, faults ---------------------------------------------------------------------------------------

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        self.guests.close()
        self.supervisor.kill()
        for board in self.boards.values():
            board.close()
        self._relay.close()

    @property
    def utc_s(self) -> float:
        return self.start_utc_s + self.now_ms / 1000

    @property
    def violations(self) -> list[Violation]:
        return self.invariants.violations

    def flash(self) -> None:
        """Power the boards and put firmware and provisioned files on them with stock mpremote; then a power cycle."""
        for board in self.boards.values():
            board.power_on(self.now_ms)
        with running(list(self.boards.values()), self._relay, start_ms=self.now_ms):
            ports = {name: board.console.path for name, board in self.boards.items()}

            def one(name: str, port: str) -> str:
                flash(port, self.config.state_dir / "boards" / name)
                return "flashed"

            on_all(ports, one, "flash")
        for board in self.boards.values():
            board.power_off(self.now_ms)
            board.edges.clear()
            board.resets.clear()
        self.power_on()

    def write_flash(self) -> None:
        """The same without mpremote, for runs that are about something else."""
        for name, board in self.boards.items():
            write_board(board, self.config.state_dir / "boards" / name)
        self.power_on()

    def power_on(self) -> None:
        """Power all boards that have none, with the flash they have."""
        for board in self.boards.values():
            if not board.powered:
                board.power_on(self.now_ms)
                self._notice_resets()

    def power_cycle(self, name: str, off_s: float = 5.0) -> None:
        """Cut a board's power; it comes back after `off_s` of virtual time."""
        self.boards[name].power_off(self.now_ms)
        self._power_on_ms[name] = self.now_ms + round(off_s * 1000)

    def start_supervisor(self) -> None:
        self.supervisor.start(self.utc_s + self.service_ahead_s)

    def kill_supervisor(self) -> None:
        """SIGKILL, as in a power cut."""
        self.supervisor.kill()

    def set_earth_fault(self, board: str, fault: bool = True) -> None:
        self.boards[board].set_input(EARTH_PIN, int(fault))
        self.invariants.earth_fault(board, fault, self.now_ms)

    def set_maintenance_lock(self, board: str, locked: bool = True) -> None:
        self.boards[board].set_input(LOCK_PIN, int(locked))
        self.invariants.lock(board, locked, self.now_ms)

    # -- time -----------------------------------------------------------------------------------------------------

    def advance(
        self, seconds: float, *, until: Callable[[Bench], bool] | None = None, speed: float | None = None
    ) -> bool:
        """Let `seconds` pass, or less if `until(bench)` holds after a quantum; whether it did. `speed` caps the pace in
        simulated seconds per wall second.
        """
        end_ms = self.now_ms + round(seconds * 1000)
        quantum_ms = QUANTUM_MS if not speed else max(20, min(QUANTUM_MS, int(speed * 250)))
        begun, begun_ms = time.monotonic(), self.now_ms
        while self.now_ms < end_ms:
            to_plant = PLANT_MS - self.now_ms % PLANT_MS
            dials = any(board.connecting for board in self.boards.values())
            self.quantum(min(DIAL_QUANTUM_MS if dials else quantum_ms, quantum_ms, to_plant, end_ms - self.now_ms))
            if until is not None and until(self):
                return True
            if speed:
                ahead_s = (self.now_ms - begun_ms) / 1000 / speed - (time.monotonic() - begun)
                if ahead_s > 0:
                    time.sleep(ahead_s)
        return until is None

    def quantum(self, ms: int) -> None:
        """Let boards, service and plant run through `ms`."""
        for name, at_ms in list(self._power_on_ms.items()):
            if at_ms <= self.now_ms:
                del self._power_on_ms[name]
                self.boards[name].power_on(self.now_ms)
        boards, service = list(self.boards.values()), self.supervisor
        with self._relay.quiet:
            service.hold()
            for board in boards:
                board.grant(ms)
            for board in boards:
                board.collect()
            service.grant(ms)
            self.now_ms += ms
            self._live_through(ms)
            service.settled()
            self._let_talk([board for board in boards if board.connecting])
        if self.now_ms % MINUTE_MS == 0:
            for hook in self.on_minute:
                hook(self)

    def _let_talk(self, boards: list[EmulatedBoard]) -> None:
        """Boards that have just dialled exchange bytes with the service while virtual time is stopped."""
        for _ in range(_TALK_ROUNDS):
            if not boards:
                return
            for board in boards:
                board.grant(0)
            for board in boards:
                board.collect()
            boards = [board for board in boards if board.heard]
            self.supervisor.grant(0)
            self.supervisor.settled()

    def _live_through(self, ms: int) -> None:
        """Account for what the contactors did in the last `ms`, then move the plant."""
        self._notice_console()
        self._notice_resets()
        began_ms = self.now_ms - ms
        edges: list[tuple[Edge, BenchZone]] = []
        for name, board in self.boards.items():
            if board.edges:
                known = self._relays[name]
                edges += [(edge, known[edge.pin]) for edge in board.edges if edge.pin in known]
                for edge in board.edges:
                    if edge.pin == BEAT_PIN and edge.level >= 0:
                        self.watch.beat(name, edge.at_ms)
                    elif edge.pin in self._trips[name]:
                        edges.append((edge, self._trips[name][edge.pin]))
                board.edges.clear()
        if len(edges) > 1:
            edges.sort(key=lambda pair: pair[0].at_ms)
        since_ms = began_ms
        for edge, zone in edges:
            at_ms = min(max(edge.at_ms, since_ms), self.now_ms)
            self.roads.energise(at_ms - since_ms)
            since_ms = at_ms
            if edge.pin != zone.wiring["relay_pin"]:
                zone.trip(edge.level == 1)
                self._load()
                continue
            closed = edge.level == zone.wiring["relay_active"]
            if closed != zone.closed:
                zone.closed = closed
                self.invariants.edge(zone, closed, at_ms)
                self._load()
        self.roads.energise(self.now_ms - since_ms)
        if self.supervisor.running:
            for name, board in self.boards.items():
                if board.linked:
                    self.invariants.contact(name, self.now_ms)
        self.invariants.tick(self.now_ms)
        self.watch.tick(self.now_ms, self.supervisor.running)
        if self.now_ms % PLANT_MS == 0:
            self.roads.move()
        if self.now_ms % MINUTE_MS == 0:
            self.recorder.minute(self)
            self.watch.minute(self.now_ms)

    def _load(self) -> None:
        """Power per zone and feeder this instant."""
        self.roads.load()
        self.recorder.load(self.invariants.feeder_load(self.now_ms))

    def _notice_console(self) -> None:
        for name, board in self.boards.items():
            if self._typed[name] != board.console.typed:
                self._typed[name] = board.console.typed
                self.invariants.liveness.typed(name, self.now_ms)

    def _notice_resets(self) -> None:
        for name, board in self.boards.items():
            while self._resets_seen[name] < len(board.resets):
                at_ms, cause = board.resets[self._resets_seen[name]]
                self._resets_seen[name] += 1
                self.invariants.reset(name, at_ms, cause)
                self.watch.reset(name, at_ms, cause)

    def zone(self, name: str) -> BenchZone:
        if name not in self.zones:
            raise BenchError(f"no zone `{name}`", remedy=f"Known: {', '.join(self.zones)}")
        return self.zones[name]
