"""The state of roads as text: arrays as base64 of little-endian float64, with the zones that they belong to."""

from __future__ import annotations

import base64
from dataclasses import fields

import msgspec
import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import State
from supervisor.road.pavement import Array


class Kept(msgspec.Struct):
    """A state as it is stored."""

    utc_s: float
    zones: list[str]
    arrays: dict[str, tuple[list[int], str]]
    surface_quality: list[float] = []  # of the sensors, in the order of `zones`

    def state(self) -> State:
        """The state of `zones`. Raises PhysicsError where it is damaged."""
        try:
            return State(**{
                name: np.frombuffer(base64.b64decode(data), dtype="<f8").reshape(shape).copy()
                for name, (shape, data) in self.arrays.items()
            })  # fmt: skip
        except (ValueError, TypeError, OverflowError) as error:
            raise PhysicsError(f"a stored state of roads is not usable: {error}", where="state") from error


def encode(utc_s: float, zones: list[str], state: State, surface_quality: list[float]) -> str:
    """As text."""
    arrays: dict[str, tuple[list[int], str]] = {}
    for field in fields(State):
        value: Array = np.asarray(getattr(state, field.name), dtype="<f8")
        arrays[field.name] = (list(value.shape), base64.b64encode(value.tobytes()).decode())
    return msgspec.json.encode(Kept(utc_s, zones, arrays, surface_quality)).decode()


def decode(text: str) -> Kept:
    """From text. Raises PhysicsError."""
    try:
        return msgspec.json.decode(text, type=Kept)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PhysicsError(f"a stored state of roads is not usable: {error}", where="state") from error


def fits(state: State, like: State) -> bool:
    """Whether it has the shape of `like`."""
    return all(getattr(state, field.name).shape == getattr(like, field.name).shape for field in fields(State))
