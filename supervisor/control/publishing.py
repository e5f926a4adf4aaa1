"""Records plans, then sends them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from supervisor.control.dispatch import Dispatcher
from supervisor.domain.errors import StoreError
from supervisor.domain.plan import Plan
from supervisor.store.plans import PlanRepository

logger = logging.getLogger(__name__)


class Publisher:
    """Records plans and sends them to the boards."""

    def __init__(self, plans: PlanRepository, dispatcher: Dispatcher) -> None:
        self._plans = plans
        self._dispatcher = dispatcher

    async def publish(self, plans: Sequence[Plan]) -> None:
        """Record and send `plans`. Raises no StoreError: a plan that is not recorded is sent nevertheless."""
        try:
            await self._plans.save(plans)
        except StoreError as error:
            logger.error("plans not recorded: %s", error)
        self._dispatcher.publish(plans)
