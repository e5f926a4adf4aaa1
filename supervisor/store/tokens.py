"""API tokens of programs: each function is the work of one transaction. The store keeps only a token's SHA-256."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from msgspec import Struct

from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.domain.names import clean_name, skeleton
from supervisor.domain.scope import Scope
from supervisor.store import journal, people

DAY_S = 24 * 3600
DAYS = range(1, 401)  # a year and a month: made once before each winter
TOKENS_MAX = 200  # of a city's programs; the page lists all
PREFIX = "rht_"  # lets scanners of source code find a token that was committed by mistake
USER_PREFIX = "token:"  # in the audit and beside commands; no person's name has a colon
_ID_HEX = 16
_COLUMNS = "token_sha256, name, scopes, made_by, made_utc_s, expires_utc_s, used_utc_s"


class ApiToken(Struct, frozen=True):
    """A token without its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    made_by: str
    made_utc_s: int
    expires_utc_s: int
    used_utc_s: int  # 0: never

    @property
    def user(self) -> str:
        """What its commands and audit entries are signed with."""
        return USER_PREFIX + self.name


def token_id(token: str) -> str:
    """The id that a token goes by in lists and in the audit; opens nothing."""
    return "t-" + people.digest(token).hex()[:_ID_HEX]


def _token(row: tuple[bytes, str, str, str, int, int, int]) -> ApiToken:
    digest, name, scopes, by, made_utc_s, expires_utc_s, used_utc_s = row
    known = tuple(Scope(word) for word in scopes.split() if word in set(Scope))
    return ApiToken("t-" + digest.hex()[:_ID_HEX], name, known, by, made_utc_s, expires_utc_s, used_utc_s)


def tokens(db: sqlite3.Connection) -> list[ApiToken]:
    """All tokens that were not revoked, expired ones too, by name."""
    return [_token(row) for row in db.execute(f"SELECT {_COLUMNS} FROM api_token ORDER BY name")]


def find(db: sqlite3.Connection, token: str, now_utc_s: float) -> ApiToken | None:
    """The token that a program sent, None where it is unknown, revoked or expired."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM api_token WHERE token_sha256 = ? AND expires_utc_s > ?",
        (people.digest(token), now_utc_s),
    ).fetchone()
    return _token(row) if row else None


def touch(db: sqlite3.Connection, token: str, now_utc_s: int) -> None:
    """Note that a token is used now."""
    db.execute("UPDATE api_token SET used_utc_s = ? WHERE token_sha256 = ?", (now_utc_s, people.digest(token)))


def make(
    db: sqlite3.Connection, token: str, name: str, scopes: Iterable[str], days: int, by: str, now_utc_s: int
) -> ApiToken:
    """Keep a new token. Raises CommandError: `invalid` for name, scopes or days, `name-taken` for a name in use."""
    name = clean_name(name)
    wanted = [scope for scope in Scope if scope in set(scopes)]
    if not wanted or set(scopes) - set(Scope):
        raise CommandError(
            "a token needs at least one scope, and no others than these", where="scopes", code="invalid",
            remedy=f"Give some of {', '.join(Scope)}",
        )  # fmt: skip
    if days not in DAYS:
        raise CommandError(
            f"{days} days", where="days", code="invalid", remedy=f"Give {DAYS[0]} to {DAYS[-1]} days"
        )  # fmt: skip
    known = tokens(db)
    alike = next((other.name for other in known if skeleton(other.name) == skeleton(name)), None)
    if alike is not None:
        raise CommandError(
            f"there is a token {alike!r} already", where="name", code="name-taken",
            remedy="Choose another name, or revoke that token first",
        )  # fmt: skip
    if len(known) >= TOKENS_MAX:
        raise CommandError(f"{TOKENS_MAX} tokens exist", where="name", code="invalid", remedy="Revoke old ones first")
    db.execute(
        "INSERT INTO api_token (token_sha256, name, scopes, made_by, made_utc_s, expires_utc_s) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (people.digest(token), name, " ".join(wanted), by, now_utc_s, now_utc_s + days * DAY_S),
    )
    made = ApiToken(token_id(token), name, tuple(wanted), by, now_utc_s, now_utc_s + days * DAY_S, 0)
    journal.append_audit(db, now_utc_s, by, "make-token", f"{made.id} {name}: {' '.join(wanted)}, {days} days")
    return made


def revoke(db: sqlite3.Connection, wanted: str, by: str, now_utc_s: int) -> ApiToken:
    """Make a token void, by id or name. Raises NotFoundError."""
    found = next((each for each in tokens(db) if wanted in (each.id, each.name)), None)
    if found is None:
        raise NotFoundError("no such token", where=wanted[:80], remedy="The list of tokens shows every id")
    db.execute("DELETE FROM api_token WHERE name = ?", (found.name,))
    journal.append_audit(db, now_utc_s, by, "revoke-token", f"{found.id} {found.name}")
    return found
