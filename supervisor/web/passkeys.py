"""Passkeys (WebAuthn): made by a signed-in person for a device of theirs, and used instead of a link.

Needs `web.public_url`: a passkey is bound to the address that people type. The device checks the person (finger, face
or PIN), the service checks origin, challenge, signature and counter.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import msgspec
from aiohttp import web

from supervisor.store import access, passkeys
from supervisor.store.passkeys import Passkey
from supervisor.web.body import json_answer, read_struct
from supervisor.web.challenges import LIFE_S, Challenges
from supervisor.web.keys import SERVICES, SESSION
from supervisor.web.party import Party, party
from supervisor.web.problems import RequestError
from supervisor.web.schema import PasskeyAnswer, PasskeyRequest, PasskeySignIn

logger = logging.getLogger(__name__)

ADD: Final = "add"
SIGN_IN: Final = "sign-in"


CHALLENGES: Final = web.AppKey("challenges", Challenges)


def preload() -> None:
    """Import what verifies: a quarter of a second, which no visitor of the sign-in page is to cost the others."""
    import webauthn  # noqa: F401


def _party(request: web.Request) -> Party:
    found = party(request.app[SERVICES].public_url)
    if found is None:
        raise RequestError(
            "no-passkeys", remedy="Set web.public_url to the https address that people type, with a host name"
        )
    return found


def _json(options: Any) -> web.Response:
    from webauthn import options_to_json  # here and below: a service without passkeys needs none of it

    return web.Response(text=options_to_json(options), content_type="application/json")


def _challenge(client_data: str) -> bytes:
    """The challenge that the device has signed, as it says itself; raises RequestError."""
    from webauthn.helpers import base64url_to_bytes

    try:
        return base64url_to_bytes(msgspec.json.decode(base64url_to_bytes(client_data))["challenge"])
    except Exception:  # whatever a stranger sends
        raise RequestError("bad-passkey", "clientDataJSON cannot be read", where="response.clientDataJSON") from None


async def get_passkeys(request: web.Request) -> web.Response:
    user = request[SESSION].user
    own = await request.app[SERVICES].sessions.store.read(lambda db: passkeys.passkeys(db, user))
    return json_answer([answer(each) for each in own])


def answer(passkey: Passkey) -> PasskeyAnswer:
    """What lists show of it."""
    return PasskeyAnswer(passkey.id, passkey.device, passkey.made_utc_s, passkey.used_utc_s or None)


async def post_options(request: web.Request) -> web.Response:
    """What the browser needs to make a passkey for the person who is signed in."""
    from webauthn import generate_registration_options
    from webauthn.helpers import structs

    services, user, rp = request.app[SERVICES], request[SESSION].user, _party(request)
    known, handle = await services.sessions.store.read(
        lambda db: (passkeys.passkeys(db, user), passkeys.handle_of(db, user))
    )
    return _json(
        generate_registration_options(
            rp_id=rp.id, rp_name=services.site.name, user_id=handle, user_name=user, user_display_name=user,
            challenge=request.app[CHALLENGES].make(ADD, user), timeout=LIFE_S * 1000,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=each.credential) for each in known],
        )
    )  # fmt: skip


async def post_passkey(request: web.Request) -> web.Response:
    """Check and keep a passkey that the browser has made."""
    from webauthn import verify_registration_response

    services, user, rp = request.app[SERVICES], request[SESSION].user, _party(request)
    wanted = await read_struct(request, PasskeyRequest)
    challenge = _challenge(wanted.response.clientDataJSON)
    request.app[CHALLENGES].use(challenge, ADD, user)
    try:
        made = verify_registration_response(
            credential=_credential(wanted), expected_challenge=challenge, expected_rp_id=rp.id,
            expected_origin=rp.origin, require_user_verification=True,
        )  # fmt: skip
    except Exception as error:  # the library raises many kinds for what a stranger sends
        raise RequestError("bad-passkey", f"not accepted: {error}"[:200], where="response") from None
    now = int(services.clock.utc_s())
    device = wanted.device.value

    def keep(db: Any) -> Passkey:
        handle = passkeys.handle_of(db, user)
        kept = Passkey(
            made.credential_id, user, handle, device, made.credential_public_key, made.sign_count, now
        )  # fmt: skip
        passkeys.add(db, kept)
        return kept

    return json_answer(answer(await services.sessions.store.write(keep)), status=201)


async def delete_passkey(request: web.Request) -> web.Response:
    """One's own; an administrator may remove anybody's, as after the loss of a phone."""
    services, session = request.app[SERVICES], request[SESSION]
    of = None if session.role == "admin" else session.user
    now, wanted = int(services.clock.utc_s()), request.match_info["passkey"]
    await services.sessions.store.write(
        lambda db: access.remove_passkey(db, wanted, session.user, now, of=of), safety=True
    )
    return web.Response(status=204)


async def post_sign_in_options(request: web.Request) -> web.Response:
    """What the browser needs to sign somebody in; it offers the passkeys that it has for this address."""
    from webauthn import generate_authentication_options
    from webauthn.helpers.structs import UserVerificationRequirement

    rp = _party(request)
    challenge = request.app[CHALLENGES].make(SIGN_IN)
    return _json(
        generate_authentication_options(
            rp_id=rp.id, challenge=challenge, timeout=LIFE_S * 1000,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )  # fmt: skip


async def verified(request: web.Request) -> tuple[Passkey, int]:
    """The passkey of a sign-in, and its new counter. Raises RequestError `bad-passkey`."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes

    rp, wanted = _party(request), await read_struct(request, PasskeySignIn)
    challenge = _challenge(wanted.response.clientDataJSON)
    request.app[CHALLENGES].use(challenge, SIGN_IN)
    try:
        credential = base64url_to_bytes(wanted.id)
    except ValueError:
        raise RequestError("bad-passkey", "not base64url", where="id") from None
    known = await request.app[SERVICES].sessions.store.read(lambda db: passkeys.find(db, credential))
    if known is None:
        raise RequestError("bad-passkey", "this passkey is not known here", where="id",
                           remedy="It may have been removed: ask an administrator for a link")  # fmt: skip
    try:
        checked = verify_authentication_response(
            credential=_credential(wanted), expected_challenge=challenge, expected_rp_id=rp.id,
            expected_origin=rp.origin, credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count, require_user_verification=True,
        )  # fmt: skip
    except Exception as error:  # the library raises many kinds for what a stranger sends
        logger.warning("passkey refused: %s", error, extra={"passkey": known.id, "user": known.user})
        raise RequestError("bad-passkey", f"not accepted: {error}"[:200], where="response") from None
    return known, checked.new_sign_count


def _credential(wanted: PasskeyRequest | PasskeySignIn) -> dict[str, Any]:
    response = {key: value for key, value in msgspec.to_builtins(wanted.response).items() if value is not None}
    return {"id": wanted.id, "rawId": wanted.id, "type": "public-key", "response": response}
