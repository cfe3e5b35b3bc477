"""Cameras that a test steers: one that speaks ONVIF, one that speaks VISCA over IP, on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

from aiohttp import web

USER, PASSWORD = "operator", "a-camera-password"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
ENVELOPE = (
    f'<s:Envelope xmlns:s="{SOAP}" xmlns:tds="{DEVICE}" xmlns:trt="{MEDIA}" xmlns:tptz="{PTZ}" '
    f'xmlns:tt="{SCHEMA}" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>%s</s:Body>'
    "</s:Envelope>"
)
OPEN = ("GetSystemDateAndTime", "GetServices", "GetCapabilities")  # asked without an account


def fault(subcode: str, text: str) -> str:
    return (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{subcode}</s:Value>"
        f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason></s:Fault>'
    )


class OnvifDevice:
    """A camera of Profile S with a PTZ service. ``clock`` is how far its clock is off, seconds;
    ``instead`` answers an operation in another way; ``services`` False: it is too old for them."""

    def __init__(self, presets: tuple[str, ...] = ("1", "2", "Preset_7")) -> None:
        self.presets = presets
        self.clock = 0.0
        self.services = True
        self.advertises = ""  # the address that it names; its own where empty
        self.instead: dict[str, Any] = {}
        self.asked: list[str] = []
        self.gone_to: list[str] = []
        self.moved = asyncio.Event()
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> OnvifDevice:
        app = web.Application()
        app.router.add_post("/onvif/{service}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        document = ElementTree.fromstring(await request.read())  # noqa: S314 - our own
        body = document.find(f"{{{SOAP}}}Body")
        assert body is not None
        operation = body[0].tag.rpartition("}")[2]
        self.asked.append(operation)
        other = self.instead.get(operation)
        if callable(other):
            answer: web.StreamResponse = await other(request)
            return answer
        if other is not None:
            return self._answer(other)
        if operation not in OPEN and not self._known(document):
            return self._answer(fault("NotAuthorized", "Sender not Authorized"), 400)
        return self._answer(getattr(self, f"_{operation}")(body[0]))

    def _answer(self, inner: str, status: int = 200) -> web.Response:
        if "<s:Fault>" in inner:
            status = max(status, 400)
        return web.Response(
            text=ENVELOPE % inner, status=status, content_type="application/soap+xml"
        )

    def _known(self, document: Any) -> bool:
        """Whether the digest is the password's, and dated by this clock (UsernameToken Profile)."""
        texts = {e.tag.rpartition("}")[2]: e.text for e in document.iter()}
        if texts.get("Username") != USER or not texts.get("Nonce"):
            return False
        created = str(texts["Created"])
        said = datetime.fromisoformat(created.replace("Z", "+00:00"))
        if abs(said - self._now()) > timedelta(seconds=60):
            return False
        nonce = base64.b64decode(str(texts["Nonce"]))
        digest = hashlib.sha1(nonce + created.encode() + PASSWORD.encode()).digest()  # noqa: S324
        return base64.b64encode(digest).decode() == texts.get("Password")

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.clock)

    def _address(self) -> str:
        return self.advertises or f"http://127.0.0.1:{self.port}"

    # --- operations ---------------------------------------------------------------------

    def _GetSystemDateAndTime(self, _: Any) -> str:
        now = self._now()
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
            "<tt:DateTimeType>Manual</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time>"
            f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month>"
            f"<tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime>"
            "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _GetServices(self, _: Any) -> str:
        if not self.services:
            return fault("ActionNotSupported", "Optional Action Not Implemented")
        parts = "".join(
            f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{self._address()}"
            f"/onvif/{name}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor>"
            "</tds:Version></tds:Service>"
            for space, name in ((DEVICE, "device_service"), (MEDIA, "media"), (PTZ, "ptz"))
        )
        return f"<tds:GetServicesResponse>{parts}</tds:GetServicesResponse>"

    def _GetCapabilities(self, _: Any) -> str:
        address = self._address()
        return (
            "<tds:GetCapabilitiesResponse><tds:Capabilities>"
            f"<tt:Media><tt:XAddr>{address}/onvif/media</tt:XAddr><tt:StreamingCapabilities/>"
            f"</tt:Media><tt:PTZ><tt:XAddr>{address}/onvif/ptz</tt:XAddr></tt:PTZ>"
            "</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    def _GetProfiles(self, _: Any) -> str:
        return (
            '<trt:GetProfilesResponse><trt:Profiles token="fixed"><tt:Name>fixed</tt:Name>'
            '</trt:Profiles><trt:Profiles token="main"><tt:Name>main</tt:Name>'
            '<tt:PTZConfiguration token="ptz0"><tt:Name>ptz</tt:Name><tt:UseCount>1</tt:UseCount>'
            "<tt:NodeToken>node0</tt:NodeToken></tt:PTZConfiguration></trt:Profiles>"
            "</trt:GetProfilesResponse>"
        )

    def _GetPresets(self, asked: Any) -> str:
        if asked[0].text != "main":
            return fault("NoProfile", "Profile Not Exist")
        parts = "".join(
            f'<tptz:Preset token="{token}"><tt:Name>place {token}</tt:Name></tptz:Preset>'
            for token in self.presets
        )
        return f"<tptz:GetPresetsResponse>{parts}</tptz:GetPresetsResponse>"

    def _GotoPreset(self, asked: Any) -> str:
        self.gone_to.append(str(asked[1].text))
        self.moved.set()
        return "<tptz:GotoPresetResponse/>"


class ViscaDevice(asyncio.DatagramProtocol):
    """A camera that takes VISCA over IP: ``memories`` are the presets it has. Of the first
    ``deaf`` messages it takes none; ``instead`` is answered to every one; ``moves`` False: it
    acknowledges, and never says that it has arrived."""

    def __init__(self, memories: tuple[int, ...] = (1, 2, 9)) -> None:
        self.memories = memories
        self.deaf = 0
        self.instead: list[bytes] | None = None
        self.moves = True
        self.error = 0
        self.counts = True  # from 0 on; False: not before it is told to
        self.gone_to: list[int] = []
        self.sequences: list[int] = []
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> ViscaDevice:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        assert self._transport is not None
        kind, length, sequence = struct.unpack_from("!HHI", data)
        payload = data[8:]
        assert length == len(payload)
        self.sequences.append(sequence)
        if self.deaf:
            self.deaf -= 1
            return
        if self.instead is not None:
            for datagram in self.instead:
                self._transport.sendto(datagram, addr)
            return
        if kind == 0x0200:
            self.counts = True
            self._transport.sendto(struct.pack("!HHI", 0x0201, 1, sequence) + b"\x01", addr)
            return
        if not self.counts:
            self._transport.sendto(struct.pack("!HHI", 0x0201, 2, sequence) + b"\x0f\x01", addr)
            return
        for answer in self._answers(kind, payload):
            head = struct.pack("!HHI", 0x0111, len(answer), sequence)
            self._transport.sendto(head + answer, addr)

    def _answers(self, kind: int, payload: bytes) -> list[bytes]:
        if kind == 0x0110:
            return [b"\x90\x50\x00\x01\x05\x11\x02\x03\x02\xff"]
        assert kind == 0x0100
        assert payload[:5] == b"\x81\x01\x04\x3f\x02"
        assert payload[6:] == b"\xff"
        if self.error:
            return [bytes((0x90, 0x61, self.error, 0xFF))]
        if payload[5] not in self.memories:
            return [b"\x90\x60\x02\xff"]
        self.gone_to.append(payload[5])
        return [b"\x90\x41\xff", *([b"\x90\x51\xff"] if self.moves else [])]
