"""The keys with which rooms sign their ballots, and whether a ballot is signed by the right one."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.accounts.auth import Denied
from bridge.conference import commands as c
from bridge.conference.ballot_signature import public_octets
from bridge.conference.model import Refusal
from bridge.server.api.routes import Call, Route, token_of
from bridge.store.accounts import Accounts


class SigningKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public half of a room's key: Base64 of its 32 octets (RFC 8032)."""

    key: Annotated[str, msgspec.Meta(min_length=44, max_length=44)]


async def keep_key(call: Call) -> None:
    """Keep the public key of the device that holds the session. One that takes the place of another
    is audited; ballots that were signed before stand with theirs in the log."""
    token, by_cookie = token_of(call.request)
    session = None if by_cookie else call.services.control.sessions.get(token)
    if session is None or session.kind != "point" or session.device is None:
        raise Denied(401, "http.no_session")
    key: str = call.body.key
    try:
        public_octets(key)
    except ValueError:
        raise Denied(422, "api.no_signing_key") from None
    accounts = call.services.accounts
    device = await accounts.device(session.device)
    if device is None or device.revoked is not None:
        raise Denied(401, "http.no_session")
    if device.signing_key == key:
        return
    await accounts.keep_signing_key(device.id, key)
    outcome = "replaced" if device.signing_key else "done"
    actor = f"point:{session.point}"
    await call.services.auth.note(actor, call.address, "signing key", device.id, outcome)


async def wrong_key(accounts: Accounts, device: str | None, ballot: c.CastBallot) -> Refusal | None:
    """Why a device may not cast a ballot with that key: it is not its own, or it has one and did
    not sign. A device without a key has none to sign with."""
    found = await accounts.device(device) if device is not None else None
    own = found.signing_key if found is not None else ""
    if ballot.key == own:
        return None
    return Refusal(key="refusal.ballot_key" if ballot.key else "refusal.ballot_unsigned")


ROUTES = [
    Route(
        "PUT",
        "/api/v1/room/signing-key",
        keep_key,
        "public",
        "Keep the public key with which a room signs its ballots; bearer: its session",
        SigningKeyBody,
        status=204,
        headers=("Authorization",),
    ),
]
