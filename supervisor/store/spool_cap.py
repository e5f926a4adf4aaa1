"""How much waits for InfluxDB at most."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from supervisor.config import Config
from supervisor.config.influx_rules import SPOOL_MIB
from supervisor.store.store import SPOOL_CAP_BYTES

SPOOL_DAYS: Final = 14  # a holiday week and the time to get a server repaired
SPOOL_BYTES_PER_ZONE_DAY: Final = 8_640 * 200  # points of 10 s, 150 to 200 bytes each by the lengths of names
SPOOL_DISK_SHARE: Final = 0.25  # of the disk at most where no size is configured: the record itself needs the rest


def spool_cap_bytes(config: Config) -> int:
    """The most that waits for InfluxDB; 0 where none is configured.

    Without `spool_mib` it is what fourteen days of the zones take, of a small district those of fifty zones, within a
    quarter of the disk.
    """
    if config.influx is None:
        return 0
    if config.influx.spool_mib is not None:
        return config.influx.spool_mib * 1024**2
    needed = max(len(config.zone) * SPOOL_BYTES_PER_ZONE_DAY * SPOOL_DAYS, SPOOL_CAP_BYTES)
    disk_bytes = shutil.disk_usage(_existing(config.state_dir)).total
    return max(min(needed, int(disk_bytes * SPOOL_DISK_SHARE)), SPOOL_MIB[0] * 1024**2)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
