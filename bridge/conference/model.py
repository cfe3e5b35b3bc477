"""The values that make up a conference: ids, settings, and the state that its log adds up to.

Everything is frozen, and everything is a `msgspec.Struct`, so that the same types are the log's
rows, the messages of the WebSocket and the models of the API. Times are UTC seconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Literal, NewType

import msgspec

from bridge.conference.attendance import Person
from bridge.conference.desk_call import DeskCall, DeskRules
from bridge.conference.other_bridges import PeerSeat
from bridge.conference.voting import Vote

PointId = NewType("PointId", str)

MAX_TEXT = 300  # characters of a banner or a title: what a room shows without scrolling
MAX_PANES = 64
MAX_SPOKE = 12  # points that spoke last: about what anybody remembers of a meeting
MAX_KEEP_DAYS = 3650  # of a recording; longer is for ever
MAX_PAPERS = 200  # of a conference: what a list shows and a state may carry
MAX_PAGES = 3000  # of a paper; a plan of a district has some hundreds
MAX_ZOOM = 8.0
MAX_SECONDS = 4 * 3600  # the longest turn, s
MAX_ITEMS = 100  # of an agenda
MAX_ITEM_MINUTES = 240
MAX_DECISION = 1000  # characters: a long paragraph of minutes
MAX_DECISIONS = 100  # of a conference: what consoles are sent with each change
PLAIN_PATTERN = (
    r"^(?=[^\n]*\S)[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+(?!\n)$"
)
"""One line that can be read: no controls, none that turn the direction of writing around."""
NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Point = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=NAME_PATTERN)]
Seconds = Annotated[int, msgspec.Meta(ge=5, le=MAX_SECONDS)]
Line = Annotated[str, msgspec.Meta(max_length=MAX_TEXT, pattern=PLAIN_PATTERN)]
ItemMinutes = Annotated[int, msgspec.Meta(ge=1, le=MAX_ITEM_MINUTES)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]

Phase = Literal["open", "live", "ended"]
Layout = Literal["speaker", "alone", "grid", "content"]
Wish = Literal["off", "on", "paused"]
Connect = Literal["automatic", "invitation", "none"]
Admits = Literal["nobody", "accounts", "code", "anybody"]
ActorKind = Literal["user", "point", "person", "scheduler", "system"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything here."""


class Actor(Struct, frozen=True, kw_only=True):
    """Who asked: a user with a role, a point, a delegate (by id), the scheduler, or the system
    itself."""

    kind: ActorKind
    name: str = ""
    role: str = ""

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


SYSTEM = Actor(kind="system")
SCHEDULER = Actor(kind="scheduler")


class Title(Struct, frozen=True, kw_only=True):
    """A title or name in Vietnamese and English."""

    vi: Text
    en: Text

    def text(self, language: str) -> str:
        """In "vi" or "en"."""
        return self.vi if language == "vi" else self.en


SeenBy = Literal["watch", "direct", "admin"]
"""Who sees a recording: who may watch conferences, who may direct them, or admins."""


class Rules(Struct, frozen=True, kw_only=True):
    """Rules from the start on. ``floor`` free lets rooms open their own microphone; a recording
    that is ``automatic`` begins with the conference, is deleted after ``keep_days`` (None: never)
    and seen by those it is ``recording_for``. ``audience`` is who may watch without being a
    point."""

    all_muted: bool = True
    floor: Literal["request", "free"] = "request"
    recording: Literal["allowed", "forbidden", "automatic"] = "allowed"
    speaking_seconds: Seconds | None = None
    audience: Admits = "nobody"
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEEP_DAYS)] | None = None
    recording_for: SeenBy = "watch"
    recording_voices: bool = False
    """Whether voices are recorded one by one, beside the mix."""


class Item(Struct, frozen=True, kw_only=True):
    """A matter on the agenda. ``number`` is its own for the whole conference, wherever it stands;
    ``point`` speaks to it (None: nobody in particular), for ``minutes`` (None: as long as it
    takes). What may be asked for is said by the commands."""

    number: int
    title: str
    point: str | None = None
    minutes: int | None = None


class CurrentItem(Struct, frozen=True, kw_only=True):
    """The item that is dealt with, since when (UTC seconds), and whether its time is over."""

    number: int
    since: float
    over: bool = False


class Decision(Struct, frozen=True, kw_only=True):
    """What was decided, as somebody wrote it down; ``item`` is the number of the matter it belongs
    to, None: to none."""

    number: int
    text: str
    item: int | None = None


class Booking(Struct, frozen=True, kw_only=True):
    """What a conference is opened with. ``start`` and ``end`` are the planned times."""

    id: str
    title: Title
    template: str = ""
    points: tuple[Point, ...]
    chair: Point
    expected: tuple[Point, ...] = ()
    observers: tuple[Point, ...] = ()
    connect: dict[str, Connect] = {}
    layout: Layout = "speaker"
    rules: Rules = Rules()
    start: float | None = None
    end: float | None = None
    agenda: tuple[Item, ...] = ()
    desk: DeskRules | None = None
    """Of a desk call; None: it is a meeting."""
    bridges: tuple[Point, ...] = ()
    """Those of its points that are other bridges."""

    @property
    def kind(self) -> Literal["meeting", "desk_call"]:
        return "meeting" if self.desk is None else "desk_call"


