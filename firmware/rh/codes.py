"""Codes of the wire (docs/nomenclature.md): who decides, status and fault bits, results of commands."""

try:
    from micropython import const
except ImportError:  # CPython
    const = int  # type: ignore[assignment]


INTERLOCK = const(1)
MAINTENANCE = const(2)
OVERRIDE = const(3)
PLAN = const(4)
LOCAL = const(5)

OVER_TEMPERATURE = const(1)
SENSOR_IMPLAUSIBLE = const(2)
EARTH_FAULT = const(4)
CONTACTOR_WELDED = const(8)
CABLE_BROKEN = const(16)
MAX_ON_TIME = const(32)
SELF_TEST_PENDING = const(64)
CLOCK_INVALID = const(128)
LATCHED = const(256)
POWER_RETURN_HOLD = const(512)
MOISTURE_IMPLAUSIBLE = const(1024)
METER_SILENT = const(2048)
THERMAL_CUT_OUT = const(4096)
LEAKAGE_HIGH = const(8192)

# What keeps a zone off whatever is commanded. Without clock, moisture sensor or meter the local rule still heats. A
# broken cable blocks between its retries only: `Safety.resting`.
BLOCKING = const(1 | 2 | 4 | 8 | 32 | 64 | 256 | 512 | 4096)

OK = const(0)
STALE_SEQUENCE = const(1)
OLD_EPOCH = const(2)
UNKNOWN_ZONE = const(3)
OUT_OF_LIMITS = const(4)
MALFORMED = const(5)
WRONG_BOARD = const(6)
STORE_FAILED = const(7)
NOT_NOW = const(8)  # while a road needs heat, or the running program is not proved

NO_READING_MC = const(-273150)  # sent for a temperature that is not known
NO_MOISTURE = const(-1)
NO_POWER = const(-1)  # of a meter that does not answer
NO_LEAKAGE = const(-1)  # where nothing measures it
STANDBY = const(-1)  # a slot's duty: the local rule with the plan's thresholds
