"""The operations of passkeys, beside `api.ROUTES`."""

from __future__ import annotations

from typing import Any, Final

from supervisor.web import login, passkeys
from supervisor.web.allowed import OPEN, OWN
from supervisor.web.api import BODY, MUTATION, Route
from supervisor.web.schema import PasskeyAnswer, PasskeyRequest, PasskeySignIn

PASSKEY_ROUTES: Final = (
    Route("GET", "/api/v1/passkeys", passkeys.get_passkeys, "One's own passkeys", list[PasskeyAnswer], need=OWN),
    Route("POST", "/api/v1/passkeys/options", passkeys.post_options, "Options for `navigator.credentials.create`",
          dict[str, Any], problems=("no-passkeys", *MUTATION), need=OWN),
    Route("POST", "/api/v1/passkeys", passkeys.post_passkey, "Keep a passkey that the browser has made",
          PasskeyAnswer, 201, PasskeyRequest, ("bad-passkey", "no-passkeys", "busy", *MUTATION, *BODY), OWN, True),
    Route("DELETE", "/api/v1/passkeys/{passkey}", passkeys.delete_passkey,
          "Make one's own passkey void (role admin: anybody's)", None, 204,
          problems=("not-found", "last-admin", *MUTATION), need=OWN),
    Route("POST", "/login/passkey/options", passkeys.post_sign_in_options, "Options for `navigator.credentials.get`",
          dict[str, Any], problems=("no-passkeys", "bad-origin"), need=OPEN),
    Route("POST", "/login/passkey", login.post_passkey_sign_in, "Sign in with a passkey: sets the session cookie",
          None, 204, PasskeySignIn, ("bad-passkey", "no-passkeys", "busy", "too-many", "bad-origin", *BODY), OPEN),
)  # fmt: skip
