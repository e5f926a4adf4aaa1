"""Who can sign in: invitations, sign-ins, revocations. Each function is the work of one transaction.

The service runs them through its writer, `roadheat user` on a connection of its own; both write the same audit entries.
Sessions and links are named by ids made from the hash of their token, from which the token cannot be derived.
"""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.domain.names import clean_name, skeleton
from supervisor.domain.role import Role
from supervisor.store import journal, passkeys, people
from supervisor.store.repository import Repository

SIGN_IN = "sign-in"
FIRST_START = "first-start"  # printed at a start without an administrator; invalid once one has signed in
FIRST_ADMIN = "admin"
ROLES = tuple(role.value for role in Role)
SESSIONS_MAX = 20  # of one person, or of a shift that shares a name: those of lost and replaced devices do not pile up
FIRST_DONE = "web.first-link-used"
_ID_HEX = 16  # 64 bits of the hash: unique among a city's sessions


class SessionInfo(Struct, frozen=True):
    """A live session, without its token."""

    id: str
    user: str
    role: str
    created_utc_s: int
    seen_utc_s: int
    expires_utc_s: int
    device: str


class LinkInfo(Struct, frozen=True):
    """A link that is neither used nor expired."""

    id: str
    user: str
    role: str
    made_utc_s: int
    made_by: str  # "" for the service itself
    expires_utc_s: int


class Person(Struct, frozen=True):
    name: str
    role: str
    sessions: tuple[SessionInfo, ...] = ()
    links: tuple[LinkInfo, ...] = ()
    passkeys: tuple[passkeys.Passkey, ...] = ()
    seen_utc_s: int = 0  # last use of a session, sign-in or entry in the audit; 0: never


def session_id(token: str) -> str:
    """The id that a session's token goes by in lists and in the audit."""
    return "s-" + people.digest(token).hex()[:_ID_HEX]


def overview(db: sqlite3.Connection, now_utc_s: float) -> list[Person]:
    """Everybody who has been invited and not been removed, by name, with live sessions, pending links and passkeys."""
    sessions = [
        SessionInfo("s-" + digest.hex()[:_ID_HEX], *row)
        for digest, *row in db.execute(
            "SELECT token_sha256, user, role, created_utc_s, seen_utc_s, expires_utc_s, device FROM session "
            "WHERE expires_utc_s > ? ORDER BY seen_utc_s DESC",
            (now_utc_s,),
        )
    ]
    links = [
        LinkInfo("l-" + digest.hex()[:_ID_HEX], *row)
        for digest, *row in db.execute(
            "SELECT token_sha256, user, role, made_utc_s, made_by, expires_utc_s FROM one_time_token "
            "WHERE purpose IN (?, ?) AND used_utc_s IS NULL AND expires_utc_s > ? ORDER BY expires_utc_s",
            (SIGN_IN, FIRST_START, now_utc_s),
        )
    ]
    keys = passkeys.passkeys(db)
    roles = {link.user: link.role for link in links} | {session.user: session.role for session in sessions}
    roles |= {user.name: user.role for user in people.users(db)}
    seen = dict(db.execute("SELECT user, MAX(utc_s) FROM audit GROUP BY user"))
    for each in sessions:
        seen[each.user] = max(seen.get(each.user, 0), each.seen_utc_s)
    return [
        Person(
            name,
            role,
            tuple(each for each in sessions if each.user == name),
            tuple(each for each in links if each.user == name),
            tuple(each for each in keys if each.user == name),
            seen.get(name, 0),
        )
        for name, role in sorted(roles.items())
    ]


def admin_can_sign_in(db: sqlite3.Connection, now_utc_s: float) -> bool:
    """Whether an administrator is signed in, or holds a link that still works or a passkey."""
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM session WHERE role = 'admin' AND expires_utc_s > ?1) OR EXISTS (SELECT 1 FROM "
        "one_time_token WHERE role = 'admin' AND purpose IN (?2, ?3) AND used_utc_s IS NULL AND expires_utc_s > ?1) "
        "OR EXISTS (SELECT 1 FROM passkey JOIN user ON user.name = passkey.user WHERE user.role = 'admin')",
        (now_utc_s, SIGN_IN, FIRST_START),
    ).fetchone()
    return bool(row[0])


