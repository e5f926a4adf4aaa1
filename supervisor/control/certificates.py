"""Certificates that end soon: said 30 days ahead, since boards and browsers refuse one that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from supervisor.control.alarms import Alarms
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each

AHEAD_S: Final = 30 * 24 * 3600
_REPLACE: Final = "replace certificate and key (they are read again within 30 s)"
_REMEDIES: Final = {"boards": "run `roadheat pki rotate --server`", "boards CA": "run `roadheat pki rotate`"}
LOOK_EACH_S: Final = 6 * 3600


def ends_utc_s(path: Path) -> float:
    """When the first of the certificates in a PEM file ends. Raises OSError, ValueError where there is none."""
    return min(one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(path.read_bytes()))


class Certificates:
    """Looks at files at the start and every six hours: they may have been replaced."""

    def __init__(self, files: Mapping[str, Path], alarms: Alarms, clock: Clock) -> None:
        """`files`: PEM files by the subject of their alarm."""
        self._files = files
        self._alarms = alarms
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        self.look()
        async for _ in each(self._clock, LOOK_EACH_S):
            self.look()

    def look(self) -> None:
        """Once. A file that cannot be read is said too."""
        for subject, path in self._files.items():
            try:
                ends_s = ends_utc_s(path)
            except (OSError, ValueError) as error:
                self._alarms.set(AlarmCode.CERTIFICATE_ENDS, subject, True, f"{path}: cannot be read: {error}")
                continue
            end = datetime.fromtimestamp(ends_s, UTC).strftime("%Y-%m-%d")
            text = f"{path.name} ends on {end}: {_REMEDIES.get(subject, _REPLACE)} before that day"
            self._alarms.set(AlarmCode.CERTIFICATE_ENDS, subject, ends_s - self._clock.utc_s() < AHEAD_S, text)
