"""The board as a whole: reads, decides and switches every second; keeps state, clock, commands and records together."""

import gc

from . import codes
from .commands import Clock, Commands, nothing
from .events import Events, crash, last_line
from .journal import Journal
from .life import Life
from .state import BAD_BOOTS_MAX, GOOD_BOOT_S, State
from .telemetry import Recorder
from .zone import Zone

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from .commands import Outcome
    from .config import Config, Limits
    from .hardware import Hardware
    from .update import Update
    from .uptime import Uptime

# Safe mode after three boots in a row shorter than a minute: the safety loop with the local rule runs alone for so
# long, and twice as long after each further bad boot, so that what crashes beside it cannot keep the road cold.
ALONE_S = 900
ALONE_MAX_S = 21_600
UNLOCK_S = 3  # maintenance key turned for so long and back: a person has looked, latches go
LAST_GOOD = "+last-good"  # behind the version in hello: a newest file is not in force, its last good copy is
SILENT_MAX = 2  # samples: an input that cannot be read is known to be so within them
STUCK_MAX = 3  # seconds in a row that a contactor could not be opened: a reset lets go of the pins


class Board:
    """config, limits: checked; hardware: `rh.hardware.Hardware` or its like; uptime: `rh.uptime.Uptime`.

    hold_s: how long off after power return; set_clock: called with each UTC second that the supervisor sets.
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
        self._limits = limits
        # Nothing here changes after the check.
        self.settings: "tuple[Any, ...]" = (config, limits) + tuple(config.zones) + tuple(limits.zones.values())
        self._hardware = hardware
        self._circuits = hardware.circuits
        self._uptime = uptime
        self.t = t = uptime.now()
        names = [zone.id for zone in config.zones]
        self.state = state = State(names)
        self.events = Events(state.boot)
        self.restart = False  # a reset is asked for
        self.alone_s = 0  # uptime before which nothing runs beside the safety loop
        more = state.bad_boots - BAD_BOOTS_MAX
        if more >= 0:
            self.alone_s = t + min(ALONE_MAX_S, ALONE_S << min(more, 5))
            self.log("safe mode", "{} bad starts, local rule alone until {} s".format(state.bad_boots, self.alone_s))
        self.zones = [Zone(z.id, z.power_w, limits.of(z.id), t, t + hold_s, state.latched[z.id]) for z in config.zones]
        for zone in self.zones:
            zone.safety.on_time.restore(state.on_s[zone.id])
            if state.armed[zone.id]:
                zone.control.rule.rearm(t)
        self.clock = Clock(limits.period_s, set_clock)
        self.update: "Update | None" = None  # a program under way or ready
        others: "dict[str, Callable[[dict[str, Any]], Outcome]]" = {"trust": self._renew, "update": self._update}
        self.commands = Commands(config.board, limits, self.zones, self.clock, state, others)
        self.recorder = Recorder(state.boot, self.zones, self.clock)
        self.life = self.recorder.life = Life(names)
        self.journal = Journal("journal", self.recorder.size)
        if state.rearranged:  # before the state is saved: a power cut in between does it again
            self.log("journal", "other zones than at the last start: {} records dropped".format(self.journal.clear()))
        try:
            state.save()
        except Exception as e:  # the boot goes on; the next change is saved, or tried, again
            self.log("state", e)
        self._good_at = self.alone_s + GOOD_BOOT_S  # in safe mode not before the others have run beside it
        self._good = False
        self._key_s = 0
        self._converted = True
        self._earth_silent = [0] * len(self.zones)  # samples in a row without an answer
        self._cut_out_silent = [0] * len(self.zones)
        self._stuck_s = 0

    def tick(self) -> None:
        """The safety loop's second. Takes no lock, waits for nothing, allocates almost nothing.

        An input whose driver raises has given no answer. Raises only what a reset must answer: no memory left, a
        contactor that cannot be opened.
        """
        self.t = t = self._uptime.now()
        locked = _answer(self._hardware.locked)
        if locked:
            self._key_s += 1
        elif locked is None:
            locked = True  # off, but nobody has turned a key
            self._key_s = 0
        elif self._key_s:
            self._key_turned_back()
        phase = self.clock.phase
        circuits = self._circuits
        zones = self.zones
        converted = self._converted
        stuck = False
        for i in range(len(zones)):
            zone = zones[i]
            circuit = circuits[i]
            on = zone.tick(
                t,
                phase,
                _answer(circuit.surface_mc) if converted else None,
                _answer(circuit.cable_mc) if converted else None,
                _answer(circuit.moisture_permille),
                _answer(circuit.power_w) or 0,  # as a broken wire: with the contactor closed, a broken cable
                self._tripped(circuit.earth_fault, self._earth_silent, i),
                locked,
                _answer(circuit.energy_wh),
                self._tripped(circuit.cut_out, self._cut_out_silent, i),
                _answer(circuit.leakage_ma),
            )
            try:
                circuit.switch(on)
            except Exception as e:
                stuck = True
                self.log("contactor of " + zone.id, e)
            if zone.flags & codes.CONTACTOR_WELDED:
                _answer(circuit.trip)
        self.life.follow(zones)
        self._converted = self._convert()
        self._stuck_s = self._stuck_s + 1 if stuck else 0
        if self._stuck_s >= STUCK_MAX:
            raise OSError("a contactor cannot be switched")
        if not self._good and t > self._good_at:
            self._good = True
            self.state.good_boot()
        try:
            self.state.follow(self.zones)
        except Exception as e:
            self.log("state", e)

    def _tripped(self, ask: "Callable[[], bool]", silent: "list[int]", i: int) -> bool:
        """An earth-fault or cut-out input that gives no answer twice in a row counts as a fault."""
        answer: "bool | None" = _answer(ask)
        if answer is None:
            silent[i] += 1
            return silent[i] >= SILENT_MAX
        silent[i] = 0
        return answer

    def _convert(self) -> bool:
        """Start the thermometers; where that fails, what they say next is old."""
        try:
            self._hardware.convert()
            return True
        except Exception:
            return False

    def _key_turned_back(self) -> None:
        if self._key_s >= UNLOCK_S:
            self.clear_latches()
        self._key_s = 0

    def clear_latches(self) -> None:
        """A person has looked at the place. What is still wrong latches again."""
        for circuit in self._circuits:
            _answer(circuit.clear)
        for zone in self.zones:
            zone.safety.clear()
        self.log("latches cleared", "by hand")

    def busy(self) -> bool:
        """Whether a road is heated, or may need heat soon: no time for a restart that is not urgent."""
        for zone in self.zones:
            control = zone.control
            if zone.relay.on or control.duty or (control.rule.armed and zone.surface.value < self._limits.lockout_mc):
                return True
        return False

    def _update(self, message: "dict[str, Any]") -> "Outcome":
        """An `update` command: fetch another program, or start the one that has been fetched."""
        from . import update  # rarely

        return update.command(self, message)

    def _renew(self, message: "dict[str, Any]") -> "Outcome":
        """Keep what a `trust` command brings; the link goes by it from its next session."""
        from . import seal, trust  # rarely

        pinned, why, _ = seal.pick(self._config.ca)
        if pinned is None:
            raise OSError(why)
        return (codes.OK if trust.accept(message, self._config, pinned) else codes.MALFORMED), nothing

    def hello(self, version: str) -> "dict[str, Any]":
        """Fields of the wire's hello."""
        from . import slot

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
            "im": slot.said(),
            "st": self._config.stale,
            "cr": last_line(crash()),
        }

    def log(self, what: str, detail: object) -> None:
        """A line on the console and one on flash; nothing secret ever goes in. Never raises: a console may be gone."""
        try:
            print("{} {}: {}".format(self.t, what, detail))
        except Exception:
            pass
        clock = getattr(self, "clock", None)  # while the board is being made it has none
        self.events.add(self.t, 0 if clock is None else clock.utc(self.t), what, detail)


def _answer(ask: "Callable[[], Any]") -> "Any":
    """What a driver says, None where it raises. Without memory: once more after a collection, then it is the loop's."""
    try:
        return ask()
    except MemoryError:
        gc.collect()
        return ask()
    except Exception:
        return None
