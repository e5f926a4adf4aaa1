"""What KMA's village forecast writes instead of numbers: texts for amounts, codes for sky and phase, a grid."""

from __future__ import annotations

import math
import re

from supervisor.weather.providers.answers import number

MISSING_FROM = 900.0  # KMA: +900 and above or −900 and below is missing
SKY_CLOUD = {1: 0.2, 3: 0.7, 4: 0.95}  # middle of 0–5, 6–8, 9–10 tenths
PTY_SNOW = {1: 0.0, 2: 0.5, 3: 1.0, 5: 0.0, 6: 0.5, 7: 1.0}  # 4 (shower) says nothing: wet bulb
WATER_MM_PER_SNOW_CM = 1.0  # 10:1, the convention behind 신적설
CLASSES = ("1", "2", "3")
_SIGNED = re.compile(r"[-+]?\d+(?:\.\d+)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def amount(text: str) -> float:
    """Amount from a PCP or SNO text: "강수없음", "1mm 미만" (half), "1.0mm", "30.0~50.0mm" (middle), "50.0mm 이상".

    NaN for the classes of the fifth day ("1" is light) and the codes of missing values. Raises ValueError on a text
    that is none of these.
    """
    text = text.strip()
    if text in CLASSES or (_SIGNED.fullmatch(text) and abs(number(text)) >= MISSING_FROM):
        return math.nan
    if text in ("강수없음", "적설없음", "-", "null", "0"):
        return 0.0
    values = [number(v) for v in _NUMBER.findall(text)]
    if "미만" in text and len(values) == 1:
        return values[0] / 2.0
    if "~" in text and len(values) == 2:
        return (values[0] + values[1]) / 2.0
    if len(values) == 1 and not text.startswith("-") and re.fullmatch(r"[\d.]+\s*(mm|cm)?(\s*이상)?", text):
        return values[0]
    raise ValueError(f"{text!r} is not an amount")


def grid_of(latitude: float, longitude: float) -> tuple[int, int]:
    """Grid point (nx, ny): Lambert conformal conic 30°/60° N, 5 km, origin 38° N 126° E at (43, 136), KMA's guide."""
    radius = 6371.00877 / 5.0
    slat1, slat2, olat = (math.radians(v) for v in (30.0, 60.0, 38.0))
    sn = math.log(math.cos(slat1) / math.cos(slat2)) / math.log(_half(slat2) / _half(slat1))
    sf = _half(slat1) ** sn * math.cos(slat1) / sn
    ro = radius * sf / _half(olat) ** sn
    ra = radius * sf / _half(math.radians(latitude)) ** sn
    theta = ((math.radians(longitude - 126.0) + math.pi) % (2 * math.pi) - math.pi) * sn
    return math.floor(ra * math.sin(theta) + 43 + 0.5), math.floor(ro - ra * math.cos(theta) + 136 + 0.5)


def _half(latitude: float) -> float:
    return math.tan(math.pi / 4.0 + latitude / 2.0)
