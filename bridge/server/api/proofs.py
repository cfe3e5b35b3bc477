"""What proves a conference's log: the public key, and the signed head."""

from __future__ import annotations

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.proof.signing_key import PUBLIC_KEY
from bridge.proof.statements import head_of, head_text
from bridge.server.api.routes import Call, Route


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The signed head of a conference's log: the hash of event ``events``, which covers all before
    it. ``statement`` is the text that ``signature`` (Ed25519, Base64) is over; ``key`` the
    fingerprint of the key that signed it, ``signed`` when (UTC seconds). Events from ``since`` on
    were chained when they were written."""

    events: int
    head: str
    since: int
    signed: int
    key: str
    signature: str
    statement: str


def proof_of(call: Call, conference: str) -> Proof | None:
    """The signed head of a conference; None: it has not ended, or is not signed yet."""
    found = call.services.heads.heads.get(conference)
    if found is None:
        return None
    return Proof(
        events=found.events,
        head=found.head,
        since=found.since,
        signed=found.signed,
        key=found.key,
        signature=found.signature,
        statement=head_text(head_of(found)).decode(),
    )


async def show_proof(call: Call) -> Proof:
    """The signed head; refused while there is none."""
    ident = call.param("id")
    found = proof_of(call, ident)
    if found is None:
        if not await call.services.events.exists(ident):
            raise Denied(404, "refusal.unknown_conference", id=ident)
        raise Denied(409, "proof.not_signed", id=ident)
    return found


async def show_key(call: Call) -> web.Response:
    """The public key (PEM, RFC 7468) that heads, packs and backups are checked with."""
    key = call.services.heads.key
    if key is None:
        raise Denied(404, "proof.no_key")
    return web.Response(
        body=key.public.pem,
        content_type="application/x-pem-file",
        headers={"Content-Disposition": f'attachment; filename="{PUBLIC_KEY}"'},
    )


ROUTES = [
    Route(
        "GET",
        "/api/v1/conferences/{id}/proof",
        show_proof,
        "reports",
        "The signed head of an ended conference's log",
        answer=Proof,
    ),
    Route(
        "GET",
        "/api/v1/proof/key",
        show_key,
        "public",
        "The public key that signs logs, evidence packs and backups",
        media_type="application/x-pem-file",
    ),
]
