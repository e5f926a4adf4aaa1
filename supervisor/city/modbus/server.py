"""Modbus TCP server for building management, over the library pymodbus.

Modbus has no sign-in: who may read and who may command is decided by address (`city.modbus.allow`, `writers`). Only
functions 3, 4, 6 and 16 are known; everything else is answered with a Modbus exception.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final, cast

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from supervisor.city.access import BUSY, networks, within
from supervisor.city.codes import MODES
from supervisor.city.commands import InterfaceCommands
from supervisor.city.modbus import registers
from supervisor.city.readings import Readings
from supervisor.config.city import ModbusConfig
from supervisor.config.listen import split_listen
from supervisor.domain.errors import CommandError, RoadheatError
from supervisor.net.refusals import Refusals
from supervisor.runtime import logs
from supervisor.runtime.background import Background
from supervisor.runtime.clock import Clock

logger = logging.getLogger(__name__)

READ_HOLDING: Final = 3
READ_INPUT: Final = 4
WRITE: Final = (6, 16)
KNOWN: Final = (READ_HOLDING, READ_INPUT, *WRITE)
CONNECTIONS_MAX: Final = 32  # a building has one or two controllers
IDLE_S: Final = 300.0  # without a request: a controller asks every few seconds


class Registers:
    """What the library asks for the registers of one connection."""

    def __init__(self, readings: Readings, commands: InterfaceCommands, clock: Clock, minutes: int) -> None:
        self._readings = readings
        self._commands = commands
        self.count = commands.count
        self._clock = clock
        self._minutes = minutes

    def read(self, function: int, address: int, count: int) -> list[int] | ExcCodes:
        """`count` registers from `address`, each of them one of the map."""
        ids = self._readings.ids
        first, offset = registers.place(address)
        last, _ = registers.place(address + count - 1)
        if last >= len(ids) or count < 1:
            return ExcCodes.ILLEGAL_ADDRESS
        readings = self._readings.of(ids[max(first, 0) : last + 1])
        if function == READ_HOLDING:
            at = offset + count
            if first < 0 or first != last or at > len(registers.COMMAND):
                return ExcCodes.ILLEGAL_ADDRESS
            return registers.command(readings[0])[offset:at]
        words = registers.header(self._readings, self._clock.utc_s()) if first < 0 else []
        for reading in readings:
            words += registers.zone(reading)
        return words[offset : offset + count]

    async def write(self, address: int, values: Sequence[int]) -> ExcCodes | None:
        """One command for one zone; None where it is taken."""
        number, offset = registers.place(address)
        if number < 0 or number >= len(self._readings.ids) or offset + len(values) > len(registers.COMMAND):
            return ExcCodes.ILLEGAL_ADDRESS
        if offset != 0 or values[0] >= len(MODES):
            return ExcCodes.ILLEGAL_VALUE  # minutes alone command nothing
        zone, mode = self._readings.ids[number], MODES[values[0]]
        try:
            if mode is None:
                await self._commands.release(zone)
            else:
                await self._commands.command(zone, mode, values[1] if len(values) > 1 else self._minutes)
        except CommandError as error:
            logger.warning("modbus write refused: %s", error)
            return ExcCodes.DEVICE_BUSY if error.code in BUSY else ExcCodes.ILLEGAL_VALUE
        except RoadheatError as error:
            logger.error("modbus write not carried out: %s", error)
            return ExcCodes.DEVICE_FAILURE
        return None


class _Context:
    """The library's data store for one connection."""

    def __init__(self, registers_: Registers, writes: bool) -> None:
        self._registers = registers_
        self._writes = writes

    async def async_getValues(self, _unit: int, function: int, address: int, count: int = 1) -> list[int] | ExcCodes:
        """After a write the library reads back what stands there now."""
        return self._registers.read(READ_HOLDING if function in WRITE else function, address, count)

    async def async_setValues(self, _unit: int, _function: int, address: int, values: list[int]) -> ExcCodes | None:
        return await self._registers.write(address, values) if self._writes else ExcCodes.ILLEGAL_FUNCTION


class _Connection(ServerRequestHandler):
    """One client: refused where its address is not allowed, ended where it is silent."""

    def __init__(self, owner: ModbusServer) -> None:
        super().__init__(owner, None, None, None)  # type: ignore[no-untyped-call]
        self._owner = owner
        self._context: Any = None
        self._idle: asyncio.TimerHandle | None = None

    def callback_connected(self) -> None:
        super().callback_connected()
        host = str((self.transport.get_extra_info("peername") or ("0.0.0.0",))[0])
        writes = self._owner.admit(host)
        if writes is None:
            self.close()
            return
        self._context = _Context(self._owner.registers, writes)
        self._wait()

    def callback_disconnected(self, exc: Exception | None) -> None:
        super().callback_disconnected(exc)
        if self._idle is not None:
            self._idle.cancel()

    def _wait(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.close)

    def handle_later(self) -> None:
        """Answer this very request: the library's own way would answer a later one that came meanwhile."""
        if self.last_pdu is not None and self._context is not None:
            self._wait()
            self._owner.background.spawn(self._answer(self.last_pdu), "modbus request")

    async def _answer(self, request: ModbusPDU) -> None:
        try:
            response: ModbusPDU = ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_FUNCTION)
            if request.function_code in KNOWN:
                response = await request.datastore_update(self._context, request.dev_id)
        except Exception as error:  # of the library, on what a client has sent
            logger.error("modbus request failed", exc_info=error)
            response = ExceptionResponse(request.function_code, ExcCodes.DEVICE_FAILURE)
        self._owner.registers.count("refused" if isinstance(response, ExceptionResponse) else "answered")
        response.transaction_id, response.dev_id = request.transaction_id, request.dev_id
        if self.is_active():
            self.server_send(response, None)  # type: ignore[no-untyped-call]


class ModbusServer(ModbusTcpServer):
    """The listener. Use `serve`, or `listen` and `shutdown`."""

    def __init__(self, config: ModbusConfig, registers_: Registers, background: Background) -> None:
        # The library wants a data store of its own; `_Context` takes its place for each connection.
        super().__init__(SimDevice(0, SimData(0, datatype=DataType.REGISTERS)), address=split_listen(config.listen))
        self.registers = registers_
        self.background = background
        self._allow = networks(config.allow)
        self._writers = networks(config.writers)
        self._refusals = Refusals(lambda reason: registers_.count("refused"))

    def callback_new_connection(self) -> _Connection:
        return _Connection(self)

    def admit(self, host: str) -> bool | None:
        """Whether this address may write; None: it may not even read, or there are too many."""
        if not within(host, self._allow):
            self._refusals.refuse("modbus address", host, "it is not in city.modbus.allow")
            return None
        if len(self.active_connections) > CONNECTIONS_MAX:
            self._refusals.refuse("modbus connections", host, f"there are {CONNECTIONS_MAX}")
            return None
        return within(host, self._writers)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, once it does."""
        host, port = cast(Any, self.transport).sockets[0].getsockname()[:2]
        return str(host), int(port)


async def serve(config: ModbusConfig, registers_: Registers) -> None:
    """Listen until cancelled. Raises OSError where the address cannot be listened at."""
    logs.spare("pymodbus.logging")  # any client can make it log
    async with Background() as background:
        server = ModbusServer(config, registers_, background)
        if not await server.listen():
            raise OSError(f"cannot listen at city.modbus.listen = {config.listen!r}: free the port")
        logger.info("modbus listens at %s:%d", *server.address)
        try:
            await asyncio.Event().wait()
        finally:
            await server.shutdown()  # type: ignore[no-untyped-call]
