"""Messages between a page or a program and the bridge over the WebSocket (docs/protocol.md)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from bridge.base.i18n import Sentence
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import (
    Admits,
    CurrentItem,
    Decision,
    Floor,
    Item,
    Layout,
    Paper,
    Phase,
    Request,
    Showing,
    Wish,
)
from bridge.conference.other_bridges import PeerSeat
from bridge.signalling.camera_messages import CallPreset, CameraView
from bridge.signalling.desk_messages import CallView, OfficerView
from bridge.signalling.line_messages import MarkView
from bridge.signalling.move_messages import Move, Moved
from bridge.signalling.picture_messages import (
    Key,
    Layers,
    Playback,
    Report,
    Sizes,
    SlotReport,
    Thumbnails,
)
from bridge.signalling.room_call import Call, CallFound
from bridge.signalling.stroke_messages import OfPresenter, OfStrokes, Pointer
from bridge.signalling.talk_messages import Talk, TalkView
from bridge.signalling.vote_messages import Attendance, VoteView
from bridge.signalling.welcome_messages import LayerInfo, PointInfo, SlotMap, Welcome

VERSION = 2

PointState = Literal["offline", "ready", "connecting", "in_session", "lost"]
Id = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]

__all__ = [  # found here as well
    "LayerInfo",
    "Layers",
    "MarkView",
    "Playback",
    "PointInfo",
    "Pointer",
    "Report",
    "Sizes",
    "SlotMap",
    "SlotReport",
    "Thumbnails",
    "Welcome",
]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all messages."""


# --- client → bridge -----------------------------------------------------------------------


class Hello(Struct, frozen=True, kw_only=True, tag="hello", forbid_unknown_fields=True):
    """First message. ``conference`` and ``last_seq`` resume: events after it are sent."""

    version: int
    session: str
    conference: str = ""
    last_seq: Id = 0


class Command(Struct, frozen=True, kw_only=True, tag="command", forbid_unknown_fields=True):
    """A command to a conference; ``id`` comes back in the result. ``key`` makes a repetition
    harmless."""

    id: Id
    conference: str
    command: c.Asked
    key: Key = ""


class Typed(Struct, frozen=True, kw_only=True, tag="typed", forbid_unknown_fields=True):
    """A typed line, as in the console's command box."""

    id: Id
    conference: str
    text: Annotated[str, msgspec.Meta(max_length=500)]


class Watch(Struct, frozen=True, kw_only=True, tag="watch", forbid_unknown_fields=True):
    """A console looks at another conference; its log is sent from ``last_seq`` on."""

    conference: str
    last_seq: Id = 0


DeviceFault = Literal["", "missing", "denied", "busy", "muted", "insecure", "failed"]
Voice = Literal["none", "silent", "live"]


class RoomStatus(Struct, frozen=True, kw_only=True, tag="status"):
    """What a page really does, beside what is wanted of it. ``sharing``: it has a screen. Each
    device has its own fault; ``muted`` is one that is switched off in the computer. ``away``: the
    officer is not to be rung."""

    camera: bool = False
    microphone: bool = False
    camera_fault: DeviceFault = ""
    microphone_fault: DeviceFault = ""
    sending: bool = False
    sharing: bool = False
    layout: str = ""
    away: bool = False


class Bye(Struct, frozen=True, kw_only=True, tag="bye"):
    """The client leaves for good; its session ends."""


FromPage = Thumbnails | Sizes | Report | RoomStatus | Playback | Moved | CallFound | OfPresenter
FromClient = Hello | Command | Typed | Watch | CallPreset | Talk | FromPage | Bye


# --- bridge → client -----------------------------------------------------------------------


class SlotView(Struct, frozen=True, kw_only=True):
    """Desired and shown point of a slot. ``stands`` is whose place a thumbnail slot is now, with
    or without a picture ("" for none); ``since`` the RTP timestamp of the first one shown.
    ``paused`` is why nothing is sent although somebody is wanted: measuring (what the line carries
    is not known yet), line, link, or "" where it is; ``shown`` is whose last picture
    stands there then."""

    wanted: str | None
    shown: str | None
    layer: str = ""
    stands: str = ""
    since: int | None = None
    paused: str = ""


class SeatView(Struct, frozen=True, kw_only=True):
    """A point's seat. ``microphone`` is whether it is to be heard; ``open`` what was granted.
    ``voice`` and ``picture`` are what arrives at the bridge."""

    present: bool
    called: bool
    connect: str
    microphone: bool
    open: bool
    locked: bool
    self_muted: bool
    camera_off: bool
    dropped: bool
    floor_seconds: float
    voice: Voice = "none"
    picture: bool = False
    problem: Sentence | None = None


