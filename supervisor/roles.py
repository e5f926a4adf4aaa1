"""The roles of `roadheat serve` beside `all`: what their options mean, and what each runs.

Imports nothing of NATS before a role asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from supervisor.commands import require
from supervisor.domain.errors import ConfigError

if TYPE_CHECKING:
    from supervisor.app import Entrance, MakeEntrance
    from supervisor.cluster.messages import Subjects
    from supervisor.cluster.transport import Transport
    from supervisor.runtime.clock import Clock
    from supervisor.stages import Base, Commands, Control
    from supervisor.wire.pki import Pki

ROLES: Final = ("all", "core", "gateway")
LISTEN: Final = "0.0.0.0:8443"  # boards are elsewhere; TLS and keys protect it
_OF_GATEWAYS: Final = ("listen", "metrics")


def check_options(role: str, options: Mapping[str, Any], *, lockstep: bool) -> None:
    """Raises ConfigError for options that do not belong to the role, or that it lacks. None is what was not given."""
    given = [name for name, value in options.items() if value is not None]
    strange = given if role == "all" else [name for name in given if role == "core" and name in _OF_GATEWAYS]
    if strange:
        of = "the roles core and gateway" if role == "all" else "the role gateway"
        raise ConfigError(
            f"it is of {of}, this is {role}",
            where=_option(strange[0]),
            remedy="Leave it out, or name the role by --role",
        )
    if role == "all":
        return
    for name in ("nats", "district"):
        if not options.get(name):
            raise ConfigError("it is missing", where=_option(name), remedy=f"The role {role} needs it")
    if lockstep:
        raise ConfigError("roles run in real time", where="--lockstep", remedy="Leave it out")
    require("nats", f"--role {role}")


def gateway_work(
    options: Mapping[str, Any], say: Callable[[str], None]
) -> Callable[[Clock], Coroutine[Any, Any, None]]:
    """What the role gateway runs. Raises ConfigError."""
    from supervisor.cluster.gateway_role import NAME, GatewayOptions, serve_gateway

    transport, subjects = _transport(options, NAME)
    chosen = GatewayOptions(options.get("listen") or LISTEN, options.get("metrics") or "")

    async def work(_: Clock) -> None:
        await serve_gateway(transport(), subjects, chosen, say)

    return work


def core_entrance(options: Mapping[str, Any]) -> MakeEntrance:
    """What takes the place of the boards' listener in the role core. Raises ConfigError."""
    from supervisor.cluster.hub import Hub

    transport, subjects = _transport(options, "roadheat core")

    def make(base: Base, pki: Pki, control: Control, commands: Commands) -> Entrance:
        dispatcher = commands.dispatcher
        return Hub(
            base.config, pki, control.intake, lambda: dispatcher.epoch, base.monitoring, transport(), subjects
        )  # fmt: skip

    return make


def _transport(options: Mapping[str, Any], name: str) -> tuple[Callable[[], Transport], Subjects]:
    """The transport is made in the event loop."""
    from supervisor.cluster.messages import Subjects
    from supervisor.cluster.servers import parse_servers
    from supervisor.cluster.transport import Transport

    servers, subjects = parse_servers(options["nats"]), Subjects(options["district"])
    return lambda: Transport(servers, f"{name} {options['district']}", options.get("nats_ca")), subjects


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
