"""The web layer's application, put together: middlewares in order, routes, start and end."""

from __future__ import annotations

from importlib import metadata

from aiohttp import web

from supervisor.runtime import logs
from supervisor.runtime.rates import Rates
from supervisor.web import (
    files,
    health,
    index,
    login,
    metrics,
    openapi,
    pages,
    passkeys,
    reference,
    residents,
    stream,
    wall,
)
from supervisor.web.allowed import LOOK, NEEDS
from supervisor.web.api import BODY_MAX_BYTES
from supervisor.web.challenges import Challenges
from supervisor.web.expect import Router
from supervisor.web.guard import SAFE_METHODS, add_headers, require_own_page, require_session
from supervisor.web.hosts import require_own_name
from supervisor.web.keys import SERVICES, Services
from supervisor.web.listening import ENTRANCE, Entrance, watch_connection
from supervisor.web.once import ONCE, Once, keyed
from supervisor.web.pace import Pace
from supervisor.web.party import party
from supervisor.web.problems import problems
from supervisor.web.rates import RATES, limited
from supervisor.web.routes import ALL_ROUTES
from supervisor.web.start_files import StartFiles


def setup(app: web.Application, services: Services) -> None:
    """Add everything to `app`. Use `make_app` unless the application carries something else as well."""
    for name in ("aiohttp.server", problems.__module__):  # any client can make these log
        logs.spare(name)
    app[SERVICES] = services
    app[stream.PACE] = Pace(services.clock, services.wall)
    app[stream.STREAMS] = {}
    app[RATES] = Rates(services.clock, len(services.live.zones))
    app[ONCE] = Once(services.answers)
    app[passkeys.CHALLENGES] = Challenges(services.clock)
    if party(services.public_url) is not None:
        passkeys.preload()
    app[login.FAILURES] = login.Failures()
    start = StartFiles(files.load())
    app[pages.FILES], app[pages.FOLDER] = start.files, start.folder
    metrics.install(app, services.live, services.registry)
    app[ENTRANCE] = Entrance()
    app.middlewares.extend(
        (watch_connection, metrics.count, problems, require_own_name, require_session, require_own_page)
    )
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(stream.close_streams)
    app[NEEDS] = {(route.method, route.path): route.needs for route in ALL_ROUTES}
    app[NEEDS] |= {("GET", path): LOOK for path in (*openapi.OTHERS, reference.PATH, *reference.OTHER_PATHS)}
    for route in ALL_ROUTES:
        handler = limited(route.handler) if route.limited else route.handler
        handler = handler if route.method in SAFE_METHODS else keyed(handler)
        app.router.add_route(route.method, route.path, handler)
    app.router.add_get("/api/v1/stream", stream.stream, allow_head=False)
    app.router.add_get("/metrics", metrics.get_metrics)
    app.router.add_get(health.LIVE, health.get_live)
    app.router.add_get(health.READY, health.get_ready)
    app.router.add_get("/openapi.json", openapi.handler(metadata.version("roadheat")))
    app.router.add_get(reference.PATH, reference.handler(metadata.version("roadheat"), services.public_url))
    for path in reference.OTHER_PATHS:
        app.router.add_get(path, reference.to_reference)
    for method, path, page in residents.ROUTES:
        app.router.add_route(method, path, page)
    app.router.add_get(wall.PATH, wall.get_wall)
    app.router.add_get("/login", login.get_login)
    app.router.add_get("/", index.get_index)
    app.router.add_get("/static/{path:.+}", pages.get_file)


def make_app(services: Services) -> web.Application:
    """The application that the service listens with."""
    app = web.Application(client_max_size=BODY_MAX_BYTES)
    app._router = Router()  # the argument for it is deprecated, and nothing has come in its place
    setup(app, services)
    return app
