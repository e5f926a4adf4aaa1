"""Pushes changed entities to a broker, spooled first.

| answer | what happens |
|---|---|
| 201, 204 | the batch leaves the spool |
| 207, 400, 409, 413, 422 | refused: counted and logged with the broker's reason, the next one follows |
| anything else: none, 200 with a web page, 3xx, 401, 403, 404, 408, 429, 5xx | again later |

An entity sent twice changes nothing: the operation is upsert, and values carry `observedAt`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

from supervisor.city.deliver import Delivery, Target
from supervisor.city.ngsi.entities import Entity, ingest_form, with_context
from supervisor.config.city import NgsiLdConfig

TAKEN: Final = (201, 204)  # ETSI GS CIM 009, 6.15.3.1: created, updated
REFUSED: Final = (207, 400, 409, 413, 422)  # the entities are wrong, not the broker
CONTENT: Final = {"upsert": "application/ld+json", "ingest": "application/json"}


def target(config: NgsiLdConfig, token: str) -> Target:
    """The broker; `token` "": it needs none."""
    headers = {"Content-Type": CONTENT[config.form]} | ({"Authorization": f"Bearer {token}"} if token else {})
    return Target(
        "ngsi_ld", config.url, headers, lambda status, _: status in TAKEN, lambda status, _: status in REFUSED
    )


def body(config: NgsiLdConfig, entities: Sequence[Entity]) -> bytes:
    """A batch in the form that the hub takes."""
    form = ingest_form(config.dataset, entities) if config.form == "ingest" else with_context(entities)
    return json.dumps(form, ensure_ascii=False).encode()


class Changes:
    """Which entities differ from those that were queued last."""

    def __init__(self) -> None:
        self._last: dict[str, Entity] = {}

    def of(self, entities: Sequence[Entity]) -> list[Entity]:
        """Those whose values have changed; a later time of the same value is no change."""
        changed = [one for one in entities if _without_times(one) != self._last.get(one["id"])]
        self._last = {one["id"]: _without_times(one) for one in entities}
        return changed

    def forget(self) -> None:
        """Everything counts as changed."""
        self._last = {}


def _without_times(entity: Entity) -> Entity:
    return {
        name: {key: value for key, value in part.items() if key != "observedAt"} if isinstance(part, dict) else part
        for name, part in entity.items()
        if name not in ("calculationPeriod", "lastMeterReading")
    }


class Pusher:
    """Keep `run` running."""

    def __init__(self, config: NgsiLdConfig, entities: Callable[[], list[Entity]], delivery: Delivery) -> None:
        self._config = config
        self._entities = entities
        self._delivery = delivery
        self._changes = Changes()

    async def run(self) -> None:
        """Queue and deliver until cancelled."""
        await self._delivery.fed_by(self.queue_once, self._config.every_s)

    async def queue_once(self) -> int:
        """Spool what has changed; returns how many entities. Raises StoreError: then they are changed still."""
        changed = self._changes.of(self._entities())
        if changed:
            try:
                await self._delivery.add(body(self._config, changed))
            except BaseException:
                self._changes.forget()
                raise
        return len(changed)
