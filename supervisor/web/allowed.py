"""Which role a person and which scope a program needs, by operation. What is not listed is refused to programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from supervisor.domain.errors import ForbiddenError
from supervisor.domain.role import Role
from supervisor.domain.scope import Scope
from supervisor.web.session import Session

_RANK: Final = {role.value: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True)
class Need:
    """What an operation needs."""

    role: Role = Role.VIEWER  # or a higher one
    scope: Scope | None = Scope.READ  # None: for people only
    open: bool = False  # to everybody: signing in


LOOK: Final = Need()
OPEN: Final = Need(scope=None, open=True)
OWN: Final = Need(scope=None)  # what concerns the person who asks
SESSIONS: Final = Need(scope=Scope.ADMIN)  # people: their own; administrators and their programs: anybody's
COMMAND: Final = Need(Role.CREW, Scope.COMMAND)
OBSERVE: Final = Need(Role.CREW, Scope.OBSERVE)
ON_SITE: Final = Need(Role.CREW, None)  # somebody has looked: no program can say so
ADMIN: Final = Need(Role.ADMIN, Scope.ADMIN)
ADMIN_PERSON: Final = Need(Role.ADMIN, None)  # a token makes no further tokens

NEEDS: Final = web.AppKey("needs", dict[tuple[str, str], Need])  # by method and path


def check_allowed(request: web.Request, session: Session) -> None:
    """Raises ForbiddenError where the role is too low or the token has not the scope."""
    resource = request.match_info.route.resource
    if resource is None:
        return  # there is nothing at this address: the answer says so
    method = "GET" if request.method == "HEAD" else request.method
    need = request.app[NEEDS].get((method, resource.canonical), Need(scope=None))
    if session.scopes is not None:
        if need.scope is None:
            raise ForbiddenError(f"{session.user} is a program; this is for people", remedy="Sign in as a person")
        if need.scope not in session.scopes:
            raise ForbiddenError(
                f"{session.user} has not the scope {need.scope}", where="Authorization",
                remedy="Ask an administrator for a token with that scope",
            )  # fmt: skip
    elif _RANK[session.role] < _RANK[need.role]:
        raise ForbiddenError(
            f"{session.user} is {session.role}; this needs {need.role}", remedy="Ask an administrator for another link"
        )
