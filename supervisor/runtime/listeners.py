"""Calling listeners: a failing one stops neither the others nor the caller."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVarTuple

logger = logging.getLogger(__name__)

Ts = TypeVarTuple("Ts")


def tell(listeners: Iterable[Callable[[*Ts], object]], what: str, *news: *Ts) -> None:
    """Call every listener with `news`; a failure is logged with `what` has changed."""
    for listener in tuple(listeners):
        try:
            listener(*news)
        except Exception as error:
            logger.error("a listener failed (%s)", what, exc_info=error)
