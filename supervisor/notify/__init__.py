"""Channels by which people are notified of alarms: a module each, and a line in `CHANNELS`.

To add one: its module with a `KIND`, a line here, its test, and rows in docs/configuration.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from supervisor.notify import mail, ntfy, webhook
from supervisor.notify.kind import AnyKind

CHANNELS: Final[Mapping[str, AnyKind]] = {kind.name: kind for kind in (ntfy.KIND, webhook.KIND, mail.KIND)}
