"""Signed PDFs: what their signatures prove, for anybody; signed minutes, brought back and kept."""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.base.limited import OverLimitError, limited
from bridge.proof import pdf_check
from bridge.proof.pdf_check import MAX_PDF, Looked, findings, looked_of, request_of
from bridge.proof.verdict import Finding, worst
from bridge.reports.minutes.signed_minutes import known
from bridge.server.api.routes import Call, Route, attachment, read_bounded

log = logging.getLogger("minutes")

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Found(msgspec.Struct, frozen=True):
    """Something that was looked at: it is "proved", "false", or it stays "open"."""

    state: str
    said: Sentence


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a file altogether, and of everything that was looked at. ``conference`` is
    the one whose signed minutes this file is, by this bridge's log; None: the log has no such
    file."""

    sha256: str
    state: str
    findings: list[Found]
    conference: str | None = None


class SignedFile(msgspec.Struct, frozen=True, kw_only=True):
    """Signed minutes that were brought: when (UTC seconds), by whom, signed by whom."""

    sha256: str
    at: float
    actor: str
    octets: int
    signers: tuple[str, ...]


def _named(call: Call, names: list[str]) -> list[bytes]:
    """Files that the topology names. Raises `Denied` where one cannot be read."""
    base = call.services.topology_file
    found = []
    for name in names if base is not None else []:
        try:
            found.append((base.parent / name).read_bytes())  # type: ignore[union-attr]
        except OSError:
            raise Denied(409, "pdf.bad_roots", file=name) from None
    return found


async def _look(call: Call, data: bytes) -> tuple[Looked, list[Finding]]:
    """Look at a file in a process of its own: it is a stranger's."""
    minutes = call.services.control.topology.current.bridge.minutes
    roots, lists = _named(call, minutes.trust), _named(call, minutes.revoked)
    request = request_of(data, roots, lists, call.services.conductor.now())
    name = pdf_check.__name__
    try:
        async with call.services.checks:
            raw = await limited(name, request, seconds=pdf_check.SECONDS, memory=pdf_check.MEMORY)
    except OverLimitError:
        raise Denied(422, "pdf.over_limit") from None
    looked = looked_of(raw)
    return looked, findings(looked, roots=bool(roots))


async def judge(call: Call) -> Judged:
    """What of a PDF is proved. It is not kept."""
    if call.services.checks.locked() or call.services.strangers.locked():
        raise Denied(503, "pdf.busy")
    async with call.services.strangers:
        looked, found = await _look(call, await read_bounded(call.request, MAX_PDF))
    kept = await call.services.minutes.find(looked.sha256)
    # Whether the log has it says nothing of the signatures.
    return Judged(
        sha256=looked.sha256,
        state=worst(found),
        findings=[Found(each.state, each.said) for each in (*found, known(looked.sha256, kept))],
        conference=kept.facts.of if kept is not None else None,
    )


async def _conference(call: Call) -> str:
    ident = call.param("id")
    if not await call.services.events.of_kind(ident, "opened"):
        raise Denied(404, "refusal.unknown_conference", id=ident)
    return ident


async def bring(call: Call) -> Judged:
    """Keep signed minutes of a conference; refused where a signature is not right."""
    ident = await _conference(call)
    data = await read_bounded(call.request, MAX_PDF)
    looked, found = await _look(call, data)
    wrong = next((each for each in found if each.state == "false"), None)
    if wrong is None and not looked.signatures:
        wrong = found[0]
    if wrong is not None:
        await call.note("signed minutes", ident, "refused")
        raise Denied(422, "minutes.not_taken", why=wrong.said)
    signers = tuple(signature.signer for signature in looked.signatures)
    try:
        await call.services.minutes.bring(ident, data, signers, f"user:{call.user.name}")
    except OSError as error:
        log.error("signed minutes cannot be kept: %s", error.strerror)
        raise Denied(507, "store.not_saved") from None
    await call.note("signed minutes", ident)
    return Judged(
        sha256=looked.sha256,
        state=worst(found),
        findings=[Found(each.state, each.said) for each in found],
        conference=ident,
    )


async def show_list(call: Call) -> list[SignedFile]:
    """Signed minutes of a conference, oldest first."""
    ident = await _conference(call)
    return [
        SignedFile(
            sha256=kept.facts.sha256,
            at=kept.at,
            actor=kept.actor,
            octets=kept.facts.octets,
            signers=kept.facts.signers,
        )
        for kept in await call.services.minutes.all()
        if kept.facts.of == ident
    ]


async def show_file(call: Call) -> web.Response:
    """Signed minutes as they were brought, octet by octet."""
    ident, sha256 = call.param("id"), call.param("name")
    kept = await call.services.minutes.find(sha256) if _SHA256.fullmatch(sha256) else None
    if kept is None or kept.facts.of != ident:
        raise Denied(404, "minutes.unknown", id=ident)
    try:
        data = await call.services.minutes.read(sha256)
    except OSError:
        raise Denied(409, "minutes.gone", sha256=sha256) from None
    return attachment(data, "application/pdf", f"{ident}-signed.pdf")


_RAW: dict[str, Any] = {"raw": True, "answer": Judged}

ROUTES = [
    Route("POST", "/api/v1/verify", judge, "public", "What a signed PDF proves", **_RAW),
    Route(
        "POST",
        "/api/v1/conferences/{id}/minutes",
        bring,
        "direct",
        "Bring signed minutes of a conference",
        **_RAW,
    ),
    Route(
        "GET",
        "/api/v1/conferences/{id}/minutes",
        show_list,
        "reports",
        "Signed minutes of a conference",
        answer=list[SignedFile],
    ),
    Route(
        "GET",
        "/api/v1/conferences/{id}/minutes/{name}",
        show_file,
        "reports",
        "Signed minutes as they were brought",
        media_type="application/pdf",
    ),
]
