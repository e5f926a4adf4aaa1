"""What the step's functions need beyond + − × ÷ and comparison, for one lane in floats and for many in arrays alike.

The physics is written once, over a value per lane that is a float or an array (lanes,), and is handed the module that
knows its kind: `floats` or `arrays`. A numpy call costs a microsecond whatever it adds up, so that one road in arrays
of length 1 costs twenty times as much as in floats; branches that skip work are taken where no lane needs it.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
T = TypeVar("T", float, Array)  # a value per lane


class Maths(Protocol[T]):
    """`floats` or `arrays`. A condition is a bool or an array of them; both sides of a choice are worked out."""

    def exp(self, x: T, /) -> T: ...
    def expm1(self, x: T, /) -> T: ...
    def sqrt(self, x: T, /) -> T: ...
    def cbrt(self, x: T, /) -> T: ...
    def minimum(self, a: T, b: T | float, /) -> T: ...
    def maximum(self, a: T, b: T | float, /) -> T: ...

    def clip(self, x: T, low: T, high: T, /) -> T: ...

    def where(self, condition: Any, a: Any, b: Any, /) -> T:
        """a where the condition holds, else b: numbers, or conditions."""
        ...

    def choose(self, condition: Any, a: tuple[float, float], b: tuple[float, float], /) -> tuple[T, T]:
        """`where` of a pair of constants."""
        ...

    def anywhere(self, condition: Any, /) -> bool:
        """Whether it holds (differs from 0) in any lane."""
        ...

    def largest(self, x: T, /) -> float:
        """The largest magnitude of all lanes; NaN where there is one."""
        ...

    def interpolate(self, table: Any, at: T, /) -> T:
        """Each lane's table (…, points), linear between the points, at 0 … points − 1."""
        ...