def invite(
    db: sqlite3.Connection, token: str, name: str, role: str | None, by: str, now_utc_s: int, expires_utc_s: int,
    *, change_role: bool = False, keep_an_admin: bool = True,
) -> people.Grant:  # fmt: skip
    """A one-time link for a person, new or known. Returns what it grants, with the name normalised.

    `role` None: the role that the person has. Raises CommandError: `invalid` for an invalid name or role,
    `name-taken` for a look-alike of another person's name, `other-role` where a known person would get another role
    without `change_role`, `last-admin` where no administrator would be left and `keep_an_admin`.
    """
    name = clean_name(name)
    known = {user.name: user.role for user in people.users(db)}
    if name not in known:
        alike = next((other for other in known if skeleton(other) == skeleton(name)), None)
        if alike is not None:
            raise CommandError(
                f"{name!r} looks like {alike!r}, who exists already", where="user", code="name-taken",
                remedy=f"Write {alike!r} if it is the same person, else choose a name that cannot be confused with it",
            )  # fmt: skip
    role = known.get(name) if role is None else role
    if role not in ROLES:
        raise CommandError(
            f"the role of {name!r} is missing or unknown", where="role", code="invalid",
            remedy=f"Give one of {', '.join(ROLES)}",
        )  # fmt: skip
    had = known.get(name, role)
    if had != role:
        if not change_role:
            raise CommandError(
                f"{name!r} is {had}", where="role", code="other-role",
                remedy=f"Invite as {had}, or ask for the role to be changed",
            )  # fmt: skip
        db.execute("UPDATE session SET role = ? WHERE user = ?", (role, name))
        db.execute("DELETE FROM one_time_token WHERE user = ? AND used_utc_s IS NULL", (name,))
        journal.append_audit(db, now_utc_s, by, "change-role", f"{name}: {had} to {role}")
    if name not in known or had != role:
        people.put_user(db, people.User(name, role, now_utc_s))
    grant = people.Grant(SIGN_IN, name, role)
    if keep_an_admin and had == "admin" != role:
        _need_admin(db, now_utc_s)
    people.add_one_time_token(db, token, grant, expires_utc_s, now_utc_s, by)
    journal.append_audit(db, now_utc_s, by, "invite", f"{name} as {role}")
    return grant


def first_link(db: sqlite3.Connection, token: str, now_utc_s: int, expires_utc_s: int) -> bool:
    """Make `token` a first-start link; False once an administrator has signed in."""
    if journal.kv_get(db, FIRST_DONE) is not None:
        return False
    grant = people.Grant(FIRST_START, FIRST_ADMIN, "admin")
    people.add_one_time_token(db, token, grant, expires_utc_s, now_utc_s)
    return True


def sign_in(
    db: sqlite3.Connection, link_token: str, token: str, csrf: str, now_utc_s: int, expires_utc_s: int, device: str
) -> people.Session | None:
    """Use a link and create its session; None where the link is unknown, used or expired.

    The first administrator's sign-in invalidates every first-start link.
    """
    grant = people.use_one_time_token(db, link_token, SIGN_IN, now_utc_s) or people.use_one_time_token(
        db, link_token, FIRST_START, now_utc_s
    )
    if grant is None:
        return None
    if people.find_user(db, grant.user) is None:
        people.put_user(db, people.User(grant.user, grant.role, now_utc_s))
    session = people.Session(grant.user, grant.role, csrf, now_utc_s, expires_utc_s, now_utc_s, device)
    _begin(db, token, session, "link")
    if grant.role == "admin":
        db.execute("DELETE FROM one_time_token WHERE purpose = ? AND used_utc_s IS NULL", (FIRST_START,))
        journal.kv_set(db, FIRST_DONE, str(now_utc_s))
    return session


def sign_in_by_passkey(
    db: sqlite3.Connection, used: passkeys.Passkey, sign_count: int, token: str, csrf: str, now_utc_s: int,
    expires_utc_s: int, device: str,
) -> people.Session | None:  # fmt: skip
    """Create the session of a verified passkey; None where the person or the passkey has been removed meanwhile."""
    user = people.find_user(db, used.user)
    if user is None or user.disabled or not passkeys.note_use(db, used, sign_count, now_utc_s):
        return None
    session = people.Session(user.name, user.role, csrf, now_utc_s, expires_utc_s, now_utc_s, device)
    _begin(db, token, session, f"passkey {used.id}")
    return session


def _begin(db: sqlite3.Connection, token: str, session: people.Session, how: str) -> None:
    people.forget_expired(db, session.created_utc_s)
    ended = people.end_oldest_of(db, session.user, keep=SESSIONS_MAX - 1)
    people.create_session(db, token, session)
    detail = f"by {how}, as {session.role}: {session_id(token)}{'; the oldest session ended' if ended else ''}"
    journal.append_audit(db, session.created_utc_s, session.user, "sign-in", detail)


def remove_passkey(
    db: sqlite3.Connection, wanted: str, by: str, now_utc_s: int, *, of: str | None = None, keep_an_admin: bool = True
) -> None:
    """Make a passkey void. Raises NotFoundError, or CommandError `last-admin`."""
    found = passkeys.remove(db, wanted, by, now_utc_s, of=of)
    user = people.find_user(db, found.user)
    if keep_an_admin and user is not None and user.role == "admin":
        _need_admin(db, now_utc_s)


