"""What the signatures in a PDF prove. The file is somebody else's: a bridge looks at it in a
process of its own (`bridge.base.limited` calls `answer`), and nothing is fetched from anywhere."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from bridge.proof.verdict import Finding, finding

MAX_PDF = 32 << 20  # octets of a file that is looked at; minutes with a stamp have 100,000
MAX_SIGNATURES = 20
SECONDS, MEMORY = 40.0, 1 << 30  # of processor time; octets

Trust = Literal["trusted", "unknown", "expired", "early", "revoked", "other"]
Cover = Literal["whole", "earlier", "continued", "part"]


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one signature. ``signer`` and ``issuer`` are names of certificates; times
    are UTC seconds, ``said_at`` by the signer's own clock, ``stamped_at`` by a trusted authority;
    ``stamp_untrusted``: there is a time stamp, of somebody who is not trusted here.
    ``covers``: the "whole" file; an "earlier" state, to which only signatures were added;
    "continued": something that changes nothing follows; or only a "part"."""

    signer: str
    issuer: str
    intact: bool
    genuine: bool
    covers: Cover
    trust: Trust
    said_at: float | None = None
    stamped_at: float | None = None
    stamp_untrusted: bool = False
    expires: float | None = None


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was looked at: its checksum, the ``problem`` that kept it from being read (the
    key of a sentence; "": none), and its signatures in their order."""

    sha256: str
    problem: str = ""
    signatures: tuple[Signature, ...] = ()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be looked at: a file, certificates that are trusted (PEM), lists of revoked ones
    (PEM or DER, in Base64), and the present time (UTC seconds)."""

    data: bytes
    roots: tuple[str, ...] = ()
    revoked: tuple[bytes, ...] = ()
    now: float


def answer(request: Any) -> Any:
    """Look at a file: `Request` and `Looked` as JSON."""
    return msgspec.to_builtins(look(msgspec.convert(request, Request)))


def look(request: Request) -> Looked:
    """Look at a file here and now."""
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - most starts look at none

    sha256 = hashlib.sha256(request.data).hexdigest()
    if b"%PDF-" not in request.data[:1024]:
        return Looked(sha256=sha256, problem="pdf.no_pdf")
    logging.disable(logging.CRITICAL)  # what is wrong is said in the answer
    try:
        reader = PdfFileReader(io.BytesIO(request.data), strict=False)
        if reader.encrypted:
            return Looked(sha256=sha256, problem="pdf.encrypted")
        embedded = list(reader.embedded_regular_signatures)
        if len(embedded) > MAX_SIGNATURES:
            return Looked(sha256=sha256, problem="pdf.too_many")
        found = asyncio.run(_all(embedded, request))
    except Exception:  # whatever a parser of other people's makes of a stranger's file
        return Looked(sha256=sha256, problem="pdf.damaged")
    finally:
        logging.disable(logging.NOTSET)
    return Looked(sha256=sha256, signatures=tuple(found))


async def _all(embedded: Sequence[Any], request: Request) -> list[Signature]:
    return [await _one(signature, request) for signature in embedded]


def _context(request: Request, moment: datetime, revocation: str = "soft-fail") -> Any:
    from asn1crypto import crl, pem, x509  # noqa: PLC0415
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

    roots = [
        x509.Certificate.load(der, strict=True)
        for text in request.roots
        for _, _, der in pem.unarmor(text.encode(), multiple=True)
    ]
    lists = []
    for data in request.revoked:
        der = pem.unarmor(data)[2] if pem.detect(data) else data
        lists.append(crl.CertificateList.load(der, strict=True))
    assert all(each.issuer.native is not None for each in lists)  # they are read when asked
    assert all(each.subject.native is not None for each in roots)
    return ValidationContext(
        trust_roots=roots,
        crls=lists,
        allow_fetching=False,
        revocation_mode=revocation,
        moment=moment,
    )


async def _one(embedded: Any, request: Request) -> Signature:
    from pyhanko.sign.validation import async_validate_pdf_signature  # noqa: PLC0415
    from pyhanko.sign.validation.errors import SignatureValidationError  # noqa: PLC0415

    now = datetime.fromtimestamp(request.now, UTC)
    certificate = embedded.signer_cert
    names = {
        "signer": certificate.subject.native.get("common_name", "") or "?",
        "issuer": certificate.issuer.native.get("common_name", "") or "?",
        "expires": certificate.not_valid_after.timestamp(),
    }
    try:
        status = await async_validate_pdf_signature(embedded, _context(request, now))
    except SignatureValidationError:
        return Signature(**names, intact=False, genuine=False, covers="part", trust="other")
    stamped = _stamp(status)
    trust = await _trusted(embedded, request, now, status)
    if trust in ("expired", "revoked") and stamped is not None:
        # Whether it held when an authority saw it.
        then = datetime.fromtimestamp(stamped, UTC)
        again = await async_validate_pdf_signature(embedded, _context(request, then))
        if await _trusted(embedded, request, then, again) == "trusted":
            trust = "trusted"
    said = status.signer_reported_dt
    return Signature(
        **names,
        intact=status.intact and _untouched(embedded, request.data),
        genuine=status.valid,
        covers=_covers(status),
        trust=trust,
        said_at=said.timestamp() if said is not None else None,
        stamped_at=stamped,
        stamp_untrusted=stamped is None and status.timestamp_validity is not None,
    )


_GAP = re.compile(rb"<(?:[0-9a-f\s]*|[0-9A-F\s]*)>")


