"""Recordings in the control process: what it tells programme processes, worker and log. The
processes are played by the test."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.audience.hls_viewers import LINGER
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import Rules
from bridge.media import messages as m
from bridge.programme import orders as o
from bridge.programme.recorder import Recorder
from bridge.programme.shelf import folder_of
from bridge.recordings import reconciling
from bridge.recordings.chapters import chapters, speakers, wanted_seconds
from bridge.recordings.kept_recordings import conference_of, name_of
from bridge.recordings.reconciling import CALM, needed
from tests.conference.support import live
from tests.control_support import Bridge, with_hls
from tests.programme.support import picture_packets, vp8_frames
from tests.telemetry.support import snapshot


class Played:
    """A programme process that carries its orders out at once, where it is `ready`."""

    made: list[Played]

    def __init__(
        self, conference: str, sockets: Path, on_news: Callable[[o.Writing], None]
    ) -> None:
        self.conference = conference
        self.tap = sockets / "p.rtp"
        self.ready = True
        self.asked = self.holding = ""
        self.packaging = False
        self.segments = folder_of(sockets, conference)
        self.orders: list[o.Order] = []
        self.ended = False
        self.pid = None
        self._on_news = on_news
        Played.made.append(self)

    async def run(self) -> None:
        return None

    def write(self, order: o.Write) -> None:
        self.asked = self.holding = order.recording
        self.orders.append(order)

    def rest(self) -> None:
        self.asked = ""
        self.orders.append(o.Rest())

    def package(self, codec: o.Codec) -> None:
        self.packaging = True
        self.orders.append(o.Package(folder=str(self.segments), codec=codec))

    def unpack(self) -> None:
        self.packaging = False
        self.orders.append(o.Unpack())

    def killed(self) -> None:
        """Another process takes its place, which knows nothing."""
        self.packaging = False

    def look(self) -> None:
        return None

    def end(self) -> None:
        self.ended = True

    def tells(self, writing: bool, problem: o.Problem = "") -> None:
        recording = self.holding
        if not writing:
            self.holding = ""
            self.asked = "" if problem else self.asked
        self._on_news(o.Writing(recording=recording, writing=writing, problem=problem))


@pytest.fixture
async def recording(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> str:
    """A conference that may be recorded."""
    Played.made = []
    monkeypatch.setattr(reconciling, "ProgrammeLink", Played)
    monkeypatch.setattr(reconciling, "CALM", 0.0)
    scheduler = bridge.process.scheduler
    template = scheduler.templates()["giao-ban"]
    rules = template.rules.model_copy(
        update={"recording": "allowed", "keep_days": 30, "recording_voices": True}
    )
    changed = template.model_copy(update={"rules": rules})
    monkeypatch.setattr(scheduler, "templates", lambda: {"giao-ban": changed})
    return await bridge.open()


async def settled(bridge: Bridge) -> None:
    await bridge.settle()
    bridge.process.recordings.settle()


async def test_it_is_recorded_from_when_it_is_written(bridge: Bridge, recording: str) -> None:
    await bridge.join("hoi-truong", "an-binh")
    await settled(bridge)
    (link,) = Played.made
    assert not link.orders, "the process waits"
    assert not [s for s in bridge.sent if isinstance(s, m.OpenTap)]
    await bridge.do(recording, c.Record())
    await settled(bridge)
    (tap,) = [s for s in bridge.sent if isinstance(s, m.OpenTap)]
    assert tap.path == str(link.tap)
    assert [s.name for s in tap.slots][:2] == ["programme", "content"]
    routes = [r for s in bridge.sent if isinstance(s, m.SetRoutes) for r in s.routes]
    (programme,) = [r for r in routes if (r.transport, r.slot) == (tap.transport, "programme")]
    chair = bridge.control.sessions.of_point("hoi-truong")
    assert chair is not None
    assert programme.source == m.SourceRef(transport=chair.transport, name="camera")
    mix = [s for s in bridge.sent if isinstance(s, m.SetAudio)][-1]
    assert tap.transport in mix.members
    (order,) = link.orders
    assert isinstance(order, o.Write)
    assert order.recording == name_of(recording, 1)
    assert order.voices == bridge.process.topology.media.audio_slots
    assert not bridge.state(recording).recorded
    assert bridge.process.recordings.active == 0
    link.tells(writing=True)
    await settled(bridge)
    assert bridge.state(recording).recorded
    assert bridge.process.recordings.active == 1
    assert len(link.orders) == 1, "nothing is asked twice"


async def test_a_conference_that_moves_takes_its_tap_along_and_starts_no_process(
    bridge: Bridge, recording: str
) -> None:
    await bridge.join("hoi-truong")
    recordings = bridge.process.recordings
    recordings.conference_moved(recording)
    assert not Played.made, "whether it needs one is looked at when everything is"
    await bridge.do(recording, c.Record())
    await settled(bridge)
    recordings.conference_moved(recording)
    former, present = [s.transport for s in bridge.sent if isinstance(s, m.OpenTap)]
    assert former in {s.transport for s in bridge.sent if isinstance(s, m.Close)}
    assert bridge.control.routes.listeners.tap_of(recording) == present
    (link,) = Played.made
    assert len(link.orders) == 1, "what it writes goes on"


async def test_a_pause_ends_the_tap_and_the_end_the_process(bridge: Bridge, recording: str) -> None:
    await bridge.do(recording, c.Record())
    await settled(bridge)
    (link,) = Played.made
    link.tells(writing=True)
    await bridge.do(recording, c.PauseRecording())
    await settled(bridge)
    assert isinstance(link.orders[-1], o.Rest)
    assert isinstance(bridge.sent[-1], m.Close)
    link.tells(writing=False)
    await settled(bridge)
    assert not bridge.state(recording).recorded
    assert bridge.process.recordings.in_use(name_of(recording, 1)), "it may go on"
    await bridge.do(recording, c.Record())
    await settled(bridge)
    assert len([s for s in bridge.sent if isinstance(s, m.OpenTap)]) == 2
    await bridge.do(recording, c.End())
    await settled(bridge)
    assert link.ended


async def test_a_process_that_is_gone_takes_the_mark_with_it(
    bridge: Bridge, recording: str
) -> None:
    await bridge.do(recording, c.Record())
    await settled(bridge)
    (link,) = Played.made
    link.tells(writing=True)
    await settled(bridge)
    link.ready, link.asked = False, ""
    link.tells(writing=False)
    await settled(bridge)
    state = bridge.state(recording)
    assert (state.recorded, state.recording) == (False, "on")
    link.ready = True
    await settled(bridge)
    assert isinstance(link.orders[-1], o.Write), "the next one goes on with it"


async def test_a_full_disk_ends_it_and_says_so(bridge: Bridge, recording: str) -> None:
    await bridge.do(recording, c.Record())
    await settled(bridge)
    (link,) = Played.made
    link.tells(writing=True)
    await settled(bridge)
    link.tells(writing=False, problem="space")
    await bridge.settle()
    state = bridge.state(recording)
    assert (state.recorded, state.recording, state.recording_problem) == (False, "off", "space")
    await settled(bridge)
    assert len(link.orders) == 1


@pytest.mark.parametrize("problem", ["space", "folder", "failed"])
async def test_what_is_wanted_and_what_ended_is_counted(
    bridge: Bridge, recording: str, problem: o.Problem
) -> None:
    recordings = bridge.process.recordings
    await bridge.do(recording, c.Record())
    await settled(bridge)
    (link,) = Played.made
    assert (recordings.wanted, recordings.active) == (1, 0)
    link.tells(writing=True)
    await settled(bridge)
    await recordings.upkeep.measure()
    found = snapshot(bridge)
    assert (found.value("recordings_wanted"), found.value("recordings_active")) == (1, 1)
    assert found.value("recordings_ended_total", problem) == 0
    assert found.value("recordings_writable") == 0, "it was not made: no process runs here"
    link.tells(writing=False, problem=problem)
    link.tells(writing=False, problem="")
    await bridge.settle()
    found = snapshot(bridge)
    assert (found.value("recordings_wanted"), found.value("recordings_active")) == (0, 0)
    assert found.value("recordings_ended_total", problem) == 1
    assert found.value("recordings_least_free_bytes") == 2e9
    assert bridge.state(recording).recording_problem == problem


async def test_a_worker_that_was_restarted_gets_a_tap_again(bridge: Bridge, recording: str) -> None:
    await bridge.do(recording, c.Record())
    await settled(bridge)
    bridge.control.reconciler.on_worker_down()
    await settled(bridge)
    assert len([s for s in bridge.sent if isinstance(s, m.OpenTap)]) == 1, "there is no worker"
    from tests.control_support import INVENTORY

    bridge.control.reconciler.on_event(INVENTORY)
    await settled(bridge)
    assert len([s for s in bridge.sent if isinstance(s, m.OpenTap)]) == 2


def record(folder: Path, at: float) -> None:
    """Parts of two seconds of pictures, as a programme process leaves them."""
    folder.mkdir(parents=True)
    recorder = Recorder(lambda _: None)
    recorder.write(folder, "vp8", at)
    sequence_number = 1
    for number, frame in enumerate(vp8_frames(60)):
        for packet in picture_packets(frame, number, sequence_number):
            recorder.packet(96, packet, at + number / 30)
            sequence_number += 1
        recorder.tick(at + number / 30)
    recorder.rest()


async def test_what_was_left_is_finished_kept_and_deleted_in_time(
    bridge: Bridge, recording: str
) -> None:
    await bridge.do(recording, c.Record())
    recordings = bridge.process.recordings
    name = name_of(recording, 1)
    folder = recordings.catalogue.folder / name
    record(folder, bridge.wall)
    await recordings.upkeep.look()
    assert name not in recordings.catalogue.kept, "it is being made"
    bridge.pass_time(5)
    await bridge.do(recording, c.End())
    await recordings.upkeep.look()
    kept = recordings.catalogue.kept[name].facts
    path = recordings.catalogue.file(name)
    assert kept.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert kept.seconds == pytest.approx(2.0, abs=0.1)
    assert kept.lost == pytest.approx(3.0, abs=0.2)
    assert sorted(p.name for p in folder.iterdir()) == [f"{name}.mkv", f"{name}.sha256"]
    assert (folder / f"{name}.sha256").read_text() == f"{kept.sha256}  {name}.mkv\n"
    await recordings.catalogue.load()
    assert recordings.catalogue.kept[name].facts == kept, "the log is the catalogue"
    bridge.pass_time(30 * 86400 + 1)
    await recordings.upkeep.look()
    assert not folder.exists()
    assert not recordings.catalogue.kept
    last = (await bridge.process.events.read("recordings"))[-1]
    assert (last.actor, last.event) == (
        "system",
        e.RecordingDeleted(recording=name, sha256=kept.sha256),
    )


async def test_what_cannot_be_finished_waits_and_says_so(
    bridge: Bridge, recording: str, caplog: pytest.LogCaptureFixture
) -> None:
    recordings = bridge.process.recordings
    folder = recordings.catalogue.folder
    (folder / "unknown-r1").mkdir(parents=True)
    (folder / "notes").mkdir()
    await recordings.upkeep.look()
    assert "unknown-r1 is not finished yet" in caplog.text
    assert not recordings.catalogue.kept
    assert sorted(os.listdir(folder)) == ["notes", "unknown-r1"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("hop-1-r2", ("hop-1", 2)),
        ("hop-r1-r12", ("hop-r1", 12)),
        ("hop-r0", None),
        ("../hop-r1", None),
        ("hop", None),
    ],
)
def test_names_of_recordings(name: str, found: tuple[str, int] | None) -> None:
    assert conference_of(name) == found


async def test_chapters_and_what_was_wanted_come_from_the_log(
    bridge: Bridge, recording: str
) -> None:
    await bridge.join("hoi-truong", "an-binh")
    await bridge.do(recording, c.Record())
    bridge.pass_time(10)
    await bridge.do(recording, c.Grant(point="an-binh"))
    await bridge.do(recording, c.PauseRecording())
    bridge.pass_time(100)
    await bridge.do(recording, c.Record())
    bridge.pass_time(5)
    await bridge.do(recording, c.StopRecording())
    log = await bridge.process.events.read(recording)
    assert wanted_seconds(log, 1) == pytest.approx(15, abs=0.1)
    assert wanted_seconds(log, 2) == 0
    assert [title for _, title in chapters(log, str.upper, "vi")] == [
        "HOI-TRUONG",
        "Khai mạc",
        "Phát biểu: AN-BINH",
    ]
    assert [title for _, title in chapters(log, str.upper, "en")][1:] == [
        "Opening",
        "Floor: AN-BINH",
    ]
    assert [said for _, said in speakers(log, str.upper, "vi")] == [
        "HOI-TRUONG",
        "Phát biểu: AN-BINH",
    ]


def test_a_process_waits_until_the_pictures_of_the_start_are_there() -> None:
    run = live()
    begun = run.state.started_at
    assert begun is not None
    assert not needed(run.state, begun + CALM - 0.1)
    assert needed(run.state, begun + CALM)
    run.ok(c.Record())
    assert needed(run.state, begun), "whoever asks does not wait"
    forbidden = live(rules=Rules(recording="forbidden"))
    assert not needed(forbidden.state, begun + 2 * CALM)


async def test_segments_are_made_while_somebody_watches_them(
    bridge: Bridge, recording: str
) -> None:
    """Also of a conference that is not recorded; a process that takes another's place goes on."""
    await bridge.join("hoi-truong")
    bridge.control.topology.swap(with_hls(transcode=True))
    await bridge.do(recording, c.SetAudience(admits="anybody"))
    await settled(bridge)
    (link,) = Played.made
    assert not link.packaging
    audience = bridge.process.audience
    viewer = audience.begin_hls(bridge.state(recording), "anybody", "", "127.0.0.1")
    await settled(bridge)
    order = o.Package(folder=str(audience.hls.folder(viewer)), codec="vp8")
    assert link.orders == [order]
    (tap,) = [s for s in bridge.sent if isinstance(s, m.OpenTap)]
    assert "picture" in [slot.name for slot in tap.slots]
    await bridge.do(recording, c.Share(point="hoi-truong"))
    await settled(bridge)
    routes = [r for s in bridge.sent if isinstance(s, m.SetRoutes) for r in s.routes]
    one = [r for r in routes if (r.transport, r.slot) == (tap.transport, "picture")]
    assert [r.source.name for r in one if r.source is not None] == ["camera", "content"]
    link.killed()
    await settled(bridge)
    assert link.orders == [order, order]
    await bridge.do(recording, c.SetAudience(admits="nobody"))
    audience.settle()
    await settled(bridge)
    assert link.orders[2:] == [o.Unpack()]
    assert m.Close(transport=tap.transport) in bridge.sent


async def test_a_recording_goes_on_when_nobody_watches_segments_any_more(
    bridge: Bridge, recording: str
) -> None:
    bridge.control.topology.swap(with_hls(transcode=True))
    await bridge.do(recording, c.SetAudience(admits="anybody"))
    await bridge.do(recording, c.Record())
    audience = bridge.process.audience
    viewer = audience.begin_hls(bridge.state(recording), "anybody", "", "127.0.0.1")
    await settled(bridge)
    audience.hls.end(viewer, "ended")
    bridge.pass_time(LINGER + 1)
    audience.settle()
    await settled(bridge)
    (link,) = Played.made
    assert [type(order) for order in link.orders] == [o.Package, o.Write, o.Unpack]
    assert len([s for s in bridge.sent if isinstance(s, m.OpenTap)]) == 1
    assert not [s for s in bridge.sent if isinstance(s, m.Close)]
