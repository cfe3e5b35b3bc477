"""The operator plays a film with sound to all rooms: simulated points decode picture and tone."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.control.sessions import Session
from endpoints.webrtc import tone
from endpoints.webrtc.test_card import TestCard
from tests.live.browsers import chromium, open_console, open_room, text_is
from tests.live.support import bridge_process, only, simulated_points, started
from tests.paths import ROOT
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

CHAIR, ROOM, SIMULATED, BROWSER = "hoi-truong", "khoan-du", "chi-ne", "an-binh"
FILM_OF = "yen-bong"  # whose card and tone the film has, and who is not there
SECONDS, RATE = 8, 10  # it begins anew until the test lets it end
IMAGES = ROOT / "docs" / "images"


def make_film(path: Path, number: int, seconds: int) -> None:
    """A WebM file (VP8, Opus) with the card and the tone of a point."""
    card = TestCard(number, width=640, height=360)
    with av.open(str(path), "w") as film:
        picture = film.add_stream("libvpx", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 640, 360, "yuv420p"
        picture.options = {"deadline": "realtime", "cpu-used": "8"}
        sound = film.add_stream("libopus", rate=tone.RATE)
        sound.layout = "stereo"
        for index in range(seconds * RATE):
            frame = av.VideoFrame.from_ndarray(card.render(index * 1000 // RATE), "yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            film.mux(picture.encode(frame))
        film.mux(picture.encode(None))
        for index in range(seconds * tone.RATE // tone.FRAME):
            wave = tone.samples(number, index * tone.FRAME, tone.FRAME)
            both = np.repeat(wave, 2).reshape(1, -1)
            frame_of_sound = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
            frame_of_sound.sample_rate, frame_of_sound.pts = tone.RATE, index * tone.FRAME
            film.mux(sound.encode(frame_of_sound))
        film.mux(sound.encode(None))


def seen(session: Session) -> str:
    """Whose card a point reads out of the content."""
    report = session.reports.get("content")
    return report.point if report is not None else ""


def heard(session: Session) -> set[str]:
    """Whose tones a point hears."""
    return {r.point for slot, r in session.reports.items() if slot.startswith("audio:")}


def packets(session: Session, point: str) -> int:
    """How many packets a point has received in the slots in which it hears a tone."""
    return sum(
        r.packets for slot, r in session.reports.items() if "audio:" in slot and r.point == point
    )


async def hears_no_more(session: Session) -> None:
    """Wait until a point gets the chair's voice and nothing of the film."""
    async with asyncio.timeout(HANG):
        while True:
            film, chair = packets(session, FILM_OF), packets(session, CHAIR)
            await eventually(lambda: packets(session, CHAIR) > chair + 50)  # noqa: B023 - awaited
            if packets(session, FILM_OF) == film:
                return


async def test_a_film_is_seen_and_heard_by_all_rooms(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    film = tmp_path / "phim.webm"
    async with bridge_process(tmp_path) as process, chromium() as browser:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        make_film(film, numbers[FILM_OF], SECONDS)
        async with simulated_points(process, [CHAIR, ROOM, SIMULATED]):
            await started(process)
            await eventually(lambda: {CHAIR, ROOM, SIMULATED} <= set(only(process).present))
            console = await open_console(browser, process)
            room = await open_room(browser, process, BROWSER)
            await console.wait_for_function("() => globalThis.room?.media?.up")
            of_point = process.control.sessions.of_point
            points = [s for p in (CHAIR, ROOM, SIMULATED) if (s := of_point(p)) is not None]
            assert len(points) == 3
            await eventually(lambda: all(CHAIR in heard(s) for s in points if s.point != CHAIR))
            assert not any(FILM_OF in heard(s) for s in points)

            await console.click("#tiles")
            await console.keyboard.press("h")
            await console.set_input_files("#film-file", film)
            await console.wait_for_selector("#film-screen video", state="attached")
            loop = "on => { document.querySelector('#film-screen video').loop = on; }"
            await console.evaluate(loop, arg=True)
            await eventually(lambda: only(process).content == "user:demo")
            await eventually(lambda: only(process).content_sound)
            await eventually(lambda: all(seen(s) == FILM_OF for s in points))
            # The meeting is heard besides.
            await eventually(
                lambda: all(FILM_OF in heard(s) for s in points) and CHAIR in heard(points[1])
            )
            assert only(process).layout == "content"
            await room.wait_for_selector("#room[data-layout=content]")
            await room.wait_for_function(
                "n => readCard(document.querySelector('#content-stage video')) === n",
                arg=numbers[FILM_OF],
            )
            if request.config.getoption("--screenshots"):
                await console.screenshot(path=IMAGES / "console-film.png")
                await room.screenshot(path=IMAGES / "room-film.png")

            # Its sound goes off and on again at the bridge, whatever the page sends.
            await console.uncheck("#film-sound")
            await eventually(lambda: not only(process).content_sound)
            await asyncio.gather(hears_no_more(points[1]), hears_no_more(points[2]))
            await eventually(lambda: all(seen(s) == FILM_OF for s in points))
            before = packets(points[2], FILM_OF)
            await console.check("#film-sound")
            await eventually(lambda: packets(points[2], FILM_OF) > before + 50)

            # It ends, and the rooms have their layout back.
            await console.evaluate(loop, arg=False)
            await eventually(lambda: only(process).content is None)
            assert only(process).layout == "speaker"
            await console.wait_for_selector("#film-box", state="hidden")
            await hears_no_more(points[1])
            await text_is(console, "#log", "Dừng chia sẻ màn hình")
            assert not room.problems, room.problems  # type: ignore[attr-defined]
