"""Session timers of calls of either direction (RFC 4028), in place of aiosipua's.

The library gives one to a caller that knows none, does not count what refreshes a call out, asks
the other side to go on refreshing with each refresh of ours, and ends a call without BYE where one
fails.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

from aiosipua import (
    DialogState,
    IncomingCall,
    OutgoingCall,
    SdpMessage,
    SipRequest,
    SipResponse,
    SipUAC,
    SipUAS,
    parse_sdp,
    serialize_sdp,
)
from aiosipua.auth import answer_challenge

from bridge.sip.wire.message_checks import ALLOW
from bridge.sip.wire.session_timers import (
    Session,
    SessionTimers,
    terms_of_answer,
    terms_of_request,
)

log = logging.getLogger("sip")

AGAIN_OUT, AGAIN_IN = 3.0, 1.0  # seconds after a 491, of a call out and in (RFC 3261 section 14.1)

Call = IncomingCall | OutgoingCall


class SessionRefreshes:
    """Keeps calls alive, and ends those that the other side lets run out."""

    def __init__(
        self,
        uas: SipUAS,
        uac: SipUAC,
        clock: Callable[[], float],
        *,
        on_refreshed: Callable[[str, SdpMessage], None],
        on_over: Callable[[Call], None],
    ) -> None:
        """``on_refreshed`` gets the Call-ID and what answers a re-INVITE of ours; ``on_over`` a
        call that is to be ended."""
        self._uas = uas
        self._uac = uac
        self._clock = clock
        self._on_refreshed = on_refreshed
        self._on_over = on_over
        self._timers = SessionTimers()

    def call(self, call_id: str) -> Call | None:
        """The call of either direction."""
        return self._uas.get_call(call_id) or self._uac.get_call(call_id)

    def drop(self, call_id: str) -> None:
        """The call is over."""
        self._timers.drop(call_id)

    # --- what the other side sends ------------------------------------------------------------

    def accept(self, call: IncomingCall, answer: SdpMessage | None) -> None:
        """Answer a call, or what comes within one of either direction, with success."""
        terms = terms_of_request(call.invite)
        if terms is not None:
            call.session_interval, call.session_refresher_us = terms
        else:
            call.session_interval = None
        call.accept(answer)
        call.session_interval = None  # otherwise the library would look at the time, too
        self._timers.agree(call.call_id, terms, call.invite, self._clock())
        held = self.call(call.call_id)
        if isinstance(held, OutgoingCall):
            held.sdp_offer = answer or held.sdp_offer
        elif held is not None:
            held.sdp_answer = answer or held.sdp_answer

    def answered(self, call: OutgoingCall, response: SipResponse) -> None:
        """A call out is about to begin with this success."""
        terms = terms_of_answer(response)
        response.headers.remove("session-expires")  # for the library
        self._timers.agree(call.call_id, terms, response, self._clock())

    # --- refreshes of ours --------------------------------------------------------------------

    def tick(self) -> None:
        """Refresh what is due; end what nobody refreshed."""
        ours, theirs = self._timers.passed(self._clock())
        for call_id in ours:
            call, session = self.call(call_id), self._timers.get(call_id)
            if call is None or session is None or call.dialog.state != DialogState.CONFIRMED:
                self.drop(call_id)
            else:
                self._refresh(call, session)
        for call_id in theirs:
            call = self.call(call_id)
            self.drop(call_id)
            if call is not None:
                log.warning("nobody refreshed the call %s; it is ended", call_id)
                self._on_over(call)

    def _refresh(self, call: Call, session: Session, *more: tuple[str, str]) -> None:
        description = call.sdp_offer if isinstance(call, OutgoingCall) else call.sdp_answer
        invite = not session.by_update and description is not None
        session.request = self._uac._send_in_dialog(
            call.dialog,
            "INVITE" if invite else "UPDATE",
            call.remote_addr if isinstance(call, OutgoingCall) else call.source_addr,
            body=serialize_sdp(description) if invite and description is not None else "",
            content_type="application/sdp" if invite else "",
            extra_headers={
                "Session-Expires": f"{session.terms.interval};refresher=uac",
                "Supported": "timer",
                "Allow": ALLOW,
                **dict(more),
            },
        )

    def take(self, call: Call, response: SipResponse) -> bool:
        """Whether a response was to a refresh of ours, which is all that is sent within a call as
        INVITE or UPDATE."""
        sequence = response.cseq
        if sequence is None:
            return False
        if sequence.method == "INVITE":
            first = call.invite.cseq if isinstance(call, OutgoingCall) else None
            if first == sequence or call.dialog.state == DialogState.EARLY:
                return False
            if 200 <= response.status_code < 300:
                self._acknowledge(call, sequence.seq)
        session = self._timers.get(call.call_id)
        request = session.request if session is not None else None
        if (
            session is not None
            and request is not None
            and response.status_code >= 200
            and request.cseq == sequence
        ):
            session.request = None
            if response.status_code < 300:
                self._refreshed(call, session, response)
            else:
                self._failed(call, session, request, response)
        return True

    def _acknowledge(self, call: Call, number: int) -> None:
        host, port = self._uac.advertised_addr or self._uac.transport.local_addr
        ack = call.dialog.create_request("ACK", via_host=host, via_port=port)
        ack.headers.set_single("CSeq", f"{number} ACK")
        self._uac.transport.send(
            ack, call.remote_addr if isinstance(call, OutgoingCall) else call.source_addr
        )

    def _refreshed(self, call: Call, session: Session, response: SipResponse) -> None:
        self._timers.refreshed(session, terms_of_answer(response), self._clock())
        if response.body and response.content_type == "application/sdp":
            with contextlib.suppress(ValueError, TypeError, LookupError):
                self._on_refreshed(call.call_id, parse_sdp(response.text))

    def _failed(
        self, call: Call, session: Session, request: SipRequest, response: SipResponse
    ) -> None:
        """The session stays as it was where a refresh fails, unless the other side does not know
        it any more, or is gone (RFC 4028 section 10): the next one is due by itself."""
        status = response.status_code
        log.info("a refresh of the call %s was answered by %d", call.call_id, status)
        if status in (408, 481):
            self.drop(call.call_id)
            self._on_over(call)
            return
        session.again = not session.again
        if not session.again:
            return
        auth = call._auth if isinstance(call, OutgoingCall) else None
        if status in (405, 501) and request.method == "UPDATE":
            session.by_update = False
            self._refresh(call, session)
        elif status in (401, 407) and auth is not None:
            proof = answer_challenge(auth, response, status, request.method, request.uri)
            if proof is not None:
                self._refresh(call, session, proof)
        elif status == 491:
            later = AGAIN_OUT if isinstance(call, OutgoingCall) else AGAIN_IN
            session.due = self._clock() + later
