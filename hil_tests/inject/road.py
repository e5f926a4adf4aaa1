"""Faults of probes, contactors, cables and meters, and people who act on site."""

from __future__ import annotations

from hil_tests.inject.action import Action, Place


def _override(at: Place) -> None:
    mode, minutes = at.value
    if at.bench.supervisor.running:  # else the person gets no answer
        at.bench.crew.override(at.zone_id, mode, minutes)


ACTIONS: dict[str, Action] = {
    "earth_fault": lambda at: at.bench.set_earth_fault(at.board_id, bool(at.value)),
    "maintenance_lock": lambda at: at.bench.set_maintenance_lock(at.board_id, bool(at.value)),
    "override": _override,
    "sensor_fault": lambda at: at.zone.set_sensor_fault(at.value),
    "cable_fault": lambda at: at.zone.set_sensor_fault(at.value, "cable"),
    "moisture_fault": lambda at: at.zone.set_sensor_fault(at.value, "moisture"),
    "drift": lambda at: at.zone.set_drift(at.value),
    "break_cable": lambda at: at.zone.break_cable(bool(at.value)),
    "weld": lambda at: at.zone.weld_contactor(bool(at.value)),
    "meter_fault": lambda at: at.zone.set_meter_fault(at.value),
}
