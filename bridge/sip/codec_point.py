"""A codec: the point that it is at the bridge, and the call that there is with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Coroutine
from typing import Any, Protocol

from aiosipua import IncomingCall, OutgoingCall, SdpMessage, SipDigestAuth

from bridge.sip.flow.call_media import CallMedia
from bridge.sip.flow.dtmf import Keypad, Wish, key_of_info
from bridge.sip.gateway_orders import CodecPoint, Setup
from bridge.sip.point_peer import CodecPeer
from bridge.sip.refusals import Figures
from bridge.sip.wire import agreeing
from bridge.sip.wire import session_descriptions as sdp
from bridge.sip.wire.aiosipua_seams import Refusal, SipElement
from bridge.sip.wire.session_refreshes import Call
from bridge.sip.wire.sip_addresses import address_of

log = logging.getLogger("sip")

RING = 40.0  # seconds that a codec may ring
MOST_WISHES = 4  # keys whose wishes are on their way to the bridge; what is pressed beyond is lost
COME_AGAIN = 3.0  # seconds until a point whose session the bridge has ended is taken back
SILENT = 30.0  # seconds without any RTP after which a call is dead; codecs send even when muted


class Around(Protocol):
    """What a codec needs of its gateway."""

    setup: Setup
    figures: Figures
    element: SipElement
    ready: bool
    owned: asyncio.Event
    """Set while a control process of the bridge keeps the gateway."""

    def own_uri(self, point: CodecPoint) -> str:
        """Who calls a codec."""

    def prepare(self, codec: Codec) -> CodecCall:
        """Ports and keys for a call. Raises OSError where no port is free."""


class CodecCall:
    """One call, of either direction, and its media."""

    def __init__(self, media: CallMedia, side: sdp.Side) -> None:
        self.media = media
        self.side = side
        self.keys = side.audio.key, side.video.key
        self.call: Call | None = None
        self.up = False
        self.description: SdpMessage | None = None


class Codec:
    """A point that is a codec: its peer at the bridge, and the call there is."""

    def __init__(self, gateway: Around, point: CodecPoint, tls: ssl.SSLContext | None) -> None:
        self.point = point
        self._gateway = gateway
        self._tls = tls
        self.call: CodecCall | None = None
        self._keypad = Keypad()
        self.peer = self._new_peer()
        self._ring: asyncio.TimerHandle | None = None
        self._jobs: set[asyncio.Task[Any]] = set()
        self._wishes = 0
        self._run = asyncio.create_task(self._be_there())

    def _new_peer(self) -> CodecPeer:
        setup, point = self._gateway.setup, self.point
        return CodecPeer(
            setup.url,
            point.id,
            point.key,
            address=setup.media_address or setup.listen,
            tls=self._tls,
            on_called=self._called,
            on_state=lambda _: None,
        )

    async def _be_there(self) -> None:
        """Be the point. Where the bridge ends the session (the gateway of the host that leads by
        now has taken the point over, say) the call is ended, so that the codec is free. A gateway
        that a control process keeps comes again: the point is its own."""
        while True:
            run = asyncio.create_task(self.peer.run())
            try:
                await self.peer.ended.wait()
            finally:
                run.cancel()
                await asyncio.gather(run, return_exceptions=True)
            why = self.peer.farewell
            if why == "bye":
                return  # we have left
            self.end()
            log.warning(
                "the bridge has ended the session of %s: %s", self.point.id, why or "no reason"
            )
            if why == "revoked":
                return  # there is a new key for it, or no such point
            await asyncio.sleep(COME_AGAIN)
            await self._gateway.owned.wait()
            self.peer = self._new_peer()

    async def close(self) -> None:
        """Hang up, and leave the bridge."""
        self.end()
        await self.peer.leave()
        self._run.cancel()
        await asyncio.gather(self._run, *self._jobs, return_exceptions=True)

    def tick(self, now: float) -> None:
        """Move media."""
        self.peer.drain()
        call = self.call
        if call is None:
            return
        call.media.tick(now)
        lines = call.media.agreed.audio, call.media.agreed.video
        if not any(line is not None and line.sends for line in lines):
            call.media.heard(now)  # it holds: nothing has to come
        if call.up and now - call.media.last_heard > SILENT:
            log.warning("%s sends nothing any more; the call is ended", self.point.id)
            self.end()

    # --- calls out ----------------------------------------------------------------------------

    def begin(self) -> None:
        """The gateway is ready: call, if a conference has called the point in before."""
        self._called(self.peer.called)

    def _called(self, wanted: bool) -> None:
        if not wanted:
            self.end()
        elif self.call is None and self._gateway.ready:
            self._start(self._dial())

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _dial(self) -> None:
        if self.call is not None or not self.peer.called:
            return
        try:
            call = self.call = self._gateway.prepare(self)
            address = await address_of(self.point.uri)
        except OSError as error:
            log.warning("%s cannot be called: %s", self.point.id, error)
            self.end()
            return
        if self.call is not call:
            return
        self._gateway.figures.dial()
        point = self.point
        auth = SipDigestAuth(point.user or point.id, point.password) if point.password else None
        call.description = agreeing.offer(call.side)
        call.call = self._gateway.element.dial(
            self._gateway.own_uri(point),
            point.uri,
            address,
            call.description,
            auth=auth,
            on_answer=lambda out: self._answered(call, out),
            on_failed=lambda _, status, reason: self._failed(call, status, reason),
        )
        self._ring = asyncio.get_running_loop().call_later(RING, self._rang_out, call)

    def _rang_out(self, call: CodecCall) -> None:
        if self.call is call and not call.up:
            self._failed(call, 408, "No Answer")

    def _answered(self, call: CodecCall, out: OutgoingCall) -> None:
        if self.call is not call:
            self._gateway.element.hang_up(out)
            return
        log.debug("%s", out.sdp_answer)
        try:
            agreed = agreeing.agreed(call.side, out.sdp_answer)
        except sdp.MediaError as error:
            log.warning("%s: %s", self.point.id, error)
            self._gateway.figures.refuse("media")
            self.end()
            return
        self._take_up(call, agreed)

    def _failed(self, call: CodecCall, status: int, reason: str) -> None:
        log.info("%s did not come: %d %s", self.point.id, status, reason)
        self._gateway.figures.fail()
        if self.call is call:
            self.end()

    # --- calls in -----------------------------------------------------------------------------

    def accept(self, offered: SdpMessage) -> SdpMessage | Refusal:
        """The answer to the offer of a call that may come in."""
        if not self.peer.called:
            self._gateway.figures.refuse("no_conference")
            return Refusal(480, "No Conference Now", (("Retry-After", "60"),))
        self.end()  # who calls has hung up, or has lost the call before
        try:
            call = self._gateway.prepare(self)
        except OSError:
            return Refusal(503, "No Port For Media")
        try:
            answer, agreed = agreeing.answer(call.side, offered)
        except sdp.MediaError as error:
            log.warning("%s: %s", self.point.id, error)
            self._gateway.figures.refuse("media")
            call.media.close()
            return Refusal(488, "Not Acceptable Here")
        self.call = call
        call.description = answer
        call.media.agree(agreed, call.keys)
        return answer

    def taken(self, incoming: IncomingCall) -> None:
        """The call that was accepted is there."""
        if self.call is not None:
            self.call.call = incoming
            self._gateway.figures.answer()
            self._take_up(self.call, self.call.media.agreed)

    # --- a call that is up ----------------------------------------------------------------------

    def _take_up(self, call: CodecCall, agreed: sdp.Agreed) -> None:
        if self._ring is not None:
            self._ring.cancel()
        call.media.agree(agreed, call.keys)
        call.media.heard(time.monotonic())
        call.up = True
        log.info(
            "%s is connected: %s and %s",
            self.point.id,
            agreed.audio.codec if agreed.audio is not None else "no sound",
            agreed.video.codec if agreed.video is not None else "no picture",
        )
        log.debug("%s: %s", self.point.id, agreed)
        self.peer.attach(call.media)

    def again(self, offered: SdpMessage | None) -> SdpMessage | None:
        """The other side offers anew within the call: hold, another address, other codecs."""
        call = self.call
        if call is None:
            return None
        if offered is None:
            return call.description
        try:
            answer, agreed = agreeing.answer(call.side, offered)
        except sdp.MediaError:
            self._gateway.figures.refuse("media")
            return None
        call.description = answer
        self._change(call, agreed)
        return answer

    def refreshed(self, answered: SdpMessage) -> None:
        """The other side has answered what we offered again to keep the call alive."""
        call = self.call
        if call is not None and call.up:
            with contextlib.suppress(sdp.MediaError):  # what was agreed on before holds
                self._change(call, agreeing.agreed(call.side, answered))

    def _change(self, call: CodecCall, agreed: sdp.Agreed) -> None:
        """Something was agreed on within the call, mostly the same again: what did not change goes
        on as it is."""
        before = call.media.agreed
        if agreed == before:
            return
        call.media.agree(agreed, call.keys)
        if not call.up:
            return
        if _kinds(agreed) != _kinds(before):
            self.peer.attach(call.media)
        elif _sends(agreed) != _sends(before):
            self.peer.refresh()  # who holds the call has no camera for a while

    def end(self) -> None:
        """Hang up, whatever state the call is in."""
        if self._ring is not None:
            self._ring.cancel()
            self._ring = None
        call, self.call = self.call, None
        if call is None:
            return
        if call.call is not None:
            self._gateway.element.hang_up(call.call)
        call.media.close()
        if self.peer.has_media or call.up:
            self.peer.attach(None)

    def inform(self, content_type: str, text: str) -> None:
        """Send INFO within the call."""
        if self.call is not None and self.call.call is not None:
            self._gateway.element.inform(self.call.call, content_type, text)

    def info(self, content_type: str, text: str) -> None:
        """INFO came within the call."""
        if content_type == "application/media_control+xml":
            if self.call is not None and "picture_fast_update" in text:
                self.call.media.key_frame_for_codec()
            return
        key = key_of_info(content_type, text)
        if key:
            self.press(key)

    def press(self, key: str) -> None:
        """A key was pressed at the codec."""
        wish = self._keypad.press(key, time.monotonic())
        if wish is not None and self._wishes < MOST_WISHES:
            self._wishes += 1
            self._start(self._wish(wish))

    async def _wish(self, wish: Wish) -> None:
        try:
            await self._asked_for(wish)
        finally:
            self._wishes -= 1

    async def _asked_for(self, wish: Wish) -> None:
        seat, peer = self.peer.seat, self.peer
        if seat is None:
            return
        command: dict[str, Any]
        if wish == "floor":
            kind = "withdraw_floor" if peer.waits else "request_floor"
            command = {"type": kind, "point": self.point.id}
        else:
            command = {"type": "self_mute", "point": self.point.id, "muted": not seat["self_muted"]}
        with contextlib.suppress(TimeoutError):
            result = await peer.ask(command)
            log.info("%s pressed for %s: %s", self.point.id, wish, result.get("ok"))


def _sends(agreed: sdp.Agreed) -> list[bool]:
    return [line is not None and line.sends for line in (agreed.audio, agreed.video)]


def _kinds(agreed: sdp.Agreed) -> tuple[object, ...]:
    """What the media at the bridge are made for: which lines there are, and what the pictures are.
    How sound is coded is between the codec and us."""
    video = agreed.video
    picture = (video.codec, video.format) if video is not None else None
    return agreed.audio is not None, picture
