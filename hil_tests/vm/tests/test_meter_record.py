"""A board's counter under its register meter, and what the supervisor books of it: nothing lost, nothing refused."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.rh.energy import Energy
from supervisor.store.meter import Meter, Reading, advance

RATED_W = 54_000
LIVE_S = 10
_PHASES = st.lists(st.tuples(st.integers(0, 900), st.booleans(), st.booleans()), min_size=2, max_size=12)


@settings(max_examples=60, deadline=None)
@given(_PHASES, st.integers(-100, 60), st.integers(1, 7))
def test_all_that_flowed_is_booked(phases: list[tuple[int, bool, bool]], per_mille: int, every_s: int) -> None:
    """phases: seconds, contactor closed, meter silent. The cable draws its rated power and `per_mille` more; a silent
    meter's power is taken as rated; its register is read every `every_s` seconds and is 1 Wh coarse.
    """
    energy = Energy(RATED_W)
    true_w = RATED_W + RATED_W * per_mille // 1000
    flowed_ws = up_s = mean_s = mean_ws = 0
    booked: Meter | None = None
    excess_wh = 0
    for seconds, closed, silent in [*phases, (600, True, False), (30, False, False)]:
        for _ in range(seconds):
            up_s += 1
            flowed_ws += true_w if closed else 0
            power_w = 0 if not closed else RATED_W if silent else true_w
            mean_ws, mean_s = mean_ws + power_w, mean_s + 1
            energy.count(power_w, None if silent or up_s % every_s else 5_000_000 + flowed_ws // 3600)
            if up_s % LIVE_S == 0:
                reading = Reading(1, 1, up_s, LIVE_S, energy.wh, mean_ws // mean_s, RATED_W)
                step = advance(booked, reading)
                booked, excess_wh = step.meter, excess_wh + step.excess_wh
                mean_s = mean_ws = 0
    assert excess_wh == 0
    assert booked is not None
    silent_wh = sum(seconds for seconds, closed, silent in phases if closed and silent) * RATED_W // 3600
    tolerated_wh = 20 + silent_wh * abs(per_mille) // 1000 + every_s * RATED_W // 3600
    assert abs(booked.total_wh - flowed_ws // 3600) <= tolerated_wh
