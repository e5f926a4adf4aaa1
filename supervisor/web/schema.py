"""What goes over the REST interface, as structs; those of a zone are in `control.view`. OpenAPI is made from both."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from supervisor.control.condition import NotHeating
from supervisor.control.override_rules import MIN_MINUTES, REASON_MAX, REASON_MIN
from supervisor.control.reach import Reach
from supervisor.control.view import DangerView, OverrideView, PlanView
from supervisor.domain.override import OverrideMode
from supervisor.domain.role import Role
from supervisor.domain.scope import Scope
from supervisor.store.tokens import DAYS
from supervisor.weather.providers.kind import Attribution


class OverrideRequest(Struct, forbid_unknown_fields=True):
    """A person's command for a zone. The zone's own limit on minutes is checked besides."""

    mode: OverrideMode
    minutes: Annotated[int, Meta(ge=MIN_MINUTES, le=24 * 60)]
    reason: Annotated[str, Meta(min_length=REASON_MIN, max_length=REASON_MAX)]


class AlarmSeen(Struct, forbid_unknown_fields=True):
    """A person has seen an alarm that stands."""

    code: Annotated[str, Meta(max_length=40)]
    subject: Annotated[str, Meta(max_length=80)]
    comment: Annotated[str, Meta(max_length=200)] = ""
    assigned_to: Annotated[str, Meta(max_length=40)] = ""  # nobody: who sends it


class AlarmShelved(Struct, forbid_unknown_fields=True):
    """An alarm is put off."""

    code: Annotated[str, Meta(max_length=40)]
    subject: Annotated[str, Meta(max_length=80)]
    minutes: Annotated[int, Meta(ge=5, le=24 * 60)]
    reason: Annotated[str, Meta(min_length=REASON_MIN, max_length=REASON_MAX)]


class OverrideAnswer(OverrideView, frozen=True, kw_only=True):
    """An override as it is now."""

    zone: str
    not_heating: NotHeating | None  # why the zone stays off whatever is commanded


class DangerZone(Struct):
    """One zone under electric danger."""

    zone: str
    board: str
    reach: Reach | None
    off_until_utc_s: int | None  # how long its board holds off by itself


class DangerAnswer(DangerView, frozen=True, kw_only=True):
    """An electric danger as it is now."""

    confirmed_by: str | None  # the second of the two
    stands: bool
    zones: list[DangerZone]


class FeederAnswer(Struct):
    """A supply and its two limits."""

    id: str
    contract_w: int  # 15-min mean
    breaker_w: int  # every instant


class SessionAnswer(Struct, kw_only=True):
    """Who is signed in, and what the app needs to know first."""

    user: str
    role: str  # "token": a program
    csrf: str  # to be sent back as X-CSRF-Token with every mutation
    expires_utc_s: int
    site: str
    timezone: str  # IANA name
    utc_s: float  # the service's clock
    contract_w: int  # of all supplies together
    feeders: list[FeederAnswer]
    passkeys: bool  # whether they can be made here
    attributions: tuple[Attribution, ...]  # that the licences of the weather data demand to be shown


class SlotAnswer(Struct):
    """A stretch of a plan."""

    start_s: int  # UTC second
    end_s: int
    setpoint_c: float
    duty_permille: int  # -1: the board's local rule


class PlanAnswer(PlanView, frozen=True, kw_only=True):
    """A zone's plan, with its times made absolute."""

    zone: str
    end_utc_s: int
    lease_s: int
    slots: list[SlotAnswer]


class LinkRequest(Struct, forbid_unknown_fields=True):
    """An invitation for one person: a one-time link."""

    user: Annotated[str, Meta(min_length=2, max_length=200)]  # at most 40 letters once in its one spelling
    role: Role = Role.CREW
    change_role: bool = False  # a known person gets `role`; otherwise another role than the known one is refused


class LinkAnswer(Struct):
    """Give `path` (after the service's address) to that person; it works once."""

    user: str
    role: str
    path: str
    expires_utc_s: int


class PersonSession(Struct):
    """Where a person is signed in. `id` opens nothing."""

    id: str
    device: str  # "phone", "computer" or "program", as the browser says; "" from before that was kept
    created_utc_s: int
    seen_utc_s: int  # true to the minute
    expires_utc_s: int
    own: bool  # the session that asks


class PendingLink(Struct):
    """A link that has not been used yet."""

    id: str
    by: str  # who made it
    made_utc_s: int
    expires_utc_s: int


class TokenRequest(Struct, forbid_unknown_fields=True):
    """A token for one program."""

    name: Annotated[str, Meta(min_length=2, max_length=200)]  # in the audit as `token:<name>`
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
    days: Annotated[int, Meta(ge=DAYS[0], le=DAYS[-1])] = 90


class TokenAnswer(Struct, kw_only=True):
    """An API token without its secret. `id` opens nothing."""

    id: str
    name: str
    scopes: list[Scope]
    by: str  # who made it
    made_utc_s: int
    expires_utc_s: int
    used_utc_s: int | None  # true to the minute; null: never


class TokenMade(TokenAnswer, kw_only=True):
    """A new token: `token` is not kept and cannot be shown again."""

    token: str


_Bytes = Annotated[str, Meta(max_length=8_000, pattern="^[0-9A-Za-z_-]*$")]  # base64url, of some hundred bytes


class Device(StrEnum):
    """What a passkey is made on."""

    PHONE = "phone"
    COMPUTER = "computer"


class Attestation(Struct, forbid_unknown_fields=True):
    """`response` of a new passkey, in the names of WebAuthn; bytes as base64url."""

    clientDataJSON: _Bytes
    attestationObject: _Bytes


class PasskeyRequest(Struct, forbid_unknown_fields=True):
    """A passkey that the browser has made."""

    id: _Bytes
    response: Attestation
    device: Device = Device.PHONE


class Assertion(Struct, forbid_unknown_fields=True):
    """`response` of a sign-in, in the names of WebAuthn; bytes as base64url."""

    clientDataJSON: _Bytes
    authenticatorData: _Bytes
    signature: _Bytes
    userHandle: _Bytes | None = None


class PasskeySignIn(Struct, forbid_unknown_fields=True):
    """A sign-in with a passkey."""

    id: _Bytes
    response: Assertion


class PasskeyAnswer(Struct):
    """A passkey. `id` opens nothing."""

    id: str
    device: str  # "phone" or "computer"
    made_utc_s: int
    used_utc_s: int | None  # null: never


class PersonAnswer(Struct):
    """Somebody who may sign in."""

    name: str
    role: str
    sessions: list[PersonSession]  # last seen first
    links: list[PendingLink]
    passkeys: list[PasskeyAnswer]
    seen_utc_s: int | None  # when last here; null: never


class ClockEvent(Struct):
    """The service's clock, in the stream."""

    utc_s: float
    rate: float  # service seconds per wall second: 1, except in a demo
