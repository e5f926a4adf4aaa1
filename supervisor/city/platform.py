"""Events for a Korean city's integration platform (통합플랫폼): ice, earth faults, and the icing outlook beforehand.

An event has one number from its occurrence to its end: occurred (10), changed (40), cleared (50); the outlook is a
pre-event that ends (91) when the hazard came, or is cancelled (90) when it did not. Codes and addresses are issued by
the city and stand in city.toml. What is active is kept, so that a restart neither repeats an event nor forgets its end.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from supervisor.city.deliver import Target
from supervisor.city.readings import Readings, ZoneReading
from supervisor.config.city import PlatformConfig
from supervisor.control.condition import Look
from supervisor.control.section import Section
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.stage import Stage
from supervisor.domain.zone import Site
from supervisor.runtime.clock import Clock

logger = logging.getLogger(__name__)

KST: Final = ZoneInfo("Asia/Seoul")  # of numbers and times, wherever the district is
LOOK_EACH_S: Final = 30.0
ICE, EARTH_FAULT, OUTLOOK = "ice", "earth-fault", "icing-outlook"
OCCURRED, CHANGED, CLEARED, CANCELLED, ENDED = "10", "40", "50", "90", "91"
NAMES: Final = {ICE: "열선 도로 결빙", EARTH_FAULT: "열선 누전", OUTLOOK: "결빙 예보"}
GRADES: Final = {ICE: "20", EARTH_FAULT: "10", OUTLOOK: "30"}  # unless city.toml says otherwise
_ICE_ALARMS: Final = (AlarmCode.ICE_REPORTED, AlarmCode.ICE_SEEN)
_STAGES: Final = {"reinforced": "보강", "one": "1단계", "two": "2단계", "three": "3단계"}
_SLIPPERY: Final = (Look.ICY, Look.SNOW)


class Active(Struct):
    """An event that has not ended."""

    kind: str
    zone: str  # "": the district
    number: str  # ocrNbr
    began_utc_s: int
    text: str
    came: bool = False  # of the outlook: something lay since


class Cipher(Protocol):
    """The step between the document and the wire. Only `Plain` was tried: ARIA is in no library that is used here."""

    name: str

    def encrypt(self, document: bytes) -> bytes:
        """What is sent."""
        ...


class Plain:
    """No encryption of its own: TLS protects the way."""

    name = "N"

    def encrypt(self, document: bytes) -> bytes:
        return document


def target(config: PlatformConfig) -> Target:
    """The platform: a JSON answer of 200 or 201 acknowledges, a JSON answer of 400 or 422 refuses."""
    headers = {"Content-Type": "application/json; charset=utf-8", **config.headers}
    return Target(
        "platform", config.url, headers,
        lambda status, kind: status in (200, 201) and "json" in kind,
        lambda status, kind: status in (400, 422) and "json" in kind,
    )  # fmt: skip


def now_active(readings: Readings) -> dict[tuple[str, str], str]:
    """What is the case now: (kind, zone) → text."""
    found: dict[tuple[str, str], str] = {}
    for one in readings.all():
        codes = {alarm.code for alarm in one.alarms}
        reported = any(code in codes for code in _ICE_ALARMS)
        if reported or (one.view.section is Section.DANGER and one.view.look in _SLIPPERY):
            state = {Look.ICY: "결빙", Look.SNOW: "눈"}.get(one.view.look, "결빙 신고")
            heat = {True: "가열 중", False: "가열 안 함", None: "가열 여부 모름"}[one.view.heated]
            found[ICE, one.zone.id] = f"{state}, {heat}"
        if AlarmCode.EARTH_FAULT in codes:
            found[EARTH_FAULT, one.zone.id] = "누전 감지, 열선 정지"
    foreseen = readings.foreseen()
    if foreseen is not None and foreseen.stage != Stage.NONE.word:
        tenths = round(10 * foreseen.probability)  # in steps: not every breath of the forecast is a change
        found[OUTLOOK, ""] = (
            f"24시간 안 결빙 확률 {10 * tenths} %, 대응 {_STAGES[foreseen.stage]}, 예상 적설 {foreseen.snow_cm:.0f} cm"
        )
    elif foreseen is None and readings.hazard_ahead:
        found[OUTLOOK, ""] = "12시간 안에 눈 또는 어는 비 예보"
    return found


class Events:
    """Follows what is the case. `keep` stores a text over restarts, `kept` is the one of before."""

    def __init__(
        self,
        config: PlatformConfig,
        readings: Readings,
        site: Site,
        send: Callable[[bytes], Awaitable[None]],
        keep: Callable[[str], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._config = config
        self._readings = readings
        self._site = site
        self._send = send
        self._keep = keep
        self._clock = clock
        self._cipher: Cipher = Plain()
        self._active: dict[tuple[str, str], Active] = {}
        self._last_number = 0

    def take_up(self, kept: str | None) -> None:
        """Go on with what was active before a restart; what is damaged is left out."""
        try:
            found = msgspec.json.decode(kept or "[]", type=list[Active])
        except (msgspec.MsgspecError, UnicodeError) as error:
            logger.error("events of before the restart are not readable: %s", error)
            found = []
        self._active = {(one.kind, one.zone): one for one in found}

    async def look(self) -> None:
        """Send what has begun, changed or ended. Raises StoreError: then it is sent at the next look."""
        zones = {one.zone.id: one for one in self._readings.all()}
        now = {key: text for key, text in now_active(self._readings).items() if key[0] in self._config.event_ids}
        for key, text in now.items():
            known = self._active.get(key)
            if known is None:
                began = int(self._clock.utc_s())
                active = Active(key[0], key[1], self._number(), began, text)
                await self._tell(active, OCCURRED, zones.get(key[1]))
                self._active[key] = active
            elif known.text != text:
                changed = msgspec.structs.replace(known, text=text)
                await self._tell(changed, CHANGED, zones.get(key[1]))
                self._active[key] = changed
        if any(one.view.look in _SLIPPERY for one in zones.values()) and (OUTLOOK, "") in self._active:
            self._active[OUTLOOK, ""].came = True
        for key, known in list(self._active.items()):
            if key not in now:
                end = CLEARED if key[0] != OUTLOOK else ENDED if known.came else CANCELLED
                await self._tell(known, end, zones.get(key[1]))
                del self._active[key]
        await self._keep(msgspec.json.encode(list(self._active.values())).decode())

    def document(self, active: Active, status: str, reading: ZoneReading | None) -> dict[str, Any]:
        """The event as the platform takes it: header and body."""
        config, site = self._config, self._site
        now = self._clock.utc_s()
        latitude, longitude = _place(site, reading)
        place = site.name if reading is None else (reading.zone.name_ko or reading.zone.name)
        items = [] if reading is None else [
            {"key": "zone", "val": reading.zone.id},
            {"key": "surfaceTemp", "val": "" if reading.view.surface_c is None else f"{reading.view.surface_c:.1f}"},
            {"key": "heated", "val": {True: "Y", False: "N", None: ""}[reading.view.heated]},
        ]  # fmt: skip
        ended = status in (CLEARED, CANCELLED, ENDED)
        return {
            "header": {
                "svcTy": "PREEVT" if active.kind == OUTLOOK else "EVENT", "sendCd": config.send_code,
                "rcvCd": config.receive_code, "encAt": self._cipher.name, "rrKey": f"{active.number}-{status}",
                "reqDate": _kst(now), "sysCd": config.system_code, "tranSysHis": config.system_code,
                "callBack": config.callback,
            },
            "body": {
                "evtId": config.event_ids[active.kind], "evtNm": NAMES[active.kind],
                "evtGrad": config.grades.get(active.kind, GRADES[active.kind]), "ocrNbr": active.number,
                "ocrSts": status,
                "ocrLc": {"crdntX": f"{longitude:.6f}", "crdntY": f"{latitude:.6f}",
                          "crdntZ": f"{site.elevation_m:g}"},
                "ocrPlc": place, "ocrEvtCn": active.text, "ocrEvtTime": _kst(active.began_utc_s),
                "ocrEvtSts": {"ocrEvtStsCd": status}, "ocrEvtStsUsr": "roadheat",
                "ocrEvtEndTime": _kst(now) if ended else "", "ocrEvtItem": items,
            },
        }  # fmt: skip

    async def _tell(self, active: Active, status: str, reading: ZoneReading | None) -> None:
        text = json.dumps(self.document(active, status, reading), ensure_ascii=False)
        await self._send(self._cipher.encrypt(text.encode()))

    def _number(self) -> str:
        """17 digits of Korean time, to the millisecond, each once."""
        stamp = datetime.fromtimestamp(self._clock.utc_s(), KST)
        number = int(f"{stamp:%Y%m%d%H%M%S}{stamp.microsecond // 1000:03d}")
        self._last_number = max(number, self._last_number + 1)
        return str(self._last_number)


def _place(site: Site, reading: ZoneReading | None) -> tuple[float, float]:
    """Latitude and longitude of a road, else of the district."""
    if reading is not None:
        about = reading.zone.inventory
        if about.latitude is not None and about.longitude is not None:
            return about.latitude, about.longitude
    return site.latitude, site.longitude


def _kst(utc_s: float) -> str:
    return f"{datetime.fromtimestamp(utc_s, KST):%Y%m%d%H%M%S}"
