"""Evidence packs of recordings: checked, made and sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import text
from bridge.conference import events as e
from bridge.conference.report import report
from bridge.proof import evidence_check
from bridge.proof.chain import Link
from bridge.proof.verdict import signature_of
from bridge.recordings.kept_recordings import STREAM, Kept
from bridge.reports import conference as conference_report
from bridge.reports import evidence
from bridge.reports.length import length
from bridge.server.api.proofs import proof_of
from bridge.server.api.recordings import file_of, found
from bridge.server.api.routes import Call, Route

log = logging.getLogger("recordings")


async def show_evidence(call: Call) -> Any:
    """An evidence pack: the file is read through first, and refused where it is not what the log
    says, then packed while it is sent."""
    kept = found(call)
    name = kept.facts.recording
    path = file_of(call, name)
    packs = call.services.packs
    if packs.locked():
        raise Denied(503, "recordings.busy")
    async with packs:
        try:
            checked = await asyncio.to_thread(evidence.check, path)
        except OSError as error:
            raise Denied(
                409, "recordings.unreadable", id=name, reason=error.strerror or ""
            ) from None
        call.services.recordings.catalogue.checked(name, checked.sha256 == kept.facts.sha256)
        if checked.sha256 != kept.facts.sha256:
            await call.note("recording evidence", name, "damaged")
            raise Denied(409, "recordings.damaged", id=name)
        events = await call.services.events.read(kept.facts.conference)
        links = await _links(call, kept.facts.conference)
        texts = await asyncio.to_thread(_papers, call, kept, events)
        proofs = _proofs(call, kept, links)
        await call.note("recording evidence", name)
        made = datetime.fromtimestamp(call.services.conductor.now(), _zone(call))
        key = call.services.heads.key
        signatures = [
            (evidence_check.SUMS_CMS, call.services.sign),
            (evidence_check.SUMS_SIGNATURE, lambda data: key.sign(data) if key else b""),
        ]
        texts = [*texts, *proofs]
        pieces = evidence.pack(name, path, kept.facts.sha256, texts, signatures, made)
        return await _send(call, name, pieces)


async def _send(call: Call, name: str, pieces: Iterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'attachment; filename="{name}.zip"',
        }
    )
    # Before the answer begins: what cannot be signed is an error with a name.
    try:
        piece = await asyncio.to_thread(next, pieces, None)
    except (OSError, ValueError) as error:
        raise Denied(409, "recordings.not_signed", reason=str(error)) from None
    await response.prepare(call.request)
    try:
        while piece is not None:
            await response.write(piece)
            piece = await asyncio.to_thread(next, pieces, None)
    except (OSError, ValueError) as error:
        log.error("the evidence pack of %s broke off: %s", name, error)
        if call.request.transport is not None:
            call.request.transport.abort()  # no end: a browser says that it failed
        return response
    await response.write_eof()
    return response


def _zone(call: Call) -> ZoneInfo:
    return ZoneInfo(call.services.control.topology.current.bridge.zone)


async def _links(call: Call, conference: str) -> list[Link]:
    """All of a conference's chain."""
    found: list[Link] = []
    while links := await call.services.events.links(conference, len(found)):
        found += links
    return found


def _proofs(call: Call, kept: Kept, links: Sequence[Link]) -> list[tuple[str, bytes]]:
    """The log as it is stored, its hashes, the head where it is signed, and the public key."""
    facts = kept.facts
    entry = e.Recorded(
        conference=STREAM, seq=0, at=kept.at, actor="system", reason="keep", event=facts
    )
    lines = [*(link.line for link in links), e.encoder.encode(entry)]
    files = [
        (evidence_check.LOG, b"".join(line + b"\n" for line in lines)),
        (evidence_check.HASHES, "".join(f"{link.hash}\n" for link in links).encode()),
    ]
    proof = proof_of(call, facts.conference)
    if proof is not None:
        files.append((evidence_check.HEAD, proof.statement.encode()))
        files.append((evidence_check.HEAD_SIGNATURE, signature_of(proof.signature)))
    if call.services.heads.key is not None:
        files.append((evidence_check.KEY, call.services.heads.key.public.pem))
    return files


def _papers(call: Call, kept: Kept, events: Sequence[e.Recorded]) -> list[tuple[str, bytes]]:
    """The small files of an evidence pack, by name."""
    topology = call.services.control.topology.current
    facts = kept.facts
    now = call.services.conductor.now()
    made = report(events, now)
    proof = proof_of(call, facts.conference)
    papers = [
        ("conference-report.json", msgspec.json.format(msgspec.json.encode(made), indent=2)),
    ]
    read_me: list[str] = []
    for language in ("vi", "en"):
        names = {p.id: p.name.text(language) for p in topology.points}
        document = conference_report.Document(made, names, language, topology.bridge.zone, proof)
        papers.append(
            (f"conference-report.{language}.pdf", document.pdf(topology.bridge.name.text(language)))
        )
        read_me.append(
            text(
                language,
                "evidence.read_me",
                bridge=topology.bridge.name.text(language),
                title=facts.title.text(language),
                conference=facts.conference,
                began=_said(facts.parts[0].at if facts.parts else kept.at, _zone(call)),
                length=length(facts.seconds),
                lost=length(facts.lost),
                sha256=facts.sha256,
                file=f"{facts.recording}.mkv",
                made=_said(now, _zone(call)),
                actor=call.user.name,
            )
        )
    return [("READ-ME.txt", "\n\n".join(read_me).encode()), *papers]


def _said(at: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%d/%m/%Y %H:%M:%S %z")


ROUTES = [
    Route(
        "GET",
        "/api/v1/recordings/{id}/evidence",
        show_evidence,
        "watch",
        "A recording's evidence pack: file, log, report, checksums and their signature",
        media_type="application/zip",
    ),
]
