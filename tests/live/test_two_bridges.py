"""A province above a district, each with its own control process, worker and rooms."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference import peer_commands as p
from bridge.conference.member_rows import MemberRow
from bridge.conference.report import report
from bridge.control.placing import moves
from bridge.media import messages as m
from config.schema import Topology
from tests.live import two_bridges
from tests.live.browsers import chromium, open_console
from tests.live.support import act, free_port, free_ports, only, started
from tests.live.test_film import FILM_OF, make_film
from tests.live.two_bridges import DISTRICT_POINTS, HOST, MEETING, NUMBERS, PROVINCE_POINTS, Tree
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.live


def seen(process: ControlProcess, point: str, slot: str = "programme") -> str:
    return two_bridges.seen(process, point, slot)[0]


async def met(tree: Tree) -> tuple[str, str]:
    """Both hold the meeting, and each is in the other's."""
    above = await started(tree.province, MEETING)
    below = await started(tree.district, MEETING)
    await eventually(lambda: only(tree.province).seats["lac-thuy"].present)
    await eventually(lambda: only(tree.district).seats["tinh"].present)
    return above, below


async def test_both_see_and_hear_each_other_as_one_point(tmp_path: Path) -> None:
    async with two_bridges.tree(tmp_path) as tree:
        above, below = await met(tree)
        district, province = tree.district, tree.province
        await eventually(lambda: seen(district, "chi-ne") == "hoi-truong")
        await eventually(lambda: seen(district, "an-binh", "audio:0") == "hoi-truong")
        # A take at the province changes what the district's rooms are shown.
        await act(province, above, c.Take(point="phong-hop"))
        await eventually(lambda: seen(district, "chi-ne") == "phong-hop")
        # The district asks for the floor, is given it, and is seen and heard at the province.
        await act(district, below, p.AskThere(point="tinh", of="an-binh"))
        await act(district, below, p.SendPicture(point="tinh", shows="an-binh"))
        await act(district, below, c.Unmute(point="an-binh"))
        await eventually(lambda: [r.point for r in only(province).queue] == ["lac-thuy"])
        await act(province, above, c.Grant())
        await eventually(lambda: seen(province, "hoi-truong") == "an-binh")
        heard = ("audio:0", "audio:1", "audio:2")
        await eventually(
            lambda: "an-binh" in {seen(province, "hoi-truong", slot) for slot in heard}
        )
        await eventually(lambda: only(district).peers["tinh"].floor == "given")
        rows: dict[str, MemberRow] = {}
        async with asyncio.timeout(HANG):
            while set(rows) != set(DISTRICT_POINTS):
                log = await province.events.read(above, 0)
                rows = {row.member: row for row in report(log, province.conductor.now()).members}
        assert all(row.present_seconds >= 0 and row.joined_at for row in rows.values())


async def test_the_districts_control_process_is_restarted_and_pictures_go_on(
    tmp_path: Path,
) -> None:
    """Its worker stays, as with systemd: nothing is opened anew at either side."""
    two_bridges.certificates(tmp_path)
    upper, lower = two_bridges.topologies()
    folder = tmp_path / "district"
    province = two_bridges.process(upper, tmp_path / "province")
    async with province, two_bridges.simulated(province, PROVINCE_POINTS):
        async with two_bridges.process(lower, folder, keep_worker=True) as district:
            above, _ = await met(Tree(province, district))
            before = district.control.sessions.of_point("tinh")
            assert before is not None
            transport = before.transport
            assert transport
        again = two_bridges.process(lower, folder)
        async with again:
            links = again.bridges.links
            await eventually(lambda: links.links["tinh"].connected)
            await eventually(lambda: links.links["tinh"].media.link == transport)
            assert only(again).seats["tinh"].present, "it was never away"
            held = province.control.sessions.of_point("lac-thuy")
            assert held is not None
            assert held.transport == transport
            assert only(province).seats["lac-thuy"].present
            log = await province.events.read(above, 0)
            left = [r for r in log if getattr(r.event, "point", "") == "lac-thuy"]
            assert "PointLeft" not in {type(r.event).__name__ for r in left}
        await eventually(lambda: not only(province).seats["lac-thuy"].present)
        assert only(province).phase == "live"


