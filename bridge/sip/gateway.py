"""The gateway: dials codecs whose conference wants them, answers their calls, gives each a seat.

Which codec is dialled when is the bridge's to say (`bridge.control.calling`): a state that calls
the point in, and a nudge for whoever has not come, make a call; the end of the conference ends
it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
import time
from collections.abc import Iterable

from aiosipua import (
    IncomingCall,
    Registration,
    RegistrationState,
    SdpMessage,
    SipDigestAuth,
    SipRequest,
)

from bridge.sip.codec_point import Codec, CodecCall
from bridge.sip.flow.call_media import CallMedia
from bridge.sip.flow.dtls_line import own_fingerprint
from bridge.sip.flow.media_port import port_pair
from bridge.sip.flow.programme_layer import Bounds
from bridge.sip.gateway_orders import CallFigures, CodecPoint, Setup, same_codec
from bridge.sip.incoming import Caller, Callers
from bridge.sip.refusals import Figures
from bridge.sip.wire import session_descriptions as sdp
from bridge.sip.wire.aiosipua_seams import Refusal, SipElement
from bridge.sip.wire.picture_formats import Format, level_for
from bridge.sip.wire.sip_addresses import address_of

log = logging.getLogger("sip")

TICK = 0.02  # seconds between looks at all sockets
REGISTER_AGAIN = 60.0  # seconds until a registrar that refused, or was silent, is asked once more


class Gateway:
    """All codecs of one bridge. Use: `start`, then `close`."""

    def __init__(self, setup: Setup, figures: Figures, owned: asyncio.Event | None = None) -> None:
        """``owned`` is set while a control process keeps the gateway; without it one always
        does."""
        self.setup = setup
        self.figures = figures
        self.owned = owned or asyncio.Event()
        if owned is None:
            self.owned.set()
        self.codecs: dict[str, Codec] = {}
        self._callers = Callers(setup.points, figures, time.time, time.monotonic)
        self._tls = tls_of(setup)
        advertised = (setup.public, setup.port) if setup.public else None
        self.element = SipElement(
            (setup.listen, setup.port),
            figures,
            time.monotonic,
            admit=self._admit,
            on_call=self._on_call,
            on_reinvite=self._on_reinvite,
            on_refreshed=self._on_refreshed,
            on_ended=self._on_ended,
            on_info=self._on_info,
            advertised=advertised,
        )
        self._ticks: asyncio.Task[None] | None = None
        self._accepted: dict[str, Codec] = {}  # by Call-ID
        self._registration: Registration | None = None
        self._register_again: asyncio.TimerHandle | None = None
        self.registration_problem = ""
        """What the registrar said when it refused; "" where it did not."""
        self.ready = False

    async def start(self) -> None:
        """Listen, and let every codec take its place. Raises OSError."""
        await self.element.start()
        await self._add(self.setup.points)
        await self._register()
        self.ready = True
        for codec in self.codecs.values():
            codec.begin()
        self._ticks = asyncio.create_task(self._tick())

    async def _add(self, points: Iterable[CodecPoint]) -> None:
        """Let codecs take their places."""
        points = tuple(points)
        for point in points:
            self.codecs[point.id] = Codec(self, point, self._tls)
        self._callers.locate(await asyncio.gather(*map(_locate, points)))

    async def change(self, setup: Setup) -> None:
        """Take on a setup that differs in its points at most. Those that are other ones, or are
        gone, are hung up; the calls of all others go on."""
        self.setup = setup
        wanted = {point.id: point for point in setup.points}
        leaving = [
            c for c in self.codecs.values() if not same_codec(c.point, wanted.get(c.point.id))
        ]
        for codec in leaving:
            del self.codecs[codec.point.id]
        self._callers.know(setup.points)
        await asyncio.gather(*(codec.close() for codec in leaving))
        fresh = [point for point in setup.points if point.id not in self.codecs]
        await self._add(fresh)
        for point in fresh:
            self.codecs[point.id].begin()

    async def _register(self) -> None:
        """Tell the registrar where this is, if there is one; aiosipua refreshes it."""
        wanted = self.setup.registrar
        if wanted is None:
            return
        place = await address_of(f"sip:{wanted.host}:{wanted.port}")
        auth = SipDigestAuth(wanted.user, wanted.password) if wanted.user else None
        self._registration = Registration(self.element.uac, wanted.uri, place, auth=auth)
        self._registration.on_registered = lambda _: self._registered("")
        self._registration.on_failed = lambda _, status, reason: self._registered(
            f"{status} {reason}"
        )
        self._registration.on_expired = lambda _: self._registered(
            "no answer before the registration ran out"
        )
        self._registration.register()

    def _registered(self, problem: str) -> None:
        """The registrar took it ("") or did not: aiosipua gives up then, the gateway does not."""
        self.registration_problem = problem
        if problem and self._registration is not None:
            log.error("the registrar does not take %s: %s", self._registration.aor, problem)
            if self._register_again is not None:
                self._register_again.cancel()
            self._register_again = asyncio.get_running_loop().call_later(
                REGISTER_AGAIN, self._registration.register
            )

    @property
    def registered(self) -> bool | None:
        """Whether the registrar knows us; None where there is none."""
        known = self._registration
        return (
            None
            if known is None
            else known.granted_expires > 0
            and known.state
            in (
                RegistrationState.REGISTERED,
                RegistrationState.REGISTERING,
            )
        )

    async def close(self) -> None:
        """Hang up everywhere."""
        self.ready = False
        await asyncio.gather(*(codec.close() for codec in self.codecs.values()))
        if self._ticks is not None:
            self._ticks.cancel()
        if self._register_again is not None:
            self._register_again.cancel()
        await self.element.stop()

    async def _tick(self) -> None:
        due = time.monotonic()
        while True:
            for codec in self.codecs.values():
                try:
                    codec.tick(time.monotonic())
                except Exception:  # one codec's media cost no other its call
                    log.exception("the media of %s failed; its call is ended", codec.point.id)
                    codec.end()
            due = max(due + TICK, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def own_uri(self, point: CodecPoint) -> str:
        """Who calls a codec: the bridge, under the point's name."""
        if self.setup.registrar is not None:
            return self.setup.registrar.uri
        host, port = self.setup.public or self.setup.listen, self.element.transport.local_addr[1]
        return f"sip:{point.id}@{f'[{host}]' if ':' in host else host}:{port}"

    def prepare(self, codec: Codec) -> CodecCall:
        """Ports and keys for a call. Raises OSError where no port is free."""
        setup, point = self.setup, codec.point
        ports = range(setup.first_port, setup.last_port)
        encrypted = point.encryption != "none"
        audio = port_pair(setup.listen, ports, self.figures, encrypted=encrypted)
        try:
            video = port_pair(setup.listen, ports, self.figures, encrypted=encrypted)
        except OSError:
            audio.close()
            raise
        keys = [secrets.token_bytes(sdp.KEY_SIZE) if point.encryption == "sdes" else b""] * 2
        if point.encryption == "sdes":
            keys = [secrets.token_bytes(sdp.KEY_SIZE) for _ in keys]
        width = point.height * 16 // 9
        side = sdp.Side(
            address=setup.public or setup.listen,
            audio=sdp.Own(audio.port, keys[0]),
            video=sdp.Own(video.port, keys[1]),
            session=secrets.randbits(31),
            encryption=point.encryption,
            fingerprint=own_fingerprint() if point.encryption == "dtls" else "",
            format=Format(level=level_for(width, point.height, point.frame_rate)),
            bitrate=point.bitrate,
            modes=point.modes,
        )
        bounds = Bounds(point.height, float(point.frame_rate), 1000 * point.bitrate)
        media = CallMedia(
            audio, video, self.figures, bounds, on_key=codec.press, inform=codec.inform
        )
        return CodecCall(media, side)

    # --- what comes over SIP --------------------------------------------------------------------

    def _admit(self, request: SipRequest, source: tuple[str, int]) -> Refusal | SdpMessage:
        found = self._callers.admit(request, source)
        if not isinstance(found, Caller):
            return found
        codec = self.codecs.get(found.point)
        if codec is None:  # its settings are changing
            return Refusal(480, "Temporarily Unavailable", (("Retry-After", "5"),))
        try:
            offered = sdp.read(request.text)
        except sdp.MediaError:
            self.figures.refuse("media")
            return Refusal(400, "Bad Session Description")
        answer = codec.accept(offered)
        if not isinstance(answer, Refusal):
            self._accepted[request.call_id or ""] = codec
        return answer

    def _on_call(self, call: IncomingCall) -> None:
        codec = self._accepted.pop(call.call_id, None)
        if codec is not None:
            codec.taken(call)

    def _codec_of(self, call_id: str) -> Codec | None:
        for codec in self.codecs.values():
            call = codec.call.call if codec.call is not None else None
            if call is not None and call.call_id == call_id:
                return codec
        return None

    def _on_reinvite(self, call: IncomingCall) -> SdpMessage | None:
        codec = self._codec_of(call.call_id)
        return codec.again(call.sdp_offer) if codec is not None else None

    def _on_refreshed(self, call_id: str, answered: SdpMessage) -> None:
        codec = self._codec_of(call_id)
        if codec is not None:
            codec.refreshed(answered)

    def _on_ended(self, call_id: str) -> None:
        codec = self._accepted.pop(call_id, None) or self._codec_of(call_id)
        if codec is not None:
            log.info("%s has hung up", codec.point.id)
            codec.end()

    def _on_info(self, call_id: str, content_type: str, text: str) -> None:
        codec = self._codec_of(call_id)
        if codec is not None:
            codec.info(content_type, text)

    def calls(self) -> tuple[CallFigures, ...]:
        """The calls that are up."""
        return tuple(
            CallFigures(
                point=codec.point.id,
                received=call.media.audio.received + call.media.video.received,
                sent=call.media.audio.sent + call.media.video.sent,
                transcodes_up=call.media.transcodes[0],
                transcodes_down=call.media.transcodes[1],
            )
            for codec in self.codecs.values()
            if (call := codec.call) is not None and call.up
        )


def tls_of(setup: Setup) -> ssl.SSLContext | None:
    """How the bridge's certificate is checked."""
    return ssl.create_default_context(cafile=setup.authority) if setup.authority else None


async def _locate(point: CodecPoint) -> tuple[str, str]:
    try:
        return point.id, (await address_of(point.uri))[0]
    except OSError as error:
        log.error("the address of %s is not known: %s", point.id, error)
        return point.id, ""
