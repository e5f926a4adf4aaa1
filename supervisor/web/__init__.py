"""REST, live stream, metrics and the crew app. Nothing here is open without a session (see `guard`)."""

from supervisor.web.keys import Safety, Services
from supervisor.web.site import make_app, setup

__all__ = ["Safety", "Services", "make_app", "setup"]
