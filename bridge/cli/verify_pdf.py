"""What the signatures in a PDF prove, for `verify`: looked at on this machine, without a bridge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from bridge.base.limited import OverLimitError, limited
from bridge.proof import pdf_check
from bridge.proof.pdf_check import MEMORY, SECONDS, Looked, findings, readable_lists, request_of
from bridge.proof.verdict import Finding, finding
from bridge.reports.minutes.signed_minutes import SignedMinutes, known
from bridge.store.database import engine_of
from bridge.store.log import EventLog
from config.schema import Topology

MARK = b"%PDF-"


def trust_of(topology: Topology | None, base: Path | None) -> tuple[list[Path], list[Path]]:
    """Files of trusted certificates and of lists of revoked ones, as a topology names them."""
    if topology is None or base is None:
        return [], []
    minutes = topology.bridge.minutes
    return [base / name for name in minutes.trust], [base / name for name in minutes.revoked]


def of_pdf(
    path: Path, roots: Sequence[Path], lists: Sequence[Path]
) -> tuple[Looked, list[Finding]]:
    """What was found, and in words. Raises OSError, and ValueError with the file's name for
    certificates and lists that are none."""
    trusted = [_read(root, revoked=False) for root in roots]
    revoked = [_read(name, revoked=True) for name in lists]
    if path.stat().st_size > pdf_check.MAX_PDF:
        return Looked(sha256=""), [finding("open", "pdf.too_long")]
    request = request_of(path.read_bytes(), trusted, revoked, time.time())
    try:
        raw = asyncio.run(limited(pdf_check.__name__, request, seconds=SECONDS, memory=MEMORY))
    except OverLimitError:
        return Looked(sha256=""), [finding("open", "pdf.over_limit")]
    looked = pdf_check.looked_of(raw)
    return looked, findings(looked, roots=bool(trusted))


def _read(path: Path, *, revoked: bool) -> bytes:
    data = path.read_bytes()
    if not readable_lists([] if revoked else [data], [data] if revoked else []):
        raise ValueError(str(path))
    return data


async def known_here(sha256: str, url: str, state: Path) -> Finding:
    """Whether the log in the database has a file as signed minutes. Raises what the store does."""
    engine = engine_of(url, state)
    try:
        return known(sha256, await SignedMinutes(EventLog(engine), state, time.time).find(sha256))
    finally:
        await engine.dispose()
