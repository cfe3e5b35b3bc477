"""Messages about which pictures a page wants, in which size, which it is to send, and what it gets
to see and hear."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.conference.thumbnails import MAX_PAGE

MAX_SIZES = 64  # slots in a message about their sizes: 48 thumbnails and some

Key = Annotated[str, msgspec.Meta(max_length=100)]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of these messages."""


class Thumbnails(Struct, frozen=True, kw_only=True, tag="thumbnails", forbid_unknown_fields=True):
    """The page wants the small pictures of another page of points, where there are more points
    than slots. 0 holds those whom the meeting is about; one that does not exist is the last."""

    page: Annotated[int, msgspec.Meta(ge=0, le=MAX_PAGE)]


Height = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class Sizes(Struct, frozen=True, kw_only=True, tag="sizes", forbid_unknown_fields=True):
    """In how many lines (device pixels) a page shows the picture of each slot now; 0 where it is
    hidden, so that nothing need be sent. Slots that are not named may be of any size."""

    slots: Annotated[dict[Key, Height], msgspec.Meta(max_length=MAX_SIZES)]


class Layers(Struct, frozen=True, kw_only=True, tag="layers"):
    """The layers of a source that are to be sent now, lowest first: somebody is shown them, and the
    links have room for them. The others cost bandwidth for nobody. A source without simulcast has
    one layer without a name."""

    source: str
    rids: tuple[str, ...]


Part = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Playback(Struct, frozen=True, kw_only=True, tag="playback"):
    """What a page gets to see and hear, once a second: the share of the last ten seconds that
    the programme stood still, the share of its sound that the browser made up, and the
    programme's size and rate."""

    frozen: Part = 0.0
    concealed: Part = 0.0
    frame_height: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    frame_rate: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0


class SlotReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver observed in one slot. ``point`` is read out of the picture or sound
    itself where the receiver can (simulated points do), otherwise empty."""

    slot: str
    point: str = ""
    since: float = 0.0  # the receiver's monotonic clock, s: first seen of `point`
    first_frame_ms: float | None = None
    latency_ms: float | None = None
    packets: int = 0
    lost: int = 0
    frame_height: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """Observations of a receiver, about once a second."""

    slots: tuple[SlotReport, ...] = ()