class Wire:
    """A TCP port before another one, which a test cuts."""

    def __init__(self, target: int) -> None:
        self.port = free_port(socket.SOCK_STREAM, HOST)
        self._target = target
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End what goes through, and let nobody through any more."""
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = False

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._through, HOST, self.port):
            try:
                yield
            finally:
                self.cut()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        both = {writer, far_writer}
        self._writers |= both
        ways = (_copy(reader, far_writer), _copy(far_reader, writer))
        await asyncio.wait(
            [asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED
        )
        self._writers -= both
        for end in both:
            end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


def packets(process: ControlProcess, room: str, of: str) -> int:
    """Packets of a point that a room has received in slots that show or sound it now."""
    session = process.control.sessions.of_point(room)
    found = session.reports.values() if session is not None else ()
    return sum(report.packets for report in found if report.point == of)


async def goes_on(process: ControlProcess, room: str, of: str) -> None:
    """Wait until a room has received more of a point. A room that connects anew, and one that gives
    it another place, counts anew, too."""
    least = packets(process, room, of)

    def more() -> bool:
        nonlocal least
        found = packets(process, room, of)
        least = min(least, found)
        return found > least + 50

    await eventually(more)


async def who_left(process: ControlProcess, conference: str) -> set[str]:
    """Of rooms on a machine that is too loaded some may; of the other bridge none."""
    log = await process.events.read(conference, 0)
    left = (r.event for r in log if type(r.event).__name__ == "PointLeft")
    return {str(getattr(event, "point", "")) for event in left}


def transport(process: ControlProcess, point: str) -> str:
    session = process.control.sessions.of_point(point)
    return session.transport if session is not None and session.transport_up else ""


async def test_the_provinces_control_process_is_restarted_and_pictures_go_on(
    tmp_path: Path,
) -> None:
    """Its worker stays, as with systemd, and so does its address: the district's rooms see and
    hear the province all the while."""
    two_bridges.certificates(tmp_path)
    upper, lower = two_bridges.topologies()
    web = upper.bridge.web.model_copy(update={"port": free_port(socket.SOCK_STREAM, HOST)})
    upper = upper.model_copy(update={"bridge": upper.bridge.model_copy(update={"web": web})})
    folder = tmp_path / "province"
    district = two_bridges.process(lower, tmp_path / "district")
    async with contextlib.AsyncExitStack() as rooms:
        async with two_bridges.process(upper, folder, keep_worker=True) as province:
            await rooms.enter_async_context(two_bridges.simulated(province, PROVINCE_POINTS))
            await rooms.enter_async_context(district)
            await rooms.enter_async_context(two_bridges.simulated(district, DISTRICT_POINTS))
            above, below = await met(Tree(province, district))
            await eventually(lambda: seen(district, "chi-ne") == "hoi-truong")
            await eventually(lambda: seen(district, "an-binh", "audio:0") == "hoi-truong")
            since = two_bridges.seen(district, "chi-ne")
            held = transport(province, "lac-thuy")
            assert held == transport(district, "tinh")
        link = district.bridges.links.links["tinh"]
        await eventually(lambda: not link.connected)
        await goes_on(district, "chi-ne", "hoi-truong")  # and nobody is there to say so
        await goes_on(district, "an-binh", "hoi-truong")
        async with two_bridges.process(upper, folder) as again:
            await eventually(lambda: link.connected)
            await eventually(lambda: transport(again, "lac-thuy") == held)
            # What is decided there reaches the district's rooms.
            await eventually(lambda: set(PROVINCE_POINTS) <= set(only(again).present))
            assert two_bridges.seen(district, "chi-ne") == since, "without an empty moment"
            await act(again, above, c.Take(point="phong-hop"))
            await eventually(lambda: seen(district, "chi-ne") == "phong-hop")
            assert transport(district, "tinh") == held
            assert "tinh" not in await who_left(district, below)
            assert "lac-thuy" not in await who_left(again, above)


async def longest_pause(process: ControlProcess, point: str, stop: asyncio.Event) -> float:
    """The longest time in seconds in which nothing of a point's picture came to a worker."""
    counts: dict[str, int] = {}
    longest, last = 0.0, time.monotonic()
    while not stop.is_set():
        stats = await process.worker.stats()
        held = stats.transports if isinstance(stats, m.Stats) else ()
        found = {
            t.transport: sum(s.packets for s in t.sources if s.name == "camera")
            for t in held
            if t.label == point
        }
        if any(count > counts.get(ident, 0) for ident, count in found.items()):
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        counts.update(found)
        await asyncio.sleep(0.01)
    return longest


def two_workers(made: Topology) -> Topology:
    media = made.bridge.media
    media = media.model_copy(update={"port": free_ports(2, media.listen[0])})
    bridge = made.bridge.model_copy(update={"media": media, "workers": 2})
    return made.model_copy(update={"bridge": bridge})


