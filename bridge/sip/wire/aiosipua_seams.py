"""The one place that knows what aiosipua 0.7 leaves out, and reaches into it where it has to.

Worked round here, each with a test in tests/sip/test_aiosipua_seams.py:

* Over UDP it repeats no request, answers no repetition and acknowledges no failed INVITE: the
  transport does, with `bridge.sip.wire.transactions`.
* It takes messages of any version, length or sender: `bridge.sip.wire.message_checks` looks first,
  and an answer counts only where a request went, and goes only where its request came from.
* A call out does not learn the other side's Contact and Record-Route: they are set before the ACK.
* INFO is unknown to it: handled here, within known dialogs.
* A success that crosses a CANCEL is left standing: it is acknowledged and ended here.
* An INVITE with a To tag of no known dialog would begin a call: 481 here.
* Calls that were ended by us stay in its tables: they are taken out here.
* Its session timers end calls that are alive: `bridge.sip.wire.session_refreshes` keeps ours, and a
  refresh of ours that fails is no end of the call.
* An UPDATE with an offer is 488 to it, and none is answered as a refresh: it is taken here, like a
  re-INVITE.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import NamedTuple

from aiosipua import (
    Dialog,
    IncomingCall,
    OutgoingCall,
    SdpMessage,
    SipDigestAuth,
    SipRequest,
    SipResponse,
    SipUAC,
    SipUAS,
    parse_sdp,
    stringify_uri,
)
from aiosipua.dialog import DialogState, dialog_matches, remote_cseq_valid

from bridge.sip.refusals import Figures
from bridge.sip.wire.budgets import Budgets
from bridge.sip.wire.message_checks import ALLOW, media_type
from bridge.sip.wire.seam_transport import AGENT, SeamTransport, answer_to
from bridge.sip.wire.session_refreshes import Call, SessionRefreshes
from bridge.sip.wire.session_timers import INTERVAL, SHORTEST, too_short
from bridge.sip.wire.transactions import Address

log = logging.getLogger("sip")

MOST_ASKED = 256  # callers who were asked for a password, and may answer without being counted anew


class Refusal(NamedTuple):
    """Why a call is not taken: status, reason phrase, further headers."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()


GONE = Refusal(481, "Call/Transaction Does Not Exist")
UNUSABLE = Refusal(488, "Not Acceptable Here")
TOO_SHORT = Refusal(422, "Session Interval Too Small", (("Min-SE", str(SHORTEST)),))

Admit = Callable[[SipRequest, Address], "Refusal | SdpMessage"]
"""Decides on an INVITE that begins a call: a refusal, or the answer to its offer."""


