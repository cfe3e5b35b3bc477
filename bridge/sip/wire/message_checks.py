"""Whether a SIP message can be used, before the library gets it (RFC 3261, RFC 4475). Pure.

aiosipua parses leniently: it takes any version, any length, a CSeq of another method. What such a
message means to whoever sent it is not known, so it is answered with the status that RFC 3261 has
for it where it says whom to answer, and dropped otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiosipua import SipMessage, SipRequest, SipResponse

MAX_MESSAGE = 16_384  # octets; an INVITE with every codec of a Polycom has some 4,000
MAX_BODY = 8_192
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK")
ALLOW = ", ".join(METHODS)
EXTENSIONS = {"timer", "100rel", "replaces", "norefersub"}
"""Option tags that may be required of us; what they are for is done, or never asked for."""
BODIES = {"", "application/sdp", "application/dtmf-relay", "application/dtmf", "text/plain"}
BODIES |= {"application/media_control+xml"}
ONCE = ("call-id", "cseq", "from", "to", "max-forwards", "content-length", "content-type")
REQUIRED = ("via", "from", "to", "call-id", "cseq")
MAX_SEQUENCE = 1 << 31  # RFC 3261 section 8.1.1.5

_REQUEST_LINE = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+) (\S+) (SIP/\d+\.\d+)")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: .*)?")
_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+\S", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\]")
_ADDRESS = re.compile(
    r"(?:(?:\"(?:[^\"\\]|\\.)*\"|[^\"<>:;,@]*)\s*<[^<>\"\s]+>|[^<>\"\s,]+)(?:\s*;.*)?"
)
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a message: the status that it is answered with (0: it is dropped), why,
    further headers of the answer, and the request where there is one to answer."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    request: SipRequest | None = None


def examine(data: bytes) -> SipRequest | SipResponse | Fault:
    """The message, or what is wrong with it. Whatever the octets, nothing is raised."""
    if len(data) > MAX_MESSAGE:
        return Fault(0, "too_large")
    line, _, _ = data.partition(b"\n")
    start = line.removesuffix(b"\r").decode("utf-8", "replace")
    try:
        message = SipMessage.parse(data)
        if isinstance(message, SipResponse):
            return _response(start, message)
        return _request(start, data, message)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Fault(0, "unreadable")


def _response(start: str, response: SipResponse) -> SipResponse | Fault:
    found = _STATUS_LINE.fullmatch(start)
    if found is None or any(len(response.headers.get(name)) != 1 for name in ("cseq", "call-id")):
        return Fault(0, "bad_response")
    sequence = response.cseq
    # Of several Vias the others are somebody else's: it is not meant for this element.
    if len(response.headers.get("via")) != 1 or sequence is None or not sequence.method:
        return Fault(0, "bad_response")
    return response


def _request(start: str, data: bytes, request: SipRequest) -> SipRequest | Fault:
    headers = request.headers

    def fault(status: int, reason: str, *more: tuple[str, str]) -> Fault:
        # An ACK is never answered (RFC 3261 section 17).
        return Fault(0 if request.method == "ACK" else status, reason, more, request)

    if any(not headers.get(name) for name in REQUIRED):
        return fault(400 if headers.get("via") else 0, "Missing Required Header")
    if not all(_VIA.match(value) for value in headers.get("via")):
        return Fault(0, "unroutable")

    found = _REQUEST_LINE.fullmatch(start)
    if found is None:
        return fault(400, "Bad Request Line")
    if found[3] != "SIP/2.0":
        return fault(505, "Version Not Supported")
    if any(len(headers.get(name)) > 1 for name in ONCE):
        return fault(400, "Repeated Header")
    sequence = request.cseq
    if sequence is None or not 0 <= sequence.seq < MAX_SEQUENCE:
        return fault(400, "Bad CSeq")
    if sequence.method != request.method:
        return fault(400, "CSeq of Another Method")
    for name in ("from", "to"):
        if _ADDRESS.fullmatch(headers.get_first(name) or "") is None:
            return fault(400, f"Bad {name.capitalize()}")
    if _TOKEN.fullmatch(headers.get_first("call-id") or "") is None:
        return fault(400, "Bad Call-ID")
    branch = request.via[0].branch
    if not branch or branch == "z9hG4bK":
        return fault(400, "No Branch")
    length = _length(data, request)
    if length is None:
        return fault(400, "Bad Content-Length")
    if length > MAX_BODY:
        return fault(513, "Message Too Large")
    scheme = _SCHEME.match(request.uri)
    if scheme is None or re.search(r"[<>\"]", request.uri):
        return fault(400, "Bad Request-URI")
    if scheme[1].lower() not in ("sip", "sips"):
        return fault(416, "Unsupported URI Scheme")
    if request.method not in METHODS:
        return fault(405, "Method Not Allowed", ("Allow", ALLOW))
    forwards = headers.get_first("max-forwards")
    if forwards is not None:
        if not re.fullmatch(r"\d{1,3}", forwards) or int(forwards) > 255:
            return fault(400, "Bad Max-Forwards")
        if int(forwards) == 0 and request.method != "OPTIONS":
            return fault(483, "Too Many Hops")
    unknown = [t for t in _tokens(request, "require") if t not in EXTENSIONS]
    unknown += _tokens(request, "proxy-require")
    if unknown and request.method != "CANCEL":
        return fault(420, "Bad Extension", ("Unsupported", ", ".join(unknown)))
    if length and media_type(request) not in BODIES:
        return fault(415, "Unsupported Media Type", ("Accept", "application/sdp"))
    if headers.get("content-encoding") and headers.get_first("content-encoding") != "identity":
        return fault(415, "Unsupported Encoding", ("Accept-Encoding", "identity"))
    contacts = headers.get("contact")
    if request.method == "INVITE" and (len(contacts) != 1 or not _contact(contacts[0])):
        return fault(400, "Bad Contact")
    return request


def _contact(value: str) -> bool:
    if _ADDRESS.fullmatch(value) is None:
        return False
    found = re.search(r"<([^<>]+)>", value)
    uri = found[1] if found else value.partition(";")[0]
    scheme = _SCHEME.match(uri)
    if scheme is None or scheme[1].lower() not in ("sip", "sips"):
        return False
    place = uri[scheme.end() :].partition("?")[0].partition(";")[0].rpartition("@")[2]
    host, port = place, ""
    if not place.startswith("["):
        host, _, port = place.partition(":")
    elif "]" in place:
        host, port = place[: place.index("]") + 1], place[place.index("]") + 2 :]
    return _HOST.fullmatch(host) is not None and re.fullmatch(r"\d{0,5}", port) is not None


def _length(data: bytes, request: SipRequest) -> int | None:
    """Octets of the body as they are declared; None where that cannot be."""
    raw = request.headers.get_first("content-length")
    head, _, body = data.partition(b"\r\n\r\n")
    there = len(body) if body or head != data else len(request.body)
    if raw is None:
        return there
    if not re.fullmatch(r"\d{1,9}", raw.strip()):
        return None
    declared = int(raw)
    return declared if declared <= there else None


def _tokens(request: SipRequest, name: str) -> list[str]:
    return [value.strip().lower() for value in request.headers.get(name) if value.strip()]


def media_type(message: SipMessage) -> str:
    """The type of a body in lower case, without parameters."""
    return (message.content_type or "").partition(";")[0].strip().lower()
