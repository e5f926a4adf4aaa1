"""BACnet/IP device for building management, over the library bacpypes3.

BACnet/IP has no sign-in: who may read and who may command is decided by address (`city.bacnet.allow`, `writers`). The
only property that can be written is the present value of a road's command; anything else is refused.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final

from bacpypes3.apdu import SimpleAckPDU
from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.errors import ExecutionError, UnrecognizedService
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogInputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateInputObject, MultiStateValueObject
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import Null, Unsigned

from supervisor.city.access import BUSY, networks, within
from supervisor.city.bacnet.objects import COMMAND, POINTS, Point, instance, place, shown
from supervisor.city.codes import MODES
from supervisor.city.commands import InterfaceCommands
from supervisor.city.readings import Readings, ZoneReading
from supervisor.config.city import BacnetConfig
from supervisor.domain.errors import CommandError, RoadheatError
from supervisor.net.refusals import Refusals
from supervisor.runtime.clock import Clock

logger = logging.getLogger(__name__)

VENDOR: Final = 999  # none is assigned to roadheat: the number that the library gives to devices of its users
FRESH_S: Final = 1.0  # values are looked up at most so often, however many objects are read at once
RELIABLE, UNRELIABLE = "noFaultDetected", "communicationFailure"
_CLASSES: Final[dict[str, Any]] = {
    "analog-input": AnalogInputObject, "multi-state-input": MultiStateInputObject,
    "multi-state-value": MultiStateValueObject,
}  # fmt: skip


class BacnetDevice(NormalApplication):  # type: ignore[misc]
    """The device with the objects of every road. Use `serve`."""

    def __init__(self, config: BacnetConfig, readings: Readings, commands: InterfaceCommands, clock: Clock) -> None:
        device = DeviceObject(
            objectIdentifier=("device", config.device), objectName="roadheat", vendorIdentifier=VENDOR,
            maxApduLengthAccepted=1024, segmentationSupported="segmentedBoth", maxSegmentsAccepted=64,
        )  # fmt: skip
        super().__init__(device, IPv4Address(config.address))
        self._config = config
        self._readings = readings
        self._commands = commands
        self._clock = clock
        self._allow, self._writers = networks(config.allow), networks(config.writers)
        self._refusals = Refusals(lambda reason: commands.count("refused"))
        self._looked_s = float("-inf")
        self._objects: dict[tuple[int, int], Any] = {}
        for road, reading in enumerate(readings.all()):
            for point in POINTS:
                self._objects[road, point.number] = made = _made(road, point, reading)
                self.add_object(made)

    async def indication(self, apdu: Any) -> None:
        """Every request: dropped where its address is not allowed, else answered by what is known now."""
        host = _host(apdu)
        if host is None or not within(host, self._allow):
            self._refusals.refuse("bacnet address", host or "?", "it is not in city.bacnet.allow")
            return
        self._look()
        self._commands.count("answered")
        await super().indication(apdu)

    async def do_WritePropertyRequest(self, apdu: Any) -> None:
        """A command for one road."""
        _, number = apdu.objectIdentifier
        road, point = place(number)
        if (road, point) not in self._objects or self.get_object_id(apdu.objectIdentifier) is None:
            raise ExecutionError(errorClass="object", errorCode="unknownObject")
        is_command = point == COMMAND and apdu.propertyIdentifier == PropertyIdentifier.presentValue
        if not is_command or not within(_host(apdu) or "", self._writers):
            raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")
        value = apdu.propertyValue.cast_out(Unsigned, null=True)
        wanted = 1 if isinstance(value, Null) or value == () else int(value)  # null relinquishes
        await self._command(self._readings.ids[road], wanted)
        self._looked_s = float("-inf")
        await self.response(SimpleAckPDU(context=apdu))

    async def do_WritePropertyMultipleRequest(self, apdu: Any) -> None:
        """One command is one request."""
        raise UnrecognizedService("write commands one by one")

    async def _command(self, zone: str, wanted: int) -> None:
        """Raises ExecutionError with the reason."""
        if not 1 <= wanted <= len(MODES):
            raise ExecutionError(errorClass="property", errorCode="valueOutOfRange")
        mode = MODES[wanted - 1]
        try:
            if mode is None:
                await self._commands.release(zone)
            else:
                await self._commands.command(zone, mode, self._config.minutes)
        except CommandError as error:
            logger.warning("bacnet write refused: %s", error)
            reason = ("object", "busy") if error.code in BUSY else ("property", "valueOutOfRange")
            raise ExecutionError(*reason) from error
        except RoadheatError as error:
            logger.error("bacnet write not carried out: %s", error)
            raise ExecutionError("device", "operationalProblem") from error

    def _look(self) -> None:
        """Bring the present values up to date."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < FRESH_S:
            return
        self._looked_s = now_s
        for road, reading in enumerate(self._readings.all()):
            for point in POINTS:
                value, known = shown(point, reading)
                made = self._objects[road, point.number]
                made.presentValue = value
                made.statusFlags = [0, 0 if known else 1, 0, 0]
                made.reliability = RELIABLE if known else UNRELIABLE


def _made(road: int, point: Point, reading: ZoneReading) -> Any:
    """An object of a road, with its value of now."""
    value, known = shown(point, reading)
    keys: dict[str, Any] = {
        "objectIdentifier": (point.kind, instance(road, point)), "objectName": f"{reading.zone.id} {point.name}",
        "description": reading.zone.name, "presentValue": value, "statusFlags": [0, 0 if known else 1, 0, 0],
        "eventState": "normal", "outOfService": False, "reliability": RELIABLE if known else UNRELIABLE,
    }  # fmt: skip
    if point.states:
        keys |= {"numberOfStates": len(point.states), "stateText": list(point.states)}
    else:
        keys |= {"units": point.units}
    return _CLASSES[point.kind](**keys)


def _host(apdu: Any) -> str | None:
    """The IPv4 address of who asks; None for one behind a router, whose address says nothing."""
    source = apdu.pduSource
    address = getattr(source, "addrTuple", None)
    return None if address is None or getattr(source, "addrNet", None) is not None else str(address[0])


def require_free(config: BacnetConfig) -> None:
    """Raises OSError where the address cannot be used: the library would try it again for ever, silently."""
    host, port = IPv4Address(config.address).addrTuple
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.bind((host, port))
        except OSError as error:
            raise OSError(f"cannot listen at city.bacnet.address = {config.address!r}: {error.strerror}") from error


async def serve(config: BacnetConfig, readings: Readings, commands: InterfaceCommands, clock: Clock) -> None:
    """Answer until cancelled. Raises OSError where the address cannot be used."""
    require_free(config)
    device = BacnetDevice(config, readings, commands, clock)
    logger.info("bacnet device %d at %s", config.device, config.address)
    try:
        await asyncio.Event().wait()
    finally:
        device.close()
