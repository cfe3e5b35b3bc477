"""Commands: everything that can be asked of a conference. ``type`` is the word in JSON and on the
console."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from bridge.conference.agenda_commands import (
    AddItem,
    AgendaAsked,
    AgendaEntry,
    EditDecision,
    NextItem,
    NoteDecision,
    SetAgenda,
    WithdrawDecision,
)
from bridge.conference.desk_call_commands import DeskCallAsked
from bridge.conference.facts import (
    CallFailed,
    NoteAudience,
    NotePicture,
    NoteQuality,
    NoteRecording,
    PointDown,
    PointUp,
    StepClock,
    Tick,
)
from bridge.conference.model import (
    MAX_PANES,
    Admits,
    Layout,
    Point,
    Seconds,
    Struct,
    Text,
)
from bridge.conference.paper_commands import (
    AttachPaper,
    KeepStrokes,
    PutAway,
    ShowPage,
    WithdrawPaper,
)
from bridge.conference.peer_commands import PeerAsked, PeerFact
from bridge.conference.person_commands import (
    Attend,
    ListPersons,
    PersonAsked,
    PersonFact,
    SetRegistration,
    UnlistPersons,
)
from bridge.conference.vote_commands import (
    CancelVote,
    CastBallot,
    CastSecretly,
    CloseVote,
    CountSecretly,
    OpenVote,
    RemindVoters,
)

__all__ = [  # commands like all others
    "AddItem",
    "AgendaEntry",
    "AttachPaper",
    "Attend",
    "CallFailed",
    "CancelVote",
    "CastBallot",
    "CastSecretly",
    "CloseVote",
    "CountSecretly",
    "EditDecision",
    "KeepStrokes",
    "ListPersons",
    "NextItem",
    "NoteAudience",
    "NoteDecision",
    "NotePicture",
    "NoteQuality",
    "NoteRecording",
    "OpenVote",
    "PointDown",
    "PointUp",
    "PutAway",
    "RemindVoters",
    "SetAgenda",
    "SetRegistration",
    "ShowPage",
    "StepClock",
    "Tick",
    "UnlistPersons",
    "WithdrawDecision",
    "WithdrawPaper",
]

Pane = Annotated[int, msgspec.Meta(ge=1, le=MAX_PANES)]
Points = Annotated[tuple[Point, ...], msgspec.Meta(max_length=500)]


# --- life of the conference ----------------------------------------------------------------


class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """End the trial session and start; the rules of the plan apply from here."""


class Extend(Struct, frozen=True, kw_only=True, tag="extend"):
    """Move the planned end by ``minutes``."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=24 * 60)]


class End(Struct, frozen=True, kw_only=True, tag="end"):
    """End the conference for everybody."""


class Lock(Struct, frozen=True, kw_only=True, tag="lock"):
    """Let nobody in who has not been in before."""

    locked: bool = True


class Direct(Struct, frozen=True, kw_only=True, tag="direct"):
    """Become the director. ``take_over`` confirms taking it from somebody else."""

    take_over: bool = False


# --- pictures ------------------------------------------------------------------------------


class Preview(Struct, frozen=True, kw_only=True, tag="preview"):
    """Put a point on the preview bus; without ``point`` empty it."""

    point: Point | None = None


class Take(Struct, frozen=True, kw_only=True, tag="take"):
    """Bring a point on air; without ``point`` the one on preview."""

    point: Point | None = None


class Back(Struct, frozen=True, kw_only=True, tag="back"):
    """Cut back: who was on air before comes on air again."""


class Return(Struct, frozen=True, kw_only=True, tag="return"):
    """Back to the chair; whoever has the floor gives it back."""


class ReturnPicture(Struct, frozen=True, kw_only=True, tag="return_picture"):
    """What the point on air sees; without ``point`` the chair."""

    point: Point | None = None


class SetLayout(Struct, frozen=True, kw_only=True, tag="layout"):
    """Push a layout to the rooms."""

    layout: Layout


class Pin(Struct, frozen=True, kw_only=True, tag="pin"):
    """Fix a point in a pane (1 is the first); without ``point`` free the pane."""

    pane: Pane
    point: Point | None = None


class Rank(Struct, frozen=True, kw_only=True, tag="rank"):
    """Order of importance of panes that are not fixed; an empty one is the plan's order."""

    points: Points = ()


# --- floor ---------------------------------------------------------------------------------


class RequestFloor(Struct, frozen=True, kw_only=True, tag="request_floor"):
    """A point asks for the floor."""

    point: Point


class WithdrawFloor(Struct, frozen=True, kw_only=True, tag="withdraw_floor"):
    """A point (or the direction) takes a request back."""

    point: Point


class Grant(Struct, frozen=True, kw_only=True, tag="grant"):
    """Floor to a point, without one to the first in the queue: on air, its microphone open."""

    point: Point | None = None
    seconds: Seconds | None = None


