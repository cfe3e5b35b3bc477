"""What RFC 3261 section 17 asks of transactions over UDP, and aiosipua leaves to others: requests
are repeated until they are answered, answers are repeated when a request is, a failed INVITE is
acknowledged. Pure: times are monotonic seconds, octets are returned and not sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from aiosipua import SipMessage, SipRequest, SipResponse

T1 = 0.5  # seconds: estimate of the round trip, RFC 3261 section 17.1.1.1
T2 = 4.0  # seconds between repetitions of others than INVITE, at the most
GIVEN_UP = 64 * T1
MOST_SERVER = 512  # requests of others whose answers are remembered
MOST_CLIENT = 512

Address = tuple[str, int]
Key = tuple[str, str]


class Send(NamedTuple):
    """Octets to be sent to an address."""

    data: bytes
    address: Address


@dataclass(slots=True)
class _Client:
    request: SipRequest
    data: bytes
    address: Address
    began: float
    due: float
    interval: float
    reliable: bool
    provisional: bool = False
    final: float | None = None
    acknowledged: bytes = b""


@dataclass(slots=True)
class _Server:
    source: Address
    began: float
    method: str
    answer: bytes = b""
    final: bool = False
    failed: bool = False  # a final answer that has to be acknowledged
    due: float = 0.0
    interval: float = T1


@dataclass(slots=True)
class Transactions:
    """The transactions of one element, of both sides."""

    _client: dict[Key, _Client] = field(default_factory=dict)
    _server: dict[Key, _Server] = field(default_factory=dict)
    repeated: int = 0
    """Requests of others that came once more."""

    # --- requests of ours -----------------------------------------------------------------

    def sent(
        self, request: SipRequest, data: bytes, address: Address, now: float, *, reliable: bool
    ) -> None:
        """A request was sent; ACK makes no transaction. ``reliable`` ones are not repeated."""
        key = _key(request, request.method)
        if request.method == "ACK" or key is None:
            return
        while len(self._client) >= MOST_CLIENT:
            self._client.pop(next(iter(self._client)))
        self._client[key] = _Client(request, data, address, now, now + T1, T1, reliable)

    def response(
        self, response: SipResponse, source: Address, now: float
    ) -> Literal["new", "again", "foreign"]:
        """A response came: to a request of ours, once more, or of somebody who was not asked."""
        sequence = response.cseq
        key = _key(response, sequence.method if sequence is not None else "")
        known = self._client.get(key) if key is not None else None
        if known is None or known.address[0] != source[0]:
            return "foreign"
        if response.headers.get_first("call-id") != known.request.headers.get_first("call-id"):
            return "foreign"
        if response.status_code < 200:
            known.provisional = True
            return "new" if known.final is None else "again"
        again = known.final is not None
        if not again:
            known.final = now
        return "again" if again else "new"

    def acknowledgement(self, response: SipResponse) -> Send | None:
        """The ACK to a failed INVITE (RFC 3261 section 17.1.1.3); None where none is due."""
        sequence = response.cseq
        if response.status_code < 300 or sequence is None or sequence.method != "INVITE":
            return None
        key = _key(response, "INVITE")
        known = self._client.get(key) if key is not None else None
        if known is None:
            return None
        if not known.acknowledged:
            invite = known.request
            ack = SipRequest(method="ACK", uri=invite.uri)
            ack.headers.append("Via", invite.headers.get("via")[0])
            for name, origin in (("From", invite), ("To", response), ("Call-ID", invite)):
                ack.headers.set_single(name, origin.headers.get_first(name) or "")
            number = invite.cseq.seq if invite.cseq is not None else 1
            ack.headers.set_single("CSeq", f"{number} ACK")
            ack.headers.set_single("Max-Forwards", "70")
            for route in invite.headers.get("route"):
                ack.headers.append("Route", route)
            known.acknowledged = bytes(ack)
        return Send(known.acknowledged, known.address)

    def asked(self, response: SipResponse) -> Address | None:
        """Whom the request of ours went to that is answered."""
        sequence = response.cseq
        key = _key(response, sequence.method if sequence is not None else "")
        known = self._client.get(key) if key is not None else None
        return known.address if known is not None else None

    # --- requests of others ---------------------------------------------------------------

    def received(self, request: SipRequest, source: Address, now: float) -> Send | bool:
        """A request came. True: it is new. False: it is being answered. A `Send` is the answer
        that it had before."""
        branch = _branch(request)
        method = "INVITE" if request.method == "ACK" else request.method
        known = self._server.get((branch, method))
        if known is not None and known.source != source:
            return False  # somebody else's branch: its answer is not for this source
        if request.method == "ACK":
            if known is not None and known.failed:
                known.failed = False
            return True  # one to a success has a branch of its own
        if known is not None:
            self.repeated += 1
            return Send(known.answer, source) if known.answer else False
        while len(self._server) >= MOST_SERVER:
            self._server.pop(next(iter(self._server)))
        self._server[branch, method] = _Server(source, now, request.method)
        return True

    def source_of(self, response: SipResponse) -> Address | None:
        """Where the request came from that is answered: answers go nowhere else, whatever its Via
        says. None for one that nobody asked."""
        found = self._answered(response)
        return found.source if found is not None else None

    def answered(self, response: SipResponse, data: bytes, now: float, *, reliable: bool) -> None:
        """An answer is being sent."""
        found = self._answered(response)
        if found is None or (found.final and response.status_code < 200):
            return
        found.answer = data
        if response.status_code >= 200:
            found.final = True
            found.failed = response.status_code >= 300 and found.method == "INVITE" and not reliable
            found.due, found.interval = now + T1, T1

    def _answered(self, response: SipResponse) -> _Server | None:
        sequence = response.cseq
        key = _key(response, sequence.method if sequence is not None else "")
        return self._server.get(key) if key is not None else None

    # --- time -----------------------------------------------------------------------------

    def due(self, now: float) -> tuple[list[Send], list[SipRequest]]:
        """What is to be sent once more, and the requests of ours that nobody answered."""
        sends: list[Send] = []
        unanswered: list[SipRequest] = []
        for key, client in list(self._client.items()):
            if client.final is not None:
                if now - client.final > GIVEN_UP:
                    del self._client[key]
                continue
            invite = client.request.method == "INVITE"
            if invite and client.provisional:
                continue  # it rings; who called gives up by himself, and cancels
            if now - client.began > GIVEN_UP:
                unanswered.append(client.request)
                del self._client[key]
            elif now >= client.due and not client.reliable:
                sends.append(Send(client.data, client.address))
                client.interval = client.interval * 2 if invite else min(T2, client.interval * 2)
                client.due = now + client.interval
        for place, server in list(self._server.items()):
            if now - server.began > (GIVEN_UP if server.final else 6 * GIVEN_UP):
                del self._server[place]
            elif server.failed and now >= server.due:
                sends.append(Send(server.answer, server.source))
                server.interval = min(T2, server.interval * 2)
                server.due = now + server.interval
        return sends, unanswered


def _branch(message: SipMessage) -> str:
    vias = message.via
    return (vias[0].branch or "") if vias else ""


def _key(message: SipMessage, method: str) -> Key | None:
    branch = _branch(message)
    return (branch, method) if branch else None