def _untouched(embedded: Any, data: bytes) -> bool:
    """Whether the one place that a signature does not cover, its own (ISO 32000-2, 12.8.1), has
    nothing but the signature: zeros behind it, and digits written in one way."""
    from asn1crypto import parser  # noqa: PLC0415

    content = embedded.pkcs7_content
    header, value, end = parser.parse(content)[3:]
    behind = content[len(header) + len(value) + len(end) :]
    first, size, second, _ = (int(number) for number in embedded.byte_range)
    gap = data[first + size : second]
    return not behind.strip(b"\0") and bool(_GAP.fullmatch(gap))


def _stamp(status: Any) -> float | None:
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.valid and stamp.intact and stamp.trusted):
        return None
    return float(stamp.timestamp.timestamp())


async def _trusted(embedded: Any, request: Request, moment: datetime, status: Any) -> Trust:
    """Whether the certificate can be believed. A list of revoked ones counts although the
    certificate does not say where its list is."""
    from pyhanko.sign.validation import async_validate_pdf_signature  # noqa: PLC0415

    if request.revoked:
        context = _context(request, moment, "require")
        strict = _trust(await async_validate_pdf_signature(embedded, context, skip_diff=True))
        if strict == "revoked":
            return strict
    return _trust(status)


def _trust(status: Any) -> Trust:
    if status.trusted:
        return "trusted"
    name = getattr(status.trust_problem_indic, "name", "")
    if name.startswith("REVOKED"):
        return "revoked"
    if name in ("NO_CERTIFICATE_CHAIN_FOUND", "CERTIFICATE_CHAIN_GENERAL_FAILURE"):
        return "unknown"
    if name in ("EXPIRED", "OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED"):
        return "expired"
    return "early" if name == "NOT_YET_VALID" else "other"


def _covers(status: Any) -> Cover:
    from pyhanko.sign.diff_analysis import ModificationLevel  # noqa: PLC0415
    from pyhanko.sign.validation.status import SignatureCoverageLevel  # noqa: PLC0415

    if status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return "whole"
    if status.coverage != SignatureCoverageLevel.ENTIRE_REVISION or not status.docmdp_ok:
        return "part"
    level = status.modification_level
    if level == ModificationLevel.FORM_FILLING:
        return "earlier"
    return "continued" if level is not None and level < ModificationLevel.FORM_FILLING else "part"


# --- in words --------------------------------------------------------------------------------


def findings(looked: Looked, *, roots: bool) -> list[Finding]:
    """What was found, as sentences. ``roots``: somebody said which certificates are trusted. Pure
    but for the text catalogue."""
    if looked.problem:
        return [finding("false" if looked.problem == "pdf.damaged" else "open", looked.problem)]
    if not looked.signatures:
        return [finding("open", "pdf.unsigned")]
    found: list[Finding] = []
    for number, signature in enumerate(looked.signatures, 1):
        last = number == len(looked.signatures)
        found += _of_signature(number, signature, last=last, roots=roots)
    return found


def _of_signature(number: int, signature: Signature, *, last: bool, roots: bool) -> list[Finding]:
    at = _moment(signature.said_at) if signature.said_at is not None else "–"
    who: dict[str, str | int] = {"number": number, "signer": signature.signer, "at": at}
    if not signature.intact:
        return [finding("false", "pdf.changed", **who)]
    if not signature.genuine:
        return [finding("false", "pdf.not_genuine", **who)]
    if signature.covers == "part":
        return [finding("false", "pdf.altered", **who)]
    found = []
    if signature.covers == "whole":
        found.append(finding("proved", "pdf.whole", **who))
    elif last:
        found.append(finding("open", "pdf.continued", **who))
    else:
        found.append(finding("proved", "pdf.earlier", **who))
    found.append(_of_certificate(signature, roots=roots))
    if signature.stamped_at is not None:
        found.append(finding("proved", "pdf.stamped", at=_moment(signature.stamped_at)))
    elif signature.stamp_untrusted:
        found.append(finding("open", "pdf.stamp_untrusted"))
    return found


def _of_certificate(signature: Signature, *, roots: bool) -> Finding:
    who = {"signer": signature.signer, "issuer": signature.issuer}
    match signature.trust:
        case "trusted":
            return finding("proved", "pdf.trusted", **who)
        case "revoked":
            return finding("false", "pdf.revoked", **who)
        case "expired":
            at = _moment(signature.expires or 0.0)
            return finding("open", "pdf.expired", **who, at=at)
        case "early":
            return finding("false", "pdf.early", **who)
        case "unknown":
            return finding("open", "pdf.unknown_root" if roots else "pdf.no_roots", **who)
    return finding("open", "pdf.untrusted", **who)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def request_of(data: bytes, roots: Sequence[bytes], lists: Sequence[bytes], now: float) -> Any:
    """A request for another process, as JSON has it. ``now`` is UTC seconds."""
    made = Request(
        data=data,
        roots=tuple(pem.decode("ascii", "replace") for pem in roots),
        revoked=tuple(lists),
        now=now,
    )
    return msgspec.to_builtins(made)


def looked_of(raw: Any) -> Looked:
    """What another process has answered."""
    return msgspec.convert(raw, Looked)


def readable_lists(roots: Sequence[bytes], lists: Sequence[bytes]) -> bool:
    """Whether these are certificates (PEM) and lists of revoked ones (PEM or DER)."""
    try:
        _context(
            Request(
                data=b"",
                roots=tuple(r.decode("ascii") for r in roots),
                revoked=tuple(lists),
                now=0.0,
            ),
            datetime.fromtimestamp(0, UTC),
        )
    except (ValueError, TypeError):
        return False
    return True
