"""The gateway's SIP element, and a codec of a few lines at the other end of loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from aiosipua import IncomingCall, OutgoingCall, SdpMessage, SipMessage, SipRequest, SipResponse

from bridge.sip.refusals import Figures
from bridge.sip.wire.agreeing import answer, offer
from bridge.sip.wire.aiosipua_seams import Refusal, SipElement
from bridge.sip.wire.session_descriptions import Own, Side, read
from tests.sip.test_message_checks import BODY
from tests.waiting import HANG

HOST = "127.0.0.1"
SIDE = Side(address=HOST, audio=Own(4000), video=Own(4002), session=1)
OFFER = BODY + "m=audio 4100 RTP/AVP 8\r\n"


class Stage:
    """The element, and a socket that plays the other side."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.calls: list[IncomingCall] = []
        self.ended: list[str] = []
        self.refreshed: list[SdpMessage] = []
        self.later = 0.0  # seconds by which its clock is ahead
        self.informed: list[tuple[str, str]] = []
        self.refusal: Refusal | None = None
        self.element = SipElement(
            (HOST, 0),
            self.figures,
            self.now,
            admit=self._admit,
            on_call=self.calls.append,
            on_reinvite=lambda call: answer(SIDE, call.sdp_offer)[0] if call.sdp_offer else None,
            on_refreshed=lambda call_id, answered: self.refreshed.append(answered),
            on_ended=self.ended.append,
            on_info=lambda _, kind, text: self.informed.append((kind, text)),
        )
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.other.bind((HOST, 0))
        self.other.setblocking(False)

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self.later

    def _admit(self, request: SipRequest, _: tuple[str, int]) -> Refusal | SdpMessage:
        return self.refusal or answer(SIDE, read(request.text))[0]

    @property
    def place(self) -> tuple[str, int]:
        """Where the other side is."""
        name: tuple[str, int] = self.other.getsockname()
        return name

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendto(
            self.other, data, self.element.transport.local_addr
        )

    async def hear(self) -> SipRequest | SipResponse:
        async with asyncio.timeout(HANG):
            data = await asyncio.get_running_loop().sock_recv(self.other, 65536)
        return SipMessage.parse(data)

    async def until(self, wanted: Callable[[Any], bool]) -> Any:
        while True:
            message = await self.hear()
            if wanted(message):
                return message

    def dial(self) -> tuple[OutgoingCall, list[str]]:
        """Call the other side."""
        happened: list[str] = []
        call = self.element.dial(
            "sip:cau@127.0.0.1",
            f"sip:codec@{HOST}:{self.place[1]}",
            self.place,
            offer(SIDE),
            auth=None,
            on_answer=lambda _: happened.append("answered"),
            on_failed=lambda _, status, __: happened.append(str(status)),
        )
        return call, happened


def status(number: int) -> Callable[[Any], bool]:
    return lambda message: isinstance(message, SipResponse) and message.status_code == number


def method(name: str) -> Callable[[Any], bool]:
    return lambda message: isinstance(message, SipRequest) and message.method == name


def response(request: SipRequest, code: int, body: str = "", **headers: str) -> bytes:
    made = SipResponse(status_code=code, reason_phrase="x")
    for name in ("Via", "From", "Call-ID", "CSeq"):
        for value in request.headers.get(name):
            made.headers.append(name, value)
    made.headers.set_single("To", f"{request.headers.get_first('to')};tag=them")
    for name, value in headers.items():
        made.headers.set_single(name.replace("_", "-"), value)
    if body:
        made.headers.set_single("Content-Type", "Application/SDP;charset=utf-8")
        made.text = body
    return bytes(made)