async def test_the_channel_is_cut_and_the_provinces_worker_is_left_and_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both meetings go on by themselves; what was between them comes back by itself. A worker that
    is left (as by `drain --worker`) takes nothing with it, one that is killed its media."""
    monkeypatch.setattr(moves, "GIVE_UP", HANG)  # a busy machine may need longer than a room waits
    two_bridges.certificates(tmp_path)
    upper, lower = two_bridges.topologies()
    wire = Wire(upper.bridge.peering.port)
    peer = lower.peers[0].model_copy(update={"port": wire.port})
    lower = lower.model_copy(update={"peers": [peer]})
    province = two_bridges.process(two_workers(upper), tmp_path / "province")
    district = two_bridges.process(lower, tmp_path / "district")
    async with (
        wire.open(),
        province,
        district,
        two_bridges.simulated(province, PROVINCE_POINTS),
        two_bridges.simulated(district, DISTRICT_POINTS),
    ):
        above, below = await met(Tree(province, district))
        await act(district, below, c.Unmute(point="an-binh"))
        await eventually(lambda: seen(district, "chi-ne") == "hoi-truong")
        await eventually(lambda: packets(district, "chi-ne", "an-binh"))
        since = two_bridges.seen(district, "chi-ne")
        held = transport(district, "tinh")
        ends = (province.bridges.links.links["lac-thuy"], district.bridges.links.links["tinh"])

        wire.cut()
        await eventually(lambda: not any(end.connected for end in ends))
        await act(district, below, p.AskThere(point="tinh"))  # nobody hears it yet
        await goes_on(district, "chi-ne", "hoi-truong")
        wire.mend()
        await eventually(lambda: all(end.connected for end in ends))
        await eventually(lambda: [r.point for r in only(province).queue] == ["lac-thuy"])
        await eventually(
            lambda: all(end.told is not None and end.told.link == held for end in ends)
        )
        assert two_bridges.seen(district, "chi-ne") == since, "without an empty moment"
        assert (transport(province, "lac-thuy"), transport(district, "tinh")) == (held, held)
        assert "tinh" not in await who_left(district, below)
        assert "lac-thuy" not in await who_left(province, above)

        routes = province.control.routes
        await eventually(lambda: province.control.moves.under_way == 0)
        home = routes.home(above)
        stop = asyncio.Event()
        watching = asyncio.create_task(longest_pause(district, "tinh", stop))
        routes.empty(home)
        province.control.presence.settle()
        await eventually(lambda: transport(district, "tinh") not in ("", held))
        held = transport(district, "tinh")
        await eventually(lambda: transport(province, "lac-thuy") == held)
        for process in (province, district):
            await eventually(lambda: process.control.moves.under_way == 0)  # noqa: B023 - awaited
        await goes_on(district, "chi-ne", "hoi-truong")
        stop.set()
        print(f"longest pause: {await watching:.3f} s")
        assert routes.holder(held) == routes.home(above) != home
        assert two_bridges.seen(district, "chi-ne") == since, "without an empty moment"
        assert province.control.moves.cut == 0
        assert "tinh" not in await who_left(district, below)
        assert "lac-thuy" not in await who_left(province, above)

        killed = province.workers[routes.home(above)].pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: transport(district, "tinh") != held)
        await goes_on(district, "chi-ne", "an-binh")  # the district among itself
        await eventually(lambda: transport(district, "tinh") not in ("", held))
        await eventually(lambda: transport(province, "lac-thuy") == transport(district, "tinh"))
        await eventually(lambda: seen(district, "chi-ne") == "hoi-truong")
        await goes_on(district, "chi-ne", "hoi-truong")
        assert all(end.connected for end in ends), "the connection has nothing to do with it"
        assert only(district).phase == only(province).phase == "live"


# Until it is let end a film begins anew: a busy machine may need longer than it lasts for anything.
LOOPS = """addEventListener("play", ({ target }) => {
  if (target.closest("#film-screen")) target.loop = true;
}, { capture: true });"""


@pytest.mark.browser
async def test_what_the_province_shares_is_seen_in_the_districts_rooms(tmp_path: Path) -> None:
    """A film of its operator: the picture is read in a room of the district, and goes again."""
    film = tmp_path / "phim.webm"
    make_film(film, NUMBERS[FILM_OF], 6)
    async with two_bridges.tree(tmp_path) as tree, chromium() as browser:
        await met(tree)
        console = await open_console(browser, tree.province, script=LOOPS)
        await console.wait_for_function("() => globalThis.room?.media?.up")
        await console.click("#tiles")
        await console.keyboard.press("h")
        await console.set_input_files("#film-file", film)
        await eventually(lambda: only(tree.district).content == "point:tinh")
        await eventually(lambda: seen(tree.district, "chi-ne", "content") == FILM_OF)
        await eventually(lambda: seen(tree.province, "phong-hop", "content") == FILM_OF)
        await console.evaluate(
            "() => { document.querySelector('#film-screen video').loop = false; }"
        )
        await eventually(lambda: only(tree.district).content is None)
        assert only(tree.district).phase == "live"
