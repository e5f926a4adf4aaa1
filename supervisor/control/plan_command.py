"""A plan as the command that a board gets."""

from __future__ import annotations

import msgspec

from supervisor.domain.plan import STANDBY, Plan, Slot
from supervisor.wire.authentication import MAC_HEX
from supervisor.wire.messages import FRAME_MAX_BYTES, PlanCommand

PAYLOAD_MAX = FRAME_MAX_BYTES - MAC_HEX - 1


def plan_command(board: str, epoch: int, sequence: int, plan: Plan) -> bytes:
    """A plan as a payload that fits a frame. Slots too far ahead to fit are left to standby."""
    slots: tuple[Slot, ...] = plan.slots
    while True:
        runs = tuple((slot.start_s, slot.setpoint_mc, slot.duty_permille) for slot in slots)
        payload = msgspec.json.encode(
            PlanCommand(
                b=board,
                ep=epoch,
                q=sequence,
                z=plan.zone,
                at=plan.start_utc_s,
                lease=plan.lease_s,
                ph=plan.phase_s,
                on=plan.on_mc,
                off=plan.off_mc,
                ar=plan.after_run_s,
                s=runs,
            )
        )
        if len(payload) <= PAYLOAD_MAX:
            return payload
        kept = slots[: len(slots) - 2]
        slots = (*kept, Slot(slots[len(kept)].start_s, 0, STANDBY))
