"""Services of the web layer, and the keys under which handlers find them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import web
from prometheus_client import CollectorRegistry

from supervisor.city.documents import Documents
from supervisor.control.alarm_desk import AlarmDesk
from supervisor.control.alarms import Alarms
from supervisor.control.broken_cable import BrokenCables
from supervisor.control.danger import Dangers
from supervisor.control.degraded import Degradations, Degraded
from supervisor.control.live import LiveState
from supervisor.control.notify.opening import Telling
from supervisor.control.outlook.desk import Outlooks
from supervisor.control.overrides import Overrides
from supervisor.control.previews import Previews
from supervisor.control.response import Response
from supervisor.control.road_work import RoadWorks
from supervisor.control.sprayers import Sprayers
from supervisor.control.turns import TurnTaking
from supervisor.control.zone_day import ZoneDays
from supervisor.domain.zone import Feeder, Line, Site
from supervisor.reports.desk import EnergyDesk
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.store.answers import AnswerRepository
from supervisor.store.audit import AuditRepository
from supervisor.store.store import Store
from supervisor.weather.providers.kind import Attribution
from supervisor.web.session import Session
from supervisor.web.sessions import Sessions

if TYPE_CHECKING:  # it needs these keys
    from supervisor.web.residents import Residents


@dataclass(frozen=True)
class Safety:
    """Use cases for faults and electric danger."""

    audit: AuditRepository
    dangers: Dangers
    cables: BrokenCables
    alarms: Alarms
    desk: AlarmDesk


@dataclass(frozen=True)
class Services:
    """Services used by the web layer."""

    live: LiveState
    overrides: Overrides
    sessions: Sessions
    clock: Clock
    site: Site
    answers: AnswerRepository  # to requests that changed something
    attributions: tuple[Attribution, ...] = ()  # of the weather that is shown
    public_url: str = ""  # scheme://host of the proxy in front, if there is one
    metrics_token: str = ""  # empty: /metrics needs a session
    # Real time even in a demo: it paces what is sent to people, and no decision uses it.
    wall: Clock = field(default_factory=SystemClock)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)  # others may add their metrics
    safety: Safety | None = None  # None: these routes answer not-found
    degradations: Degradations | None = None  # None: nothing is ever degraded
    telling: Telling | None = None  # None: these routes answer not-found
    previews: Previews | None = None  # None: these routes answer not-found
    turn_taking: TurnTaking | None = None  # None: these routes answer not-found
    works: RoadWorks | None = None  # None: these routes answer not-found
    sprayers: Sprayers | None = None  # None: these routes answer not-found
    days: ZoneDays | None = None  # None: these routes answer not-found
    residents: Residents | None = None  # None: these pages answer not-found
    documents: Documents = field(
        default_factory=Documents
    )  # for other systems of the city; each None answers not-found
    response: Response | None = None  # None: no stage is decided
    outlooks: Outlooks | None = None  # None: these routes answer not-found
    hosts: tuple[str, ...] = ()  # further names under which it is asked
    energy: EnergyDesk | None = None  # None: these routes answer not-found
    record: Store | None = None  # for the history; None: these routes answer not-found
    count: Callable[[str], object] = lambda what: None  # what is used, kept by day
    contract_w: int = 0  # of all supplies together
    feeders: tuple[Feeder, ...] = ()  # those supplies
    lines: Mapping[str, Line] = field(default_factory=dict)  # zone → where it runs; none: there is no map
    contact: str = ""  # whom to call, on the sign-in page

    def degraded_now(self) -> list[Degraded]:
        """What the service goes on with in a lesser form, in the order of `DegradedCode`."""
        return self.degradations.now() if self.degradations is not None else []


SERVICES: Final = web.AppKey("services", Services)
SESSION: Final = web.RequestKey("session", Session)
RENEWED: Final = web.RequestKey("renewed", bool)  # the session got longer: the cookie is to be set again