class ConferenceView(Struct, frozen=True, kw_only=True):
    """A conference as one client sees it: rooms see their own seat and banner only."""

    id: str
    seq: int
    title: Sentence
    phase: Phase
    chair: str
    points: tuple[str, ...]
    expected: tuple[str, ...]
    opened_at: float
    started_at: float | None
    start: float | None
    end: float | None
    on_air: str
    preview: str | None
    return_picture: str | None
    layout: Layout
    panes: tuple[str, ...]
    pins: dict[int, str]
    content: str | None
    content_sound: bool
    floor: Floor | None
    queue: tuple[Request, ...]
    roll_call: tuple[str, ...] | None
    director: str | None
    closed: bool
    recording: str
    record: Wish
    recorded: bool
    record_problem: str
    audience: Admits
    audience_code: int
    viewers: dict[str, int]
    free_floor: bool
    end_near: bool
    banner: str
    banners: dict[str, str]
    seats: dict[str, SeatView]
    papers: tuple[Paper, ...] = ()
    showing: Showing | None = None
    agenda: tuple[Item, ...] = ()
    item: CurrentItem | None = None
    items_begun: tuple[int, ...] = ()
    decisions: tuple[Decision, ...] = ()
    votes: tuple[VoteView, ...] = ()
    registration: bool = False
    attendance: dict[str, Attendance] = {}
    call: CallView | None = None
    peers: dict[str, PeerSeat] = {}


class Summary(Struct, frozen=True, kw_only=True):
    """A conference that runs."""

    id: str
    title: Sentence
    phase: Phase
    points: int
    present: int
    director: str | None


class Quality(Struct, frozen=True, kw_only=True):
    """A point's line: levels good, fair, poor, bad or unknown; loss 0–1; ``at`` UTC seconds.

    ``reach`` is yes, no or unknown; variation (p95), round trip (p95) and the clock's offset
    are ms; ``source`` says what was looked at: probe, media or both. ``router`` is the reach of
    the point's router, "" where none is probed; ``silent`` is seconds since the last reply."""

    up: str
    down: str
    up_loss: float
    down_loss: float
    rtt_ms: float
    at: float
    reach: str = "unknown"
    up_variation: float | None = None
    down_variation: float | None = None
    up_mos: float | None = None
    down_mos: float | None = None
    offset_ms: float | None = None
    uncertainty_ms: float | None = None
    marks: dict[str, MarkView] = {}
    source: str = ""
    agent: bool = False
    router: str = ""
    silent: float = 0.0
    maintenance: bool = False
    incidents: int = 0
    watching: tuple[str, ...] = ()
    playback: Playback | None = None


class Upcoming(Struct, frozen=True, kw_only=True):
    """A conference to come."""

    template: str
    title: Sentence
    start: float
    end: float


class State(Struct, frozen=True, kw_only=True, tag="state"):
    """What this client sees. Sent whole after every change; ``seq`` grows. ``programme`` is
    whose picture this client's programme slot is to show. ``page`` of ``pages`` is the page of
    points that its thumbnail slots hold. ``paused`` (consoles) are the slots of each point to
    which nothing is sent because its line, or a link, carries no more. ``officers`` (desks) are
    those that can be called. ``cameras`` (consoles) are those that were steered, ``talks`` those
    whom an operator speaks to, by point; a room is told its own."""

    seq: int
    programme: str
    points: dict[str, PointState]
    slots: dict[str, SlotView]
    conference: ConferenceView | None = None
    conferences: tuple[Summary, ...] = ()
    rooms: dict[str, RoomStatus] = {}
    upcoming: tuple[Upcoming, ...] = ()
    worker: bool = True
    unsaved: Sentence | None = None
    page: int = 0
    pages: int = 1
    paused: dict[str, tuple[str, ...]] = {}
    officers: tuple[OfficerView, ...] = ()
    cameras: dict[str, CameraView] = {}
    talks: dict[str, TalkView] = {}


class Events(Struct, frozen=True, kw_only=True, tag="events"):
    """Lines of the log of a conference. ``reset``: forget those you have."""

    conference: str
    events: tuple[e.Recorded, ...]
    reset: bool = False


class Levels(Struct, frozen=True, kw_only=True, tag="levels"):
    """Audio levels by point in -dBov, and the bridge's UTC time; not numbered, may be
    skipped for slow clients."""

    levels: dict[str, int]
    now: float


class Lines(Struct, frozen=True, kw_only=True, tag="lines"):
    """Quality of the points' lines, once a second."""

    quality: dict[str, Quality]


class Notice(Struct, frozen=True, kw_only=True, tag="notice"):
    """Something operators should know that is no event of a conference."""

    at: float
    sentence: Sentence


class Media(Struct, frozen=True, kw_only=True, tag="media"):
    """The client's transport is gone, or is wanted: make a new offer."""

    reason: str


class Result(Struct, frozen=True, kw_only=True, tag="result"):
    """Outcome of a command. ``seq`` is the conference's, after it."""

    id: int
    ok: bool
    seq: int = 0
    error: Sentence | None = None
    key: str = ""


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """The session is over; the client must not come back by itself."""

    reason: Literal["taken_over", "bye", "too_slow", "revoked", "logged_out"]
    sentence: Sentence


class Error(Struct, frozen=True, kw_only=True, tag="error"):
    """A message of the client could not be used; it changed nothing."""

    sentence: Sentence


OfMedia = Media | Move | Layers | Call | OfStrokes
ToClient = Welcome | State | Events | Levels | Lines | Notice | OfMedia | Result | Ended | Error
