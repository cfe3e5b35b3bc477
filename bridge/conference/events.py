"""Events: what happened in a conference. They are its log, and nothing else of it is stored."""

from __future__ import annotations

import msgspec

from bridge.conference import desk_call_events, peer_events
from bridge.conference.agenda_events import (
    AgendaEvent,
    AgendaSet,
    DecisionEdited,
    DecisionNoted,
    DecisionWithdrawn,
    ItemBegun,
    ItemOver,
)
from bridge.conference.content_events import (
    ContentEvent,
    ContentSound,
    ContentStarted,
    ContentStopped,
)
from bridge.conference.model import Admits, Booking, Layout, Wish
from bridge.conference.paper_events import (
    PageShown,
    PaperAttached,
    PaperEvent,
    PaperKept,
    PaperPutAway,
    PaperRemoved,
    PaperRuled,
    PaperWithdrawn,
    StrokesKept,
    showing,
)
from bridge.conference.person_events import PersonEvent
from bridge.conference.stream_events import (
    BackupRestored,
    ChainBegun,
    HeadSigned,
    IncidentCleared,
    IncidentOpened,
    IncidentWorse,
    LostLog,
    MaintenanceSet,
    MinutesSigned,
    RecordingDeleted,
    RecordingKept,
    RecordingPart,
    RecordingRuled,
    StreamEvent,
    Struct,
)
from bridge.conference.vote_events import (
    BallotCast,
    SecretBallotCast,
    VoteCancelled,
    VoteClosed,
    VoteEnded,
    VoteEvent,
    VoteOpened,
    VoteReminded,
)

__all__ = [  # the events of other streams are events of the same log
    "AgendaSet",
    "BackupRestored",
    "BallotCast",
    "ChainBegun",
    "ContentSound",
    "ContentStarted",
    "ContentStopped",
    "DecisionEdited",
    "DecisionNoted",
    "DecisionWithdrawn",
    "HeadSigned",
    "IncidentCleared",
    "IncidentOpened",
    "IncidentWorse",
    "ItemBegun",
    "ItemOver",
    "LostLog",
    "MaintenanceSet",
    "MinutesSigned",
    "PageShown",
    "PaperAttached",
    "PaperKept",
    "PaperPutAway",
    "PaperRemoved",
    "PaperRuled",
    "PaperWithdrawn",
    "RecordingDeleted",
    "RecordingKept",
    "RecordingPart",
    "RecordingRuled",
    "SecretBallotCast",
    "StrokesKept",
    "VoteCancelled",
    "VoteClosed",
    "VoteEnded",
    "VoteOpened",
    "VoteReminded",
    "showing",
]


class Opened(Struct, frozen=True, kw_only=True, tag="opened"):
    booking: Booking = msgspec.field(name="plan")  # as logs before 2026-11 have it


class Started(Struct, frozen=True, kw_only=True, tag="started"):
    pass


class Extended(Struct, frozen=True, kw_only=True, tag="extended"):
    end: float


class EndNear(Struct, frozen=True, kw_only=True, tag="end_near"):
    """The planned end comes near."""


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    pass


class Locked(Struct, frozen=True, kw_only=True, tag="locked"):
    locked: bool


class DirectorSet(Struct, frozen=True, kw_only=True, tag="director"):
    user: str | None
    before: str | None = None


class PointJoined(Struct, frozen=True, kw_only=True, tag="point_joined"):
    point: str


class PointLeft(Struct, frozen=True, kw_only=True, tag="point_left"):
    point: str
    reason: str


class CallProblem(Struct, frozen=True, kw_only=True, tag="call_problem"):
    point: str
    reason: str


class Accepted(Struct, frozen=True, kw_only=True, tag="accepted"):
    point: str


class Dropped(Struct, frozen=True, kw_only=True, tag="dropped"):
    point: str
    reason: str


class Recalled(Struct, frozen=True, kw_only=True, tag="recalled"):
    point: str


class Previewed(Struct, frozen=True, kw_only=True, tag="previewed"):
    point: str | None


class Taken(Struct, frozen=True, kw_only=True, tag="taken"):
    """A point was taken on air; ``previous`` was on air before. ``swapped``: that one is on
    preview now (never in logs before 2026-11-26)."""

    point: str
    previous: str
    swapped: bool = False


class ReturnPictureSet(Struct, frozen=True, kw_only=True, tag="return_picture"):
    point: str | None


class LayoutSet(Struct, frozen=True, kw_only=True, tag="layout"):
    """The rooms' layout. ``before``: it was set for a shared screen, and this one comes back
    when the sharing ends."""

    layout: Layout
    before: Layout | None = None


class Pinned(Struct, frozen=True, kw_only=True, tag="pinned"):
    pane: int
    point: str | None


class Ranked(Struct, frozen=True, kw_only=True, tag="ranked"):
    points: tuple[str, ...]


class FloorRequested(Struct, frozen=True, kw_only=True, tag="floor_requested"):
    point: str
    number: int


class FloorWithdrawn(Struct, frozen=True, kw_only=True, tag="floor_withdrawn"):
    point: str