def revoke_session(
    db: sqlite3.Connection, wanted: str, by: str, now_utc_s: int, *, of: str | None = None, keep_an_admin: bool = True
) -> None:
    """End the session of that id; `of`: only where it is that person's. Raises NotFoundError, or CommandError
    `last-admin`.
    """
    found = next((s for p in overview(db, now_utc_s) for s in p.sessions if s.id == wanted), None)
    if found is None or of not in (None, found.user):
        raise NotFoundError("no such session", where=wanted[:80], remedy="It may have ended already")
    db.execute("DELETE FROM session WHERE hex(token_sha256) LIKE ?", (f"{wanted[2:].upper()}%",))
    journal.append_audit(db, now_utc_s, by, "revoke-session", f"{wanted} of {found.user}")
    if keep_an_admin and found.role == "admin":
        _need_admin(db, now_utc_s)


def end_others(db: sqlite3.Connection, token: str, user: str, now_utc_s: int) -> int:
    """End every session of a person but the one of that token; returns how many ended."""
    ended = people.end_sessions_of(db, user, but=token)
    journal.append_audit(db, now_utc_s, user, "end-other-sessions", f"{ended}, all but {session_id(token)}")
    return ended


def revoke_link(db: sqlite3.Connection, wanted: str, by: str, now_utc_s: int) -> None:
    """Invalidate the pending link of that id. Raises NotFoundError."""
    found = next((x for p in overview(db, now_utc_s) for x in p.links if x.id == wanted), None)
    if found is None:
        raise NotFoundError("no such link", where=wanted[:80], remedy="It may have been used already")
    db.execute("DELETE FROM one_time_token WHERE hex(token_sha256) LIKE ?", (f"{wanted[2:].upper()}%",))
    journal.append_audit(db, now_utc_s, by, "revoke-link", f"{wanted} for {found.user}")


def revoke_person(db: sqlite3.Connection, name: str, by: str, now_utc_s: int, *, keep_an_admin: bool = True) -> int:
    """End all sessions, links and passkeys of a person and remove the name. Returns how many sessions ended.

    That person's commands hold until they expire, and stay in the record. Raises NotFoundError, or CommandError
    `last-admin`.
    """
    found = next((person for person in overview(db, now_utc_s) if person.name == name), None)
    if found is None:
        raise NotFoundError("no such person", where=name[:80], remedy="The list of people shows every name")
    ended = people.end_sessions_of(db, name)
    db.execute("DELETE FROM one_time_token WHERE user = ? AND used_utc_s IS NULL", (name,))
    db.execute("DELETE FROM passkey WHERE user = ?", (name,))
    db.execute("DELETE FROM user WHERE name = ?", (name,))
    held = f"{ended} sessions, {len(found.links)} links, {len(found.passkeys)} passkeys"
    journal.append_audit(db, now_utc_s, by, "revoke-person", f"{name}: {held}")
    if keep_an_admin and found.role == "admin":
        _need_admin(db, now_utc_s)
    return ended


def sign_out(db: sqlite3.Connection, token: str, user: str, now_utc_s: int, *, keep_an_admin: bool = True) -> None:
    """A person ends their own session. Raises CommandError `last-admin`."""
    session = people.find_session(db, token, now_utc_s)
    people.end_session(db, token)
    journal.append_audit(db, now_utc_s, user, "sign-out", session_id(token))
    if keep_an_admin and session is not None and session.role == "admin":
        _need_admin(db, now_utc_s)


def _need_admin(db: sqlite3.Connection, now_utc_s: float) -> None:
    if not admin_can_sign_in(db, now_utc_s):
        raise CommandError(
            "no administrator would be able to sign in", code="last-admin",
            remedy="Invite another administrator first; `roadheat user` on the server always works",
        )  # fmt: skip


class AccessRepository(Repository):
    """People, their sessions and links. What changes more than a session is a function above, run by `write`."""

    async def find_session(self, token: str) -> people.Session | None:
        """The session of a cookie, None where there is none or it has expired."""
        now = self._clock.utc_s()
        return await self.read(lambda db: people.find_session(db, token, now))

    async def touch_session(self, token: str, expires_utc_s: int) -> None:
        """Note that a session is used now, and let it live until `expires_utc_s` at least."""
        now = self._now()
        await self.write(lambda db: people.touch_session(db, token, now, expires_utc_s))

    async def first_link_used(self) -> bool:
        """Whether an administrator has signed in by a first-start link or any other."""
        return await self.read(lambda db: journal.kv_get(db, FIRST_DONE)) is not None
