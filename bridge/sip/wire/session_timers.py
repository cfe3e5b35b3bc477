"""Session timers (RFC 4028): which calls have one, who refreshes them and when. Pure: times are
monotonic seconds.

A side that knows no session timer has none: such a call ends by BYE, or when its media are silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from aiosipua import SipMessage, SipRequest, SipResponse

INTERVAL = 1800  # seconds that are asked for, RFC 4028 section 4
SHORTEST = 90  # seconds, RFC 4028 section 4
LONGEST = 86_400  # seconds; an answer may shorten what was asked for
MARGIN = 32.0  # seconds before its end at which a session that nobody refreshed is over, section 10


class Terms(NamedTuple):
    """What both sides keep to: seconds, and whether it is ours to refresh."""

    interval: int
    ours: bool


def _expires(message: SipMessage) -> tuple[int, str]:
    """Seconds and refresher that a message names; 0 and "" where it does not."""
    value = message.get_header("session-expires") or message.get_header("x") or ""  # its short name
    number, *parameters = value.split(";")
    number = number.strip()
    if not (number.isascii() and number.isdigit() and len(number) <= 10):
        return 0, ""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "refresher" and value.strip().lower() in ("uac", "uas"):
            return int(number), value.strip().lower()
    return int(number), ""


def _names(message: SipMessage, header: str) -> set[str]:
    return {name.strip().lower() for name in ",".join(message.headers.get(header)).split(",")}


def too_short(request: SipRequest) -> bool:
    """Whether a request wants to be answered with 422 (section 6)."""
    return 0 < _expires(request)[0] < SHORTEST


def terms_of_request(request: SipRequest) -> Terms | None:
    """What we answer to an INVITE or UPDATE (section 9, table 2); None for no session timer."""
    interval, refresher = _expires(request)
    if "timer" in _names(request, "supported") | _names(request, "require"):
        return Terms(_within(interval or INTERVAL), refresher != "uac")
    # A proxy has asked for it: of the two ends only we can refresh.
    return Terms(_within(interval), ours=True) if interval else None


def terms_of_answer(response: SipResponse) -> Terms | None:
    """What the success of a request of ours says (section 7.2); None where it says nothing."""
    interval, refresher = _expires(response)
    if not interval:
        return None
    return Terms(_within(interval), refresher != "uas")


def _within(interval: int) -> int:
    return max(SHORTEST, min(interval, LONGEST))


@dataclass(slots=True)
class Session:
    """The timer of one call. ``by_update`` says whether a refresh is an UPDATE (or a re-INVITE),
    ``again`` whether one is tried a second time."""

    terms: Terms
    due: float
    by_update: bool
    again: bool = False
    request: SipRequest | None = None
    """The refresh of ours that was sent last."""


@dataclass(slots=True)
class SessionTimers:
    """The timers of all calls, by Call-ID."""

    _sessions: dict[str, Session] = field(default_factory=dict)

    def agree(self, call_id: str, terms: Terms | None, message: SipMessage, now: float) -> None:
        """A call has begun, or was refreshed by the other side with a message."""
        before = self._sessions.pop(call_id, None)
        if terms is None and before is not None and before.terms.ours:
            terms = before.terms  # it says nothing of it within the call; it may still count
        if terms is None:
            return
        if message.headers.get("allow"):
            by_update = "update" in _names(message, "allow")
        else:  # one that does not say what it takes is asked
            by_update = before is None or before.by_update
        self._sessions[call_id] = Session(terms, _due(terms, now), by_update)

    def get(self, call_id: str) -> Session | None:
        return self._sessions.get(call_id)

    def refreshed(self, session: Session, terms: Terms | None, now: float) -> None:
        """A refresh of ours was answered. An answer that says nothing of a session timer would end
        it; who answers so may still count the seconds, so it goes on."""
        session.terms = terms or session.terms
        session.due, session.again = _due(session.terms, now), False

    def drop(self, call_id: str) -> None:
        """The call is over."""
        self._sessions.pop(call_id, None)

    def passed(self, now: float) -> tuple[list[str], list[str]]:
        """The Call-IDs of the calls that we have to refresh now, and of those that are over because
        the other side did not."""
        passed = [(key, held) for key, held in self._sessions.items() if now >= held.due]
        for _, held in passed:
            held.due = _due(held.terms, now)
        return (
            [key for key, held in passed if held.terms.ours],
            [key for key, held in passed if not held.terms.ours],
        )


def _due(terms: Terms, now: float) -> float:
    if terms.ours:
        return now + terms.interval / 2
    return now + terms.interval - min(MARGIN, terms.interval / 3)