class FloorGranted(Struct, frozen=True, kw_only=True, tag="floor_granted"):
    """A point was given the floor: on air, microphone open, the others' closed. ``number`` 0: it
    had not asked. ``swapped`` as in `Taken`."""

    point: str
    previous: str
    number: int = 0
    limit: int | None = None
    swapped: bool = False


class FloorLimited(Struct, frozen=True, kw_only=True, tag="floor_limited"):
    limit: int | None


class FloorWarned(Struct, frozen=True, kw_only=True, tag="floor_warned"):
    """A speaker was warned: ``left`` seconds of the turn are left; 0: it is over."""

    point: str
    left: int


class FloorEnded(Struct, frozen=True, kw_only=True, tag="floor_ended"):
    """A turn ended after ``seconds`` of it."""

    point: str
    seconds: float


class RollCallStarted(Struct, frozen=True, kw_only=True, tag="roll_call_started"):
    points: tuple[str, ...]
    seconds: int


class RollCallTurn(Struct, frozen=True, kw_only=True, tag="roll_call_turn"):
    """The next point's turn begins; `FloorGranted` follows. ``skipped`` were not present."""

    point: str
    skipped: tuple[str, ...] = ()


class RollCallEnded(Struct, frozen=True, kw_only=True, tag="roll_call_ended"):
    skipped: tuple[str, ...] = ()


class MicrophonesSet(Struct, frozen=True, kw_only=True, tag="microphones"):
    """Microphones were opened or closed; ``locked`` None leaves locks as they are."""

    points: tuple[str, ...]
    open: bool
    locked: bool | None = None


class SelfMuted(Struct, frozen=True, kw_only=True, tag="self_muted"):
    point: str
    muted: bool


class CameraSet(Struct, frozen=True, kw_only=True, tag="camera"):
    point: str
    off: bool


class BannerSet(Struct, frozen=True, kw_only=True, tag="banner"):
    text: str
    point: str | None = None


class RecordingSet(Struct, frozen=True, kw_only=True, tag="recording"):
    """Recording ``number`` of the conference is to be "on", "paused" or "off". ``problem`` is why
    it ended by itself: "space" (of the disk), "folder" (away, or not to be written) or "failed"."""

    number: int
    wish: Wish
    problem: str = ""


class RecordingNoted(Struct, frozen=True, kw_only=True, tag="recording_written"):
    """From now on a recording is being written, or nothing is."""

    number: int
    writing: bool


class AudienceSet(Struct, frozen=True, kw_only=True, tag="audience"):
    """Who may watch from now on."""

    admits: Admits


class AudienceCodeRenewed(Struct, frozen=True, kw_only=True, tag="audience_code"):
    """Code ``number`` admits from now on, and no other. The code itself is in no log."""

    number: int


class AudienceNoted(Struct, frozen=True, kw_only=True, tag="viewers"):
    """How many watch, by how they were admitted (accounts, code, anybody); ``peak`` is the most at
    once since the note before."""

    viewers: dict[str, int]
    peak: int


class ClockStepped(Struct, frozen=True, kw_only=True, tag="clock_stepped"):
    seconds: float


class QualityNoted(Struct, frozen=True, kw_only=True, tag="quality"):
    point: str
    up: str
    down: str


class PictureNoted(Struct, frozen=True, kw_only=True, tag="picture"):
    """Which picture of the programme a point is sent from now on: its lines, "shown" where they
    are not known, "sound" or "none"."""

    point: str
    picture: str


Event = (
    Opened
    | Started
    | Extended
    | EndNear
    | Ended
    | Locked
    | DirectorSet
    | PointJoined
    | PointLeft
    | CallProblem
    | Accepted
    | Dropped
    | Recalled
    | Previewed
    | Taken
    | ReturnPictureSet
    | LayoutSet
    | Pinned
    | Ranked
    | FloorRequested
    | FloorWithdrawn
    | FloorGranted
    | FloorLimited
    | FloorWarned
    | FloorEnded
    | RollCallStarted
    | RollCallTurn
    | RollCallEnded
    | MicrophonesSet
    | SelfMuted
    | CameraSet
    | BannerSet
    | ContentEvent
    | ClockStepped
    | QualityNoted
    | PictureNoted
    | RecordingSet
    | RecordingNoted
    | AudienceSet
    | AudienceCodeRenewed
    | AudienceNoted
    | AgendaEvent
    | desk_call_events.DeskCallEvent
    | peer_events.PeerEvent
    | PaperEvent
    | PersonEvent
    | StreamEvent
    | VoteEvent
)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event in the log: ``seq`` counts from 1 within the conference, ``at`` is UTC seconds,
    ``actor`` a label like "user:lan", ``reason`` the word of the command that led to it."""

    conference: str
    seq: int
    at: float
    actor: str
    reason: str
    event: Event


encoder = msgspec.json.Encoder()
decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def kind_of(event: Event) -> str:
    """The word of an event, its ``type`` in JSON."""
    return str(event.__struct_config__.tag)
