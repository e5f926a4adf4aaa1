"""The stage in which the service begins to watch what it trusts: audit log, certificates, boards' keys and programs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from supervisor.config.audit_rules import syslog_target
from supervisor.control import token_watch
from supervisor.control.audit_watch import AuditCheck, AuditForwarder
from supervisor.control.board_files import BoardFiles
from supervisor.control.board_life import BoardLife
from supervisor.control.certificates import LOOK_EACH_S, Certificates
from supervisor.control.quiet import quiet
from supervisor.control.renewal import LOOK_EACH_S as RENEWAL_EACH_S
from supervisor.control.renewal import Renewal
from supervisor.control.token_watch import TokenWatch
from supervisor.control.twins import Twins
from supervisor.control.updates import LOOK_EACH_S as UPDATE_EACH_S
from supervisor.control.updates import Updates
from supervisor.runtime.background import Background
from supervisor.stages import Base, Commands, Control
from supervisor.store.audit import DAY_S
from supervisor.wire.pki import Pki
from supervisor.wire.update_files import FOLDER


def start_trust(
    loops: Background, base: Base, control: Control, commands: Commands, pki: Pki, renew_certificate: Callable[[], None]
) -> tuple[asyncio.Task[None], ...]:
    """The loops, and what listens to greetings of boards. `renew_certificate`: of the boards' listener."""
    twins = Twins(base.alarms, base.clock)
    control.intake.greeted.append(twins.greeted)
    control.intake.greeted.append(BoardFiles(base.alarms).greeted)
    timezone = ZoneInfo(base.config.site.timezone)
    life = BoardLife(base.live.zones, base.metrics, base.store, base.clock, timezone, base.background)
    control.intake.greeted.append(life.greeted)
    control.intake.shown.append(life.shown)
    control.watch.checks["keys of boards"] = twins.look
    files = {"boards": pki.server_pem, "boards CA": pki.ca_pem}
    if base.config.web.cert:
        files["web"] = base.config.resolve(base.config.web.cert)
    certificates = Certificates(files, base.alarms, base.clock)
    programs = TokenWatch(base.store.access, base.alarms, base.clock)
    config = base.config
    keys = {board.id: config.board_key_path(board.id) for board in config.board}
    renewal = Renewal(
        config.pki_dir, keys, commands.dispatcher, renew_certificate, base.store.audit, base.clock, base.alarms
    )
    control.intake.greeted.append(renewal.greeted)
    commands.dispatcher.attached.append(renewal.attached)
    updates = _updates(base, control, commands)
    return (
        *start_audit(loops, base),
        loops.keep("update of boards", updates.run, UPDATE_EACH_S),
        loops.keep("renewal of keys", renewal.run, RENEWAL_EACH_S),
        loops.keep("certificates", certificates.run, LOOK_EACH_S),
        loops.keep("tokens", programs.run, token_watch.LOOK_EACH_S),
    )


def _updates(base: Base, control: Control, commands: Commands) -> Updates:
    """What boards are given as programs; it listens to them from here on."""
    config, live, clock = base.config, base.live, base.clock
    zones_of: dict[str, list[str]] = {board.id: [] for board in config.board}
    for zone in config.zone:
        zones_of[zone.board].append(zone.id)
    made = Updates(
        config.state_dir / FOLDER,
        commands.dispatcher,
        lambda zone: quiet(live, zone, clock.utc_s()),
        base.alarms,
        zones_of,
        base.store.audit,
        clock,
    )
    control.intake.greeted.append(made.greeted)
    control.intake.updates.append(made.said)
    return made


def start_audit(loops: Background, base: Base) -> tuple[asyncio.Task[None], ...]:
    """The audit log is checked, relieved of old names, and sent to a syslog server where one is named."""
    audit, store = base.config.audit, base.store
    check = AuditCheck(store.audit, audit.names_days, base.alarms, base.clock)
    tasks = [loops.keep("audit", check.run, DAY_S)]
    if audit.syslog:
        ca = base.config.resolve(audit.syslog_ca) if audit.syslog_ca else None
        target = syslog_target(audit.syslog)
        forwarder = AuditForwarder(store.audit, store.values, target, ca, base.alarms, base.clock)
        tasks.append(loops.keep("audit forwarding", forwarder.run))
    return tuple(tasks)
