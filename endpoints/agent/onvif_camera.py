"""Presets of cameras by ONVIF (Profile S, PTZ service): SOAP over HTTP, with the password as a
digest (WS-Security UsernameToken).

The descriptions of the services come with the package and are never loaded over a network. The
package is imported with the first ONVIF camera: it takes half a second and 40 MB.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import aiohttp

from bridge.agents.protocol import CameraFault
from endpoints.agent.camera_outcome import CameraError

if TYPE_CHECKING:
    from onvif import ONVIFCamera, ONVIFService

log = logging.getLogger("agent")

MAX_ANSWER = 1 << 20  # octets; 256 presets are about 150 kB
DENIED = ("notauthorized", "sender not authorized", "unauthorized", "authority failure")
MISSING = ("notoken", "noprofile")


class _BoundedResponse(aiohttp.ClientResponse):
    """An answer of which no more than `MAX_ANSWER` is read."""

    async def read(self) -> bytes:
        found = bytearray()
        async for chunk in self.content.iter_chunked(1 << 14):
            found += chunk
            if len(found) > MAX_ANSWER:
                self.close()
                raise aiohttp.ClientPayloadError("the answer is too large")
        return bytes(found)


class OnvifCamera:
    """A camera at an address. What it offers is asked for once, and again after a failure."""

    def __init__(self, address: str, port: int, user: str, password: str) -> None:
        self._address, self._port = address, port
        self._account = (user, password)
        self._device: ONVIFCamera | None = None
        self._sessions: list[aiohttp.ClientSession] = []
        self._profile = ""

    async def recall(self, token: str) -> None:
        """Go to a preset. Raises `CameraError`."""
        await self._guarded(self._recall(token))

    async def look(self) -> None:
        """Ask for a sign of life, with the account where there is one. Raises `CameraError`."""
        await self._guarded(self._look())

    async def close(self) -> None:
        device, self._device, self._profile = self._device, None, ""
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            await session.close()
        if device is not None:
            await device.close()

    # --- what is asked of it ------------------------------------------------------------

    async def _recall(self, token: str) -> None:
        ptz = await self._ptz()
        presets = await ptz.GetPresets({"ProfileToken": self._profile})
        there = [str(preset.token) for preset in presets or []]
        if token not in there:
            raise CameraError("missing", f"the camera has the presets {', '.join(there)[:120]}")
        await ptz.GotoPreset({"ProfileToken": self._profile, "PresetToken": token})

    async def _look(self) -> None:
        ptz = await self._ptz()
        await ptz.GetPresets({"ProfileToken": self._profile})

    async def _ptz(self) -> ONVIFService:
        """The service that steers, and before it the profile whose camera is steered."""
        if self._device is None:
            onvif = await asyncio.to_thread(importlib.import_module, "onvif")
            # Its clock may be wrong: the digest is dated by the camera's. Whatever addresses it
            # names, it is spoken to where the topology says.
            self._device = onvif.ONVIFCamera(
                self._address,
                self._port,
                *self._account,
                no_cache=True,
                adjust_time=True,
                nat_override=True,
            )
            self._bind(await self._device.create_devicemgmt_service())
            await self._device.update_xaddrs()
        if not self._profile:
            media = self._bind(await self._device.create_media_service())
            profiles = await media.GetProfiles()
            steered = [p for p in profiles or [] if p.PTZConfiguration is not None]
            if not steered:
                raise CameraError("refused", "none of the camera's profiles can be steered")
            self._profile = str(steered[0].token)
        return self._bind(await self._device.create_ptz_service())

    def _bind(self, service: ONVIFService) -> ONVIFService:
        """Let a service read answers with a bound, and from this camera only."""
        transport = service.transport
        if not any(session is transport.session for session in self._sessions):
            session = aiohttp.ClientSession(
                response_class=_BoundedResponse, middlewares=(self._this_one_only,)
            )
            self._sessions.append(session)
            transport.session = session
        return service

    async def _this_one_only(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if (request.url.host, request.url.port) != (self._address, self._port):
            raise aiohttp.ClientConnectionError("the camera points to another machine")
        return await handler(request)

    async def _guarded(self, asked: Coroutine[Any, Any, None]) -> None:
        """Ask, and say in words of ours what went wrong."""
        try:
            await asked
        except CameraError:
            raise
        except TimeoutError:
            await self.close()
            raise CameraError("timeout", "the camera did not answer in time") from None
        except aiohttp.ClientPayloadError as error:
            await self.close()
            raise CameraError("nonsense", str(error)) from None
        except aiohttp.ClientResponseError as error:
            await self.close()
            why: CameraFault = "denied" if error.status in (401, 403) else "nonsense"
            raise CameraError(why, f"HTTP {error.status}") from None
        except (aiohttp.ClientError, OSError) as error:
            await self.close()
            raise CameraError("unreachable", str(error)) from None
        # What a camera may answer is without limit, and so is what the package makes of it.
        except Exception as error:
            await self.close()
            raise _fault(error) from None


def _fault(error: Exception) -> CameraError:
    """An error of the package: a fault that the camera sent, or an answer of no use."""
    said = f"{type(error).__name__}: {error}"
    codes = [str(getattr(c, "localname", c)) for c in getattr(error, "subcodes", None) or []]
    words = " ".join([*codes, said]).lower()
    if any(word in words for word in DENIED):
        return CameraError("denied", said)
    if type(error).__name__ != "Fault":
        log.info("a camera's answer is of no use: %s", said[:300])
        return CameraError("nonsense", said)
    return CameraError("missing" if any(word in words for word in MISSING) else "refused", said)
