"""A point without a browser: a camera and a microphone of this machine, an RTSP camera, or a file,
sent by the agent itself. A shell.

H.264 of an RTSP camera is passed through as it comes where the conference speaks H.264
(``media.codec: h264``); everything else is decoded and encoded."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable
from typing import Any

import av
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack

from endpoints.simulation.points import SimulatedPoint

log = logging.getLogger("headless")

AGAIN = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds until a source that ended is opened again
READ_TIMEOUT = 10  # seconds that a camera on the network may say nothing
SIZE, RATE = "1280x720", "30"


def source_options(camera: str) -> tuple[str | None, dict[str, str]]:
    """The format and the options with which a camera is opened. Pure."""
    if camera.startswith("/dev/video"):
        return "v4l2", {"video_size": SIZE, "framerate": RATE}
    if camera.startswith(("rtsp://", "rtsps://")):
        # TCP: on a line that loses packets a torn picture is worse than a late one.
        return None, {"rtsp_transport": "tcp"}
    return None, {}


def passes_through(camera: str, options: dict[str, str]) -> bool:
    """Whether a source's video can be sent as it comes: H.264 in a stream with start codes, as
    RTSP has it. Raises av.FFmpegError where it cannot be opened."""
    if not camera.startswith(("rtsp://", "rtsps://")):
        return False
    with av.open(camera, options=options, timeout=(10.0, 5.0)) as container:
        streams = container.streams.video
        return bool(streams) and streams[0].codec_context.name == "h264"


class Gated(MediaStreamTrack):
    """A source's track, which is opened again when it ends, and sends only while `active`."""

    def __init__(self, kind: str, open_: Any, told: Callable[[str, bool], None]) -> None:
        """``told`` hears whether the source gives anything."""
        super().__init__()
        self.kind = kind
        self._open = open_
        self._told = told
        self._track: Any = None
        self._tries = 0
        self.active = asyncio.Event()

    async def recv(self) -> Any:
        while True:
            await self.active.wait()
            try:
                if self._track is None:
                    self._track = await asyncio.to_thread(self._open, self.kind)
                frame = await self._track.recv()
            except (MediaStreamError, OSError, av.FFmpegError, ValueError) as error:
                if self.readyState == "ended":
                    raise MediaStreamError from None
                self._release()
                pause = AGAIN[min(self._tries, len(AGAIN) - 1)]
                self._tries += 1
                self._told(self.kind, False)
                log.warning("the %s source ended (%s); again in %.0f s", self.kind, error, pause)
                await asyncio.sleep(pause)
                continue
            self._tries = 0
            self._told(self.kind, True)
            return frame

    def _release(self) -> None:
        """Let the source go. Its thread may hang in a camera that says nothing: nobody waits."""
        track, self._track = self._track, None
        if track is not None:
            threading.Thread(target=track.stop, daemon=True).start()

    def stop(self) -> None:
        super().stop()
        self._release()


class Silence(AudioStreamTrack):
    """The sound of a point without a microphone."""

    def __init__(self) -> None:
        super().__init__()
        self.active = asyncio.Event()

    async def recv(self) -> Any:
        await self.active.wait()
        return await super().recv()


DEVICES = {"audio": "microphone", "video": "camera"}


class HeadlessMachine:
    """The machine of a headless point: its sources are its camera and its microphone."""

    def __init__(self, point: HeadlessPoint, machine: Any) -> None:
        self._point = point
        self._machine = machine

    def devices(self) -> list[dict[str, str]]:
        others = [d for d in self._machine.devices() if d["kind"] == "speaker"]
        return [*self._point.sources(), *others]

    def state_of(self) -> dict[str, Any]:
        state: dict[str, Any] = self._machine.state_of()
        return state


class HeadlessPoint:
    """The point of a machine without a browser."""

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        *,
        camera: str,
        microphone: str | None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._camera = camera
        self._microphone = microphone
        self._players: dict[str, MediaPlayer] = {}
        self._point = SimulatedPoint(
            url=url,
            id=point,
            key=key,
            number=1,
            address=None,
            names={},
            sources=self._sources,
            tls=tls,
        )

        if self._silent():
            self._point.facts.missing.add("microphone")

    def machine(self, machine: Any) -> HeadlessMachine:
        """What the agent is to report."""
        return HeadlessMachine(self, machine)

    def sources(self) -> list[dict[str, str]]:
        """Camera and microphone, as far as they give anything."""
        names = {"camera": self._camera, "microphone": self._microphone or self._camera}
        shown = {kind: name.rpartition("@")[2][:200] for kind, name in names.items()}
        return [{"kind": k, "name": n} for k, n in shown.items() if self._point.facts.has(k)]

    def _told(self, kind: str, well: bool) -> None:
        """A source gives something, or nothing."""
        device = DEVICES[kind]
        if self._point.facts.has(device) != well:
            (self._point.facts.missing.discard if well else self._point.facts.missing.add)(device)
            self._point.refresh()

    def _sources(self) -> tuple[Any, Any]:
        """Sound and picture for one connection."""
        sound: Any = Silence() if self._silent() else Gated("audio", self._open, self._told)
        return sound, Gated("video", self._open, self._told)

    def _silent(self) -> bool:
        return self._microphone is None and self._camera.startswith("/dev/")

    def _open(self, kind: str) -> MediaStreamTrack:
        """A fresh track of the source. Raises what opening raises."""
        if kind == "audio" and self._microphone is not None:
            player = MediaPlayer(self._microphone, format="alsa")
        else:
            form, options = source_options(self._camera)
            as_it_comes = kind == "video" and self._point.codec == "H264"
            decode = not (as_it_comes and passes_through(self._camera, options))
            loop = form is None and not self._camera.startswith("rtsp")
            player = MediaPlayer(
                self._camera,
                format=form,
                options=options,
                loop=loop,
                decode=decode,
                timeout=None if form is not None else READ_TIMEOUT,
            )
        track = player.audio if kind == "audio" else player.video
        if track is None:
            raise ValueError(f"{self._camera} has no {kind}")
        self._players[kind] = player  # a player that nobody holds stops
        return track

    async def run(self) -> None:
        """Be the point until cancelled."""
        await self._point.run()
