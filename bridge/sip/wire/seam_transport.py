"""Datagrams of SIP, with the transactions that aiosipua has not: what
`bridge.sip.wire.aiosipua_seams` needs below the library."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiosipua import SipRequest, SipResponse, SipTransport, create_dialog_from_request

from bridge.sip.refusals import Figures
from bridge.sip.wire.budgets import Budgets
from bridge.sip.wire.message_checks import Fault, examine, media_type
from bridge.sip.wire.transactions import Address, Send, Transactions

log = logging.getLogger("sip")

TICK = 0.1  # seconds between looks at what is to be repeated
FLUSH = 1.0  # seconds that datagrams which the kernel does not take are waited for at the end
AGENT = "Diem-Cau"


class SeamTransport(SipTransport):
    """Datagrams in and out, with the transactions that aiosipua has not. ``filter_request`` may
    take a request for itself."""

    def __init__(
        self,
        local: Address,
        figures: Figures,
        clock: Callable[[], float],
        filter_request: Callable[[SipRequest, Address], bool],
        filter_response: Callable[[SipResponse], bool],
        on_tick: Callable[[], None],
    ) -> None:
        super().__init__(local_addr=local)
        self._figures = figures
        self._clock = clock
        self._filter_request = filter_request
        self._filter_response = filter_response
        self._on_tick = on_tick
        self._budgets = Budgets()
        self._udp: asyncio.DatagramTransport | None = None
        self._datagrams: _Datagrams | None = None
        self._ticks: asyncio.Task[None] | None = None
        self.transactions = Transactions()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._udp, self._datagrams = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=self.local_addr
        )
        name = self._udp.get_extra_info("sockname")
        self.local_addr = (str(name[0]), int(name[1]))
        self._ticks = loop.create_task(self._tick())

    async def stop(self) -> None:
        """Close; the port is free for whoever comes next when this returns."""
        if self._ticks is not None:
            self._ticks.cancel()
        udp, self._udp = self._udp, None
        if udp is None or self._datagrams is None:
            return
        udp.close()  # sends what is queued first, and frees the port in a later turn of the loop
        try:
            async with asyncio.timeout(FLUSH):
                await self._datagrams.closed.wait()
        except TimeoutError:
            udp.abort()
            await self._datagrams.closed.wait()

    def send(self, message: SipRequest | SipResponse, addr: Address) -> None:
        """Send a message; a request is repeated until it is answered."""
        data = bytes(message)
        if isinstance(message, SipRequest):
            self.transactions.sent(message, data, addr, self._clock(), reliable=False)
        self._put(Send(data, addr))

    def send_reply(self, response: SipResponse, *, once: bool = False) -> None:
        """Send an answer to where its request came from; ``once`` is for one that is not repeated
        until it is acknowledged, only when the request is (RFC 3261 section 8.2.7)."""
        source = self.transactions.source_of(response)
        if source is None:
            return
        data = bytes(response)
        self.transactions.answered(response, data, self._clock(), reliable=once)
        self._put(Send(data, source))

    def _put(self, send: Send) -> None:
        if self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(send.data, send.address)

    def take(self, data: bytes, source: Address) -> None:
        """A datagram came. Whatever it is, the process lives."""
        if not data.strip(b"\r\n\0"):
            return  # keeps a way through a NAT open
        now = self._clock()
        if not self._budgets.message(source[0], now):
            self._figures.refuse("flood")
            return
        found = examine(data)
        try:
            if isinstance(found, Fault):
                self._fault(found, source)
            elif isinstance(found, SipResponse):
                self._response(found, source)
            else:
                self._request(found, source)
        except Exception:
            self._figures.refuse("malformed")
            log.exception("a message could not be handled")

    def _fault(self, fault: Fault, source: Address) -> None:
        self._figures.refuse("malformed")
        if fault.status and fault.request is not None:
            # Outside of any transaction: the address may be forged, so nothing is kept for it, and
            # nothing repeated towards it. What is sent again is answered again.
            answer = answer_to(fault.request, fault.status, fault.reason, fault.headers)
            self._put(Send(bytes(answer), source))

    def _request(self, request: SipRequest, source: Address) -> None:
        known = self.transactions.received(request, source, self._clock())
        if isinstance(known, Send):
            self._put(known)
        if known is not True:
            return
        if request.headers.get("content-type"):  # it compares whole values
            request.headers.set_single("Content-Type", media_type(request))
        if not self._filter_request(request, source) and self.on_message is not None:
            self.on_message(request, source)

    def _response(self, response: SipResponse, source: Address) -> None:
        verdict = self.transactions.response(response, source, self._clock())
        if verdict == "foreign":
            self._figures.refuse("foreign")
            return
        acknowledgement = self.transactions.acknowledgement(response)
        if acknowledgement is not None:
            self._put(acknowledgement)
        success = 200 <= response.status_code < 300
        if verdict == "again" and not success:
            return
        if response.headers.get("content-type"):
            response.headers.set_single("Content-Type", media_type(response))
        if not self._filter_response(response) and self.on_message is not None:
            self.on_message(response, source)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            sends, unanswered = self.transactions.due(self._clock())
            for send in sends:
                self._put(send)
            for request in unanswered:
                response = _timeout(request)
                if not self._filter_response(response) and self.on_message is not None:
                    self.on_message(response, ("", 0))
            try:
                self._on_tick()
            except Exception:  # one call costs no other its repetitions
                log.exception("a call could not be refreshed")


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, owner: SeamTransport) -> None:
        self._owner = owner
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """The loop closes the socket right after this call, before anybody who waits goes on."""
        self.closed.set()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._owner.take(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """What an ICMP message says of an earlier datagram; its transaction ends by itself."""


def answer_to(
    request: SipRequest, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()
) -> SipResponse:
    """An answer outside of any dialog."""
    response = create_dialog_from_request(request).create_response(request, status, reason)
    for name, value in headers:
        response.headers.append(name, value)
    response.headers.set_single("Server", AGENT)
    return response


def _timeout(request: SipRequest) -> SipResponse:
    """What is put in for the answer that never came (RFC 3261 section 8.1.3.1)."""
    response = SipResponse(status_code=408, reason_phrase="Request Timeout")
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in request.headers.get(name):
            response.headers.append(name, value)
    return response
