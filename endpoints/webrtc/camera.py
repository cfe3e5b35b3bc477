"""A point without a browser: the agent itself sends a camera and a microphone of this machine, an
RTSP camera, or a file.

H.264 of an RTSP camera is passed through as it comes where the conference speaks H.264
(``media.codec: h264``); everything else is decoded and encoded."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import av
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack

from endpoints.webrtc.peer import Peer
from endpoints.webrtc.tracks import SourceTrack

log = logging.getLogger("camera")

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


class ReopenedTrack(SourceTrack):
    """The track of a camera or microphone, which is opened again whenever it ends."""

    def __init__(
        self, kind: str, open_: Callable[[str], MediaStreamTrack], told: Callable[[str, bool], None]
    ) -> None:
        """``open_`` makes a fresh track of a kind ("audio", "video") and may block; ``told`` is
        called with the kind and whether the source gives anything."""
        super().__init__()
        self.kind = kind
        self._open = open_
        self._told = told
        self._track: MediaStreamTrack | None = None
        self._tries = 0

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


class Silence(SourceTrack, AudioStreamTrack):
    """The sound of a point without a microphone."""

    async def recv(self) -> Any:
        await self.active.wait()
        return await super().recv()


DEVICES = {"audio": "microphone", "video": "camera"}


class CameraPoint:
    """A point of the bridge that sends a camera and a microphone, or a file."""

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        *,
        camera: str,
        microphone: str | None,
        tls: ssl.SSLContext | None = None,
        known: Iterable[str] = (),
    ) -> None:
        """``camera`` is a V4L2 device, an RTSP address or a file; ``microphone`` an ALSA device,
        None for the sound of the camera. ``known`` are the hosts of the bridge."""
        self._camera = camera
        self._microphone = microphone
        self._players: dict[str, MediaPlayer] = {}
        self._missing: set[str] = {"microphone"} if self._silent() else set()
        self._peer = Peer(
            url, point, key, sources=self._tracks, has=self._has, tls=tls, known=known
        )

    def sources(self) -> list[dict[str, str]]:
        """Camera and microphone, as far as they give anything."""
        names = {"camera": self._camera, "microphone": self._microphone or self._camera}
        shown = {kind: name.rpartition("@")[2][:200] for kind, name in names.items()}
        return [{"kind": k, "name": n} for k, n in shown.items() if self._has(k)]

    def _has(self, device: str) -> bool:
        return device not in self._missing

    def _told(self, kind: str, well: bool) -> None:
        """A source gives something, or nothing."""
        device = DEVICES[kind]
        if self._has(device) != well:
            (self._missing.discard if well else self._missing.add)(device)
            self._peer.refresh()

    def _tracks(self) -> tuple[SourceTrack, SourceTrack]:
        """Sound and picture for one connection."""
        sound = Silence() if self._silent() else ReopenedTrack("audio", self._open, self._told)
        return sound, ReopenedTrack("video", self._open, self._told)

    def _silent(self) -> bool:
        return self._microphone is None and self._camera.startswith("/dev/")

    def _open(self, kind: str) -> MediaStreamTrack:
        """A fresh track of the source. Raises what opening raises."""
        if kind == "audio" and self._microphone is not None:
            player = MediaPlayer(self._microphone, format="alsa")
        else:
            form, options = source_options(self._camera)
            as_it_comes = kind == "video" and self._peer.codec == "H264"
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
        await self._peer.run()