class SipElement:
    """One user agent: calls out, and answers. Callbacks get the library's calls."""

    def __init__(
        self,
        local: Address,
        figures: Figures,
        clock: Callable[[], float],
        *,
        admit: Admit,
        on_call: Callable[[IncomingCall], None],
        on_reinvite: Callable[[IncomingCall], SdpMessage | None],
        on_refreshed: Callable[[str, SdpMessage], None],
        on_ended: Callable[[str], None],
        on_info: Callable[[str, str, str], None],
        advertised: Address | None = None,
    ) -> None:
        """``on_ended`` and ``on_info`` get the Call-ID; the latter type and text of the body, too.
        ``on_reinvite`` returns the answer, or None for what cannot be agreed on; ``on_refreshed``
        gets the Call-ID and the answer to what we offered again. ``advertised`` is what others are
        told to reach us at."""
        self._admit = admit
        self._on_call = on_call
        self._on_reinvite = on_reinvite
        self._on_ended = on_ended
        self._on_info = on_info
        self._figures = figures
        self._clock = clock
        self._budgets = Budgets()
        self._answers: dict[str, SdpMessage] = {}  # by Call-ID, until the call is taken
        self._asked: dict[tuple[str, str], None] = {}  # source and Call-ID that may answer a 401
        self.transport = SeamTransport(
            local, figures, clock, self._filter_request, self._filter_response, self._tick
        )
        self.uac = SipUAC(self.transport, advertised_addr=advertised)
        self.uas = SipUAS(
            self.transport,
            user_agent=AGENT,
            uac=self.uac,
            advertised_addr=advertised,
            session_expires=INTERVAL,
        )
        self._refreshes = SessionRefreshes(
            self.uas, self.uac, clock, on_refreshed=on_refreshed, on_over=self._run_out
        )
        self.uas.on_invite = self._invited
        self.uas.on_reinvite = self._invited_again
        self.uas.on_bye = lambda call, _: self._over(call.call_id)
        self.uas.on_ack_timeout = lambda call: self._over(call.call_id)
        self.uas.on_cancel = lambda request, _: self._over(request.call_id or "")

    async def start(self) -> None:
        """Bind and listen. Raises OSError."""
        await self.uas.start()

    async def stop(self) -> None:
        """End what is repeated, and close."""
        await self.uas.stop()

    # --- calls ----------------------------------------------------------------------------

    def dial(
        self,
        own: str,
        uri: str,
        address: Address,
        offer: SdpMessage,
        *,
        auth: SipDigestAuth | None,
        on_answer: Callable[[OutgoingCall], None],
        on_failed: Callable[[OutgoingCall, int, str], None],
    ) -> OutgoingCall:
        """Call a codec at an address."""
        call = self.uac.send_invite(
            own,
            uri,
            address,
            offer,
            # Set here, because the library sets them after it has sent the first INVITE.
            extra_headers={
                "Session-Expires": f"{INTERVAL};refresher=uac",
                "Supported": "100rel, timer",
                "Allow": ALLOW,
            },
            user_agent=AGENT,
            auth=auth,
        )
        call.on_answer = on_answer
        call.on_rejected = on_failed
        return call

    def hang_up(self, call: Call) -> None:
        """End a call of either direction, in whatever state it is."""
        self._refreshes.drop(call.call_id)
        if isinstance(call, OutgoingCall):
            if call.cancel(self.uac) is None:
                call.hangup(self.uac)
            return
        call.hangup()
        call._stop_retransmissions()
        self.uas._calls.pop(call.call_id, None)

    def inform(self, call: Call, content_type: str, text: str) -> None:
        """Send INFO within a call."""
        address = call.remote_addr if isinstance(call, OutgoingCall) else call.source_addr
        with contextlib.suppress(ValueError):  # it is over
            self.uac.send_info(call.dialog, text, content_type, address)

    def _over(self, call_id: str) -> None:
        self._refreshes.drop(call_id)
        self._on_ended(call_id)

    def _run_out(self, call: Call) -> None:
        self.hang_up(call)
        self._on_ended(call.call_id)

    def _tick(self) -> None:
        self._refreshes.tick()

    # --- before the library -----------------------------------------------------------------

    def _filter_request(self, request: SipRequest, source: Address) -> bool:
        """Take what the library has not, or would take wrongly; whether that was done."""
        dialog = self._dialog(request.call_id or "")
        if request.method == "INFO":
            self._info(request, dialog)
            return True
        if request.method == "UPDATE":
            self._update(request, dialog, source)
            return True
        if request.method != "INVITE":
            return False
        tagged = request.to_addr is not None and bool(request.to_addr.tag)
        if tagged:
            if dialog is not None and not too_short(request):
                return False
            self._refuse(request, GONE if dialog is None else TOO_SHORT)
            return True
        if dialog is not None:
            self._refuse(request, Refusal(482, "Loop Detected"))
            return True
        # Who answers a challenge goes on with the call that was counted, once.
        caller = source[0], request.call_id or ""
        counted = caller in self._asked
        self._asked.pop(caller, None)
        if not counted and not self._budgets.call(source[0], self._clock()):
            self._figures.refuse("flood")
            self._refuse(request, Refusal(503, "Service Unavailable", (("Retry-After", "10"),)))
            return True
        verdict = self._admit(request, source)
        if isinstance(verdict, Refusal):
            if verdict.status == 401 and not counted:
                while len(self._asked) >= MOST_ASKED:
                    self._asked.pop(next(iter(self._asked)))
                self._asked[caller] = None
            self._refuse(request, verdict)
            return True
        self._begin(request, source, verdict)
        return True

    def _begin(self, request: SipRequest, source: Address, answer: SdpMessage) -> None:
        """Let the library take a call that was admitted. Where it does not (the session interval is
        too short, say), the call is over."""
        call_id = request.call_id or ""
        self._answers[call_id] = answer
        try:
            if self.transport.on_message is not None:
                self.transport.on_message(request, source)
        finally:
            if self._answers.pop(call_id, None) is not None:
                self._on_ended(call_id)

    def _filter_response(self, response: SipResponse) -> bool:
        """Let a call out learn where its other side is; end one that was given up meanwhile."""
        sequence = response.cseq
        if sequence is None or sequence.method not in ("INVITE", "UPDATE"):
            return False
        held = self._refreshes.call(response.call_id or "")
        if held is not None and self._refreshes.take(held, response):
            return True
        if sequence.method != "INVITE" or response.status_code >= 300:
            return False
        call = self.uac.get_call(response.call_id or "")
        contacts = response.contact
        if call is None:
            if response.status_code >= 200:
                self._end_crossed(response)
            return True
        if contacts and call.dialog.remote_target in ("", call.dialog.remote_uri):
            call.dialog.remote_target = stringify_uri(contacts[0].uri)
            call.dialog.route_set = list(reversed(response.headers.get("record-route")))
        if response.body:
            try:
                parse_sdp(response.text)
            except (ValueError, TypeError, LookupError):
                response.body = b""  # the call ends for want of an answer
        if response.status_code >= 200 and call.dialog.state == DialogState.EARLY:
            self._refreshes.answered(call, response)
        return False

    def _end_crossed(self, response: SipResponse) -> None:
        """A call was answered while it was being cancelled: acknowledge, and hang up."""
        sender, target = response.from_addr, response.to_addr
        address = self.transport.transactions.asked(response)
        if sender is None or target is None or address is None or response.cseq is None:
            return
        contacts = response.contact
        dialog = Dialog(
            call_id=response.call_id or "",
            local_tag=sender.tag or "",
            remote_tag=target.tag or "",
            local_uri=stringify_uri(sender.uri),
            remote_uri=stringify_uri(target.uri),
            remote_target=stringify_uri(contacts[0].uri) if contacts else "",
            route_set=list(reversed(response.headers.get("record-route"))),
            local_cseq=response.cseq.seq - 1,
        )
        host, port = self.uac.advertised_addr or self.transport.local_addr
        ack = dialog.create_request("ACK", via_host=host, via_port=port)
        self.transport.send(ack, address)
        dialog.confirm()
        self.uac.send_bye(dialog, address)

    def _dialog(self, call_id: str) -> Dialog | None:
        call = self._refreshes.call(call_id)
        return call.dialog if call is not None else None

    def _within(self, request: SipRequest, dialog: Dialog | None) -> Dialog | None:
        """The dialog, where a request belongs to it; None where it was refused."""
        if dialog is None or not dialog_matches(dialog, request):
            self._refuse(request, GONE)
        elif not remote_cseq_valid(dialog, request):
            self._refuse(request, Refusal(500, "Server Internal Error"))
        else:
            return dialog
        return None

    def _info(self, request: SipRequest, dialog: Dialog | None) -> None:
        known = self._within(request, dialog)
        if known is not None:
            self.transport.send_reply(known.create_response(request, 200, "OK"))
            self._on_info(request.call_id or "", media_type(request), request.text)

    def _update(self, request: SipRequest, dialog: Dialog | None, source: Address) -> None:
        known = self._within(request, dialog)
        if known is None:
            return
        if too_short(request):
            self._refuse(request, TOO_SHORT)
            return
        try:
            call = self.uas._wrap_uac_dialog(request, source)  # answers whatever it was made of
        except (ValueError, TypeError, LookupError):
            self._refuse(request, UNUSABLE)
            return
        if not request.body:
            self._refreshes.accept(call, None)
        elif call.sdp_offer is None or known.state != DialogState.CONFIRMED:
            self._refuse(request, UNUSABLE)
        else:
            self._invited_again(call)

    def _refuse(self, request: SipRequest, refusal: Refusal) -> None:
        # Once, because the address may be forged: whoever floods the gateway with somebody else's
        # gets no more out of it than was put in. A request that is repeated is answered again.
        self.transport.send_reply(answer_to(request, *refusal), once=True)

    def _invited(self, call: IncomingCall) -> None:
        answer = self._answers.pop(call.call_id, None)
        if answer is None:
            call.reject(500, "Server Internal Error")
            return
        self._refreshes.accept(call, answer)
        self._on_call(call)

    def _invited_again(self, call: IncomingCall) -> None:
        answer = self._on_reinvite(call)
        if answer is None:
            self._refuse(call.invite, UNUSABLE)
        else:
            self._refreshes.accept(call, answer)
