"""REST, live stream, metrics and the crew app. Nothing here is open without a session (see `guard`)."""

from supervisor.web.keys import Services
from supervisor.web.site import make_app, setup

__all__ = ["Services", "make_app", "setup"]