class Seat(Struct, frozen=True, kw_only=True):
    """A point's place; it outlives every loss of connection. ``microphone`` is what the
    direction wants, ``self_muted`` what the room added; ``locked`` cannot be undone there."""

    present: bool = False
    connect: Connect = "automatic"
    accepted: bool = False
    dropped: bool = False
    ever: bool = False
    microphone: bool = False
    locked: bool = False
    self_muted: bool = False
    camera_off: bool = False
    floor_seconds: float = 0.0
    call_problem: str = ""
    lost_reason: str = ""

    @property
    def heard(self) -> bool:
        """Whether the bridge forwards this point's voice."""
        return self.microphone and not self.self_muted

    @property
    def called(self) -> bool:
        """Whether the point is to come in by itself now."""
        if self.dropped or self.connect == "none":
            return False
        return self.connect == "automatic" or self.accepted


class Request(Struct, frozen=True, kw_only=True):
    """A place in the queue for the floor, numbered in order of arrival."""

    point: Point
    number: int
    at: float


class Floor(Struct, frozen=True, kw_only=True):
    """Who has the floor. ``since`` is None while the point is away: its time stands still.
    ``used`` are seconds before ``since``; ``warned`` the last warning given (s left)."""

    point: Point
    since: float | None
    used: float = 0.0
    limit: int | None = None
    warned: int | None = None

    def spent(self, now: float) -> float:
        return self.used + (max(0.0, now - self.since) if self.since is not None else 0.0)


class RollCall(Struct, frozen=True, kw_only=True):
    """Each point in turn for ``seconds``; ``waiting`` come next."""

    waiting: tuple[Point, ...]
    seconds: int


class Paper(Struct, frozen=True, kw_only=True):
    """A paper that a conference has, in its newest version. ``sha256`` is of the file that was
    brought; ``points`` are the rooms that see it, none: all of them."""

    id: str
    version: int
    title: Text
    pages: int
    octets: int
    sha256: str
    points: tuple[Point, ...] = ()

    def for_point(self, point: str) -> bool:
        return not self.points or point in self.points


class Showing(Struct, frozen=True, kw_only=True):
    """The page that everybody is shown. ``zoom`` 1 is the whole page; ``x`` and ``y`` are the
    middle of what is shown, as parts of its width and height."""

    paper: str
    version: int
    page: int
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


class State(Struct, frozen=True, kw_only=True):
    """A conference. ``seq`` numbers the last event; ``previous`` was on air before ``on_air``;
    ``content`` shares a screen ("point:ID" or "user:NAME"), with ``content_sound`` a film;
    ``layout_before`` comes back when that ends; ``spoke`` are those who had the floor, the last
    first, at most `MAX_SPOKE`. ``recording`` is what was asked for, ``recordings`` the number of
    the last one, and ``recorded`` whether something is being written; ``recording_problem`` is why
    it ended by itself. ``audience`` is who may watch, with a code the one of number
    ``audience_code``; ``viewers`` are those who watch, by how they were admitted. ``papers`` are
    what it has, by id, and ``showing`` the page that everybody sees. ``persons`` are its
    delegates, by id; ``registrations`` is the number of the last registration by telephone.
    ``peers`` is what is known of points that are other bridges."""

    booking: Booking
    seq: int = 0
    phase: Phase = "open"
    opened_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    end: float | None = None
    end_warned: bool = False
    seats: dict[str, Seat]
    on_air: str
    preview: str | None = None
    previous: str | None = None
    return_picture: str | None = None
    layout: Layout = "speaker"
    layout_before: Layout | None = None
    pins: dict[int, str] = {}
    ranking: tuple[str, ...] = ()
    queue: tuple[Request, ...] = ()
    requests: int = 0
    floor: Floor | None = None
    roll_call: RollCall | None = None
    content: str | None = None
    content_sound: bool = False
    director: str | None = None
    closed: bool = False
    banner: Text = ""
    banners: dict[str, str] = {}
    spoke: tuple[str, ...] = ()
    recording: Wish = "off"
    recordings: int = 0
    recorded: bool = False
    recording_problem: str = ""
    audience: Admits = "nobody"
    audience_code: int = 1
    viewers: dict[str, int] = {}
    papers: dict[str, Paper] = {}
    showing: Showing | None = None
    agenda: tuple[Item, ...] = ()
    item: CurrentItem | None = None
    items_begun: tuple[int, ...] = ()
    items_numbered: int = 0
    decisions: tuple[Decision, ...] = ()
    decisions_numbered: int = 0
    votes: tuple[Vote, ...] = ()
    votes_numbered: int = 0
    persons: dict[str, Person] = {}
    registration_open: bool = False
    registrations: int = 0
    call: DeskCall | None = None
    peers: dict[str, PeerSeat] = {}

    @property
    def points(self) -> tuple[str, ...]:
        return self.booking.points

    @property
    def chair(self) -> str:
        return self.booking.chair

    @property
    def present(self) -> frozenset[str]:
        return frozenset(p for p, seat in self.seats.items() if seat.present)

    @property
    def awaited(self) -> tuple[str, ...]:
        """Points that should be in it now: expected and called, once it has started."""
        if self.phase != "live":
            return ()
        expected = self.booking.expected or self.points
        return tuple(point for point in expected if self.seats[point].called)


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a command changes nothing: a key of the text catalogue and its arguments."""

    key: str
    arguments: dict[str, str] = {}


def canonical(state: State) -> bytes:
    """The state as canonical JSON: equal states give equal bytes."""
    return msgspec.json.encode(msgspec.to_builtins(state, str_keys=True), order="deterministic")
