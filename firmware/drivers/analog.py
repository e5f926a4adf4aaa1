"""Moisture probe, current transformer and residual-current monitor on ADC pins.

The ESP32's ADC reads nothing below 100 mV, so all idle above it.
"""

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from machine import ADC

DRY_MV = 200  # 0 ‰ of a probe that has not been calibrated
WET_MV = 2_200  # 1000 ‰
SPAN_MIN_MV = 200  # between them: with less the noise would be weather
FIELDS = {
    "moisture": {"pin": ("pin",), "dry_mv": (100, 2_900, DRY_MV), "wet_mv": (300, 3_100, WET_MV)},
    "power": {"pin": ("pin",), "w_per_mv": (1, 10_000)},
    "leakage": {"pin": ("pin",), "ua_per_mv": (1, 1_000), "zero_mv": (150, 1_000, 600)},
}
_ALIVE_UV = 100_000
_NO_CURRENT_UV = 150_000
_DEAD_BAND_UV = 3_000  # noise must not count as energy


def moisture(fields: "dict[str, Any]", buses: object) -> "Callable[[], int | None]":
    """Reader of the moisture probe at `pin` [‰], by its two points where it has been calibrated."""
    return Moisture(_adc(fields["pin"]), fields.get("dry_mv", DRY_MV), fields.get("wet_mv", WET_MV)).read_permille


def refusal(fields: "dict[str, Any]") -> str:
    """Why a sensor's fields do not fit each other, or ""."""
    if "wet_mv" in fields and fields["wet_mv"] - fields["dry_mv"] < SPAN_MIN_MV:
        return "wet_mv must be {} mV above dry_mv".format(SPAN_MIN_MV)
    return ""


def power(fields: "dict[str, Any]", buses: object) -> "Callable[[], int]":
    """Reader of the current transformer at `pin` [W]; `w_per_mv` of the transformer and the supply."""
    return CurrentTransformer(_adc(fields["pin"]), fields["w_per_mv"]).read_w


def leakage(fields: "dict[str, Any]", buses: object) -> "Callable[[], int | None]":
    """Reader of a residual-current monitor at `pin` [mA], with a live zero: 4–20 mA through 150 Ω is 600 mV at none."""
    return Residual(_adc(fields["pin"]), fields["ua_per_mv"], fields["zero_mv"]).read_ma


def _adc(pin: int) -> "ADC":
    from machine import ADC, Pin  # here: the classes below are tested without a chip

    return ADC(Pin(pin), atten=ADC.ATTN_11DB)


class Moisture:
    """Moisture of the road film. adc: anything with `read_uv()`; dry_mv, wet_mv: what it gives at 0 and 1000 ‰."""

    def __init__(self, adc: "ADC", dry_mv: int = DRY_MV, wet_mv: int = WET_MV) -> None:
        self._read = adc.read_uv
        self._dry_uv = dry_mv * 1000
        self._uv_per_permille = wet_mv - dry_mv

    def read_permille(self) -> "int | None":
        """Moisture [‰], a little beyond 0…1000 by noise, or None: wire open or shorted."""
        uv = self._read()
        return None if uv < _ALIVE_UV else (uv - self._dry_uv) // self._uv_per_permille


class Residual:
    """Earth-leakage current of one circuit. adc: anything with `read_uv()`."""

    def __init__(self, adc: "ADC", ua_per_mv: int, zero_mv: int) -> None:
        self._read = adc.read_uv
        self._ua_per_mv = ua_per_mv
        self._zero_uv = zero_mv * 1000
        self._least_uv = self._zero_uv * 5 // 6  # NAMUR NE 43: under 3.6 mA of 4 the loop is broken

    def read_ma(self) -> "int | None":
        """Current [mA], rounded up, or None: wire broken or monitor without supply."""
        uv = self._read()
        if uv < self._least_uv:
            return None
        return -((self._zero_uv - uv) // 1000 * self._ua_per_mv // 1000) if uv > self._zero_uv else 0


class CurrentTransformer:
    """True power of one circuit by its current.

    adc: anything with `read_uv()`; w_per_mv: of the transformer and the supply.
    """

    def __init__(self, adc: "ADC", w_per_mv: int) -> None:
        self._read = adc.read_uv
        self._w_per_mv = w_per_mv

    def read_w(self) -> int:
        """Power [W]; a broken wire reads as none, which with the contactor closed is a broken cable."""
        uv = self._read() - _NO_CURRENT_UV
        return uv // 100 * self._w_per_mv // 10 if uv >= _DEAD_BAND_UV else 0
