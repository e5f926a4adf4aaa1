"""The board as a whole: reads, decides and switches each second; keeps state, clock, commands and records together."""

from . import codes
from .commands import Clock, Commands
from .journal import Journal
from .state import BAD_BOOTS_MAX, GOOD_BOOT_S, State
from .telemetry import Recorder
from .zone import Zone

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from .config import Config, Limits
    from .hardware import Hardware
    from .uptime import Uptime

BAD_BOOT_HOLD_S = 900  # three boots in a row shorter than a minute: no heat for so long, the link still comes up
UNLOCK_S = 3  # maintenance key turned for so long and back: a person has looked, latches go
LAST_GOOD = "+last-good"  # behind the version in hello: a newest file is not in force, its last good copy is


class Board:
    """config, limits: checked; hardware: `rh.hardware.Hardware` or its like; uptime: `rh.uptime.Uptime`.

    hold_s: how long off after power return; set_clock: told each UTC second the supervisor sets.
    """

    def __init__(
        self,
        config: "Config",
        limits: "Limits",
        hardware: "Hardware",
        uptime: "Uptime",
        hold_s: int,
        set_clock: "Callable[[int], None] | None" = None,
    ) -> None:
        self._config = config
        self._hardware = hardware
        self._circuits = hardware.circuits
        self._uptime = uptime
        self.t = t = uptime.now()
        names = [zone.id for zone in config.zones]
        self.state = state = State(names)
        if state.bad_boots >= BAD_BOOTS_MAX:
            hold_s = max(hold_s, BAD_BOOT_HOLD_S)
        try:
            state.save()
        except OSError as e:
            self.log("state", e)
        self.zones = [Zone(z.id, z.power_w, limits, t, t + hold_s, state.latched[z.id]) for z in config.zones]
        for zone in self.zones:
            zone.safety.on_time.restore(state.on_s[zone.id])
            if state.armed[zone.id]:
                zone.control.rule.rearm(t)
        self.clock = Clock(limits.period_s, set_clock)
        self.commands = Commands(config.board, limits, self.zones, self.clock, state)
        self.recorder = Recorder(state.boot, self.zones, self.clock)
        self.journal = Journal("journal", self.recorder.size)
        self._good = False
        self._key_s = 0

    def tick(self) -> None:
        """The safety loop's second. Takes no lock, waits for nothing, allocates nothing to speak of."""
        self.t = t = self._uptime.now()
        locked = self._hardware.locked()
        if locked:
            self._key_s += 1
        elif self._key_s:
            self._key_turned_back()
        phase = self.clock.phase
        circuits = self._circuits
        zones = self.zones
        for i in range(len(zones)):
            zone = zones[i]
            circuit = circuits[i]
            on = zone.tick(
                t,
                phase,
                circuit.surface_mc(),
                circuit.cable_mc(),
                circuit.moisture_permille(),
                circuit.power_w(),
                circuit.earth_fault(),
                locked,
            )
            circuit.switch(on)
            if zone.flags & codes.CONTACTOR_WELDED:
                circuit.trip()
        self._hardware.convert()
        if not self._good and t > GOOD_BOOT_S:
            self._good = True
            self.state.good_boot()
        self.state.follow(self.zones)

    def _key_turned_back(self) -> None:
        if self._key_s >= UNLOCK_S:
            self.clear_latches()
        self._key_s = 0

    def clear_latches(self) -> None:
        """A person has looked at the place. What is still wrong latches again."""
        for circuit in self._circuits:
            circuit.earth_clear()
        for zone in self.zones:
            zone.safety.clear()
        self.log("latches cleared", "by hand")

    def hello(self, version: str) -> "dict[str, Any]":
        """Fields of the wire's hello."""
        state = self.state
        return {
            "t": "hello",
            "b": self._config.board,
            "fw": version + LAST_GOOD if self._config.stale else version,
            "life": state.life,
            "boot": state.boot,
            "ep": state.ep,
            "q": state.q,
            "up": self.t,
            "utc": self.clock.utc(self.t),
            "z": [zone.id for zone in self.zones],
        }

    def log(self, what: str, detail: object) -> None:
        """One line on the console; nothing secret ever goes in."""
        print("{} {}: {}".format(self.t, what, detail))