class SpeakingTime(Struct, frozen=True, kw_only=True, tag="speaking_time"):
    """Limit of the running turn; without ``seconds`` none."""

    seconds: Seconds | None = None


class StartRollCall(Struct, frozen=True, kw_only=True, tag="roll_call"):
    """Each point in turn for ``seconds``; without ``points`` all that are present."""

    seconds: Seconds = 20
    points: Points = ()


class Next(Struct, frozen=True, kw_only=True, tag="next"):
    """The next of a roll call, otherwise the first in the queue."""


class StopRollCall(Struct, frozen=True, kw_only=True, tag="stop_roll_call"):
    """End a roll call and return to the chair."""


# --- microphones, cameras, points ----------------------------------------------------------


class Mute(Struct, frozen=True, kw_only=True, tag="mute"):
    """Close a microphone; ``lock`` keeps the room from opening it."""

    point: Point
    lock: bool = False


class Unmute(Struct, frozen=True, kw_only=True, tag="unmute"):
    """Open a microphone and undo a lock."""

    point: Point


class MuteAll(Struct, frozen=True, kw_only=True, tag="mute_all"):
    """Close microphones of all but the chair, the speaker, or nobody."""

    but: Literal["nobody", "chair", "speaker"] = "nobody"
    lock: bool = False


class SelfMute(Struct, frozen=True, kw_only=True, tag="self_mute"):
    """A room closes or opens its own microphone."""

    point: Point
    muted: bool


class Camera(Struct, frozen=True, kw_only=True, tag="camera"):
    """Take a point's picture away from everybody, or give it back."""

    point: Point
    off: bool


class Accept(Struct, frozen=True, kw_only=True, tag="accept"):
    """A point that comes on invitation comes in."""

    point: Point


class Drop(Struct, frozen=True, kw_only=True, tag="drop"):
    """Send a point out; it is not called again until it is recalled."""

    point: Point
    reason: Text = ""


class Recall(Struct, frozen=True, kw_only=True, tag="recall"):
    """Call a point again, or for the first time where it is not called by itself."""

    point: Point


class Banner(Struct, frozen=True, kw_only=True, tag="banner"):
    """A message on one room's screen or on all; an empty text takes it away."""

    text: Text = ""
    point: Point | None = None


class Share(Struct, frozen=True, kw_only=True, tag="share"):
    """Show all a screen, a point's or the operator's; ``sound`` turns a film's on, or off."""

    point: Point | None = None
    sound: bool = False


class StopShare(Struct, frozen=True, kw_only=True, tag="stop_share"):
    """End the sharing of a screen."""

    point: Point | None = None


# --- recording -----------------------------------------------------------------------------


class Record(Struct, frozen=True, kw_only=True, tag="record"):
    """Record the programme, or go on after a pause."""


class PauseRecording(Struct, frozen=True, kw_only=True, tag="pause_recording"):
    """Write nothing until `Record`; what follows goes to the same file."""


class StopRecording(Struct, frozen=True, kw_only=True, tag="stop_recording"):
    """End a recording; another one begins a file of its own."""


class SetAudience(Struct, frozen=True, kw_only=True, tag="audience"):
    """Who may watch from now on; who may not any more is shown nothing at once."""

    admits: Admits


class RenewCode(Struct, frozen=True, kw_only=True, tag="renew_code"):
    """Give the audience another code; who came with the one before has to give the new one."""


Asked = (
    Start
    | Extend
    | End
    | Lock
    | Direct
    | Preview
    | Take
    | Back
    | Return
    | ReturnPicture
    | SetLayout
    | Pin
    | Rank
    | RequestFloor
    | WithdrawFloor
    | Grant
    | SpeakingTime
    | StartRollCall
    | Next
    | StopRollCall
    | Mute
    | Unmute
    | MuteAll
    | SelfMute
    | Camera
    | Accept
    | Drop
    | Recall
    | Banner
    | Share
    | StopShare
    | Record
    | PauseRecording
    | StopRecording
    | SetAudience
    | RenewCode
    | ShowPage
    | PutAway
    | AgendaAsked
    | PersonAsked
    | DeskCallAsked
    | PeerAsked
    | OpenVote
    | CastBallot
    | RemindVoters
    | CloseVote
    | CancelVote
)
Fact = (
    PointUp
    | PointDown
    | CallFailed
    | NoteRecording
    | NoteAudience
    | Tick
    | StepClock
    | NoteQuality
    | NotePicture
    | AttachPaper
    | WithdrawPaper
    | PersonFact
    | PeerFact
    | KeepStrokes
    | CastSecretly
    | CountSecretly
)
Command = Asked | Fact
"""What people and rooms may ask is `Asked`; facts come from the system only."""


def name_of(command: Command) -> str:
    """The word of a command, its ``type`` in JSON."""
    return str(command.__struct_config__.tag)
