"""Telemetry as a district of boards would send it, for tests and benches of the store and the shipper."""

from __future__ import annotations

from msgspec import Struct

from supervisor.store import Store
from supervisor.wire.messages import Telemetry, ZoneSample

T0_UTC_S = 1_703_980_800  # 2023-12-31T00:00:00Z
DT_S = 10


class Load(Struct, frozen=True):
    """`boards` boards of `zones` zones each; every zone draws another power and rests every fourth record."""

    boards: int
    zones: int

    def frame(self, board: int, q: int) -> Telemetry:
        """Record `q` (from 1) of a board since its first boot."""
        return Telemetry(
            boot=1,
            q=q,
            utc=T0_UTC_S + q * DT_S,
            up=q * DT_S,
            dt=DT_S,
            bad=0,
            z=tuple(self._sample(board, n, q) for n in range(self.zones)),
        )

    def _sample(self, board: int, n: int, q: int) -> ZoneSample:
        power_w = 20_000 + 7_000 * n + 1_000 * board
        on = q % 4 != n % 4
        on_records = q - (q - n % 4 + 4) // 4 + (n % 4 == 0)
        return ZoneSample(
            zone=f"z{board:02}{n:02}",
            surface_mc=1500 - q % 5000,
            cable_mc=8000,
            moisture_permille=250,
            on_s=DT_S if on else 0,
            power_w=power_w if on else 0,
            dev_wh=power_w * DT_S * on_records // 3600,
            duty_permille=750,
            who=4,
            flags=0,
        )

    async def commit(self, store: Store, board: int, q: int) -> bool:
        """Commit record `q` of a board, stamped at the start of its interval."""
        end_utc_s = T0_UTC_S + q * DT_S
        return await store.telemetry.commit(
            f"b{board:02}", self.frame(board, q), end_utc_s, end_utc_s - DT_S, air_c=-2.5
        )
