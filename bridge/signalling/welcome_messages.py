"""The answer to a page's hello: what it is, and all that stays the same while it is connected."""

from __future__ import annotations

import msgspec

from bridge.base.i18n import Sentence
from bridge.signalling.camera_messages import PresetView
from bridge.signalling.desk_messages import Desk


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of these messages."""


class PointInfo(Struct, frozen=True, kw_only=True):
    id: str
    name: Sentence
    tier: str
    chair: bool
    observer: bool = False
    presets: tuple[PresetView, ...] = ()


class SlotMap(Struct, frozen=True, kw_only=True):
    """Names of slots in the order in which receiving lines of the offer are mapped."""

    video: tuple[str, ...]
    audio: tuple[str, ...]


class LayerInfo(Struct, frozen=True, kw_only=True):
    """A simulcast layer to send; ``bitrate`` in kbit/s."""

    rid: str
    height: int
    bitrate: int
    frame_rate: int


class Welcome(Struct, frozen=True, kw_only=True, tag="welcome"):
    """Answer to hello. ``media`` tells whether the bridge holds a live transport of this
    session, so that no new offer is needed. ``kind``: point, console or echo; ``sound``: how a
    point's page treats its microphone (room, hall or codec); ``desk``: whose desk the page is.
    ``hosts``: where the pages of every host of the bridge are, this one's first; none where it has
    one host only."""

    version: int
    session: str
    kind: str
    resumed: bool
    media: bool
    point: str | None
    user: str | None
    role: str
    bridge: Sentence
    contact: str
    zone: str
    points: tuple[PointInfo, ...]
    slots: SlotMap
    layers: tuple[LayerInfo, ...]
    may_direct: bool
    now: float
    usage: tuple[tuple[str, str], ...] = ()
    sound: str = "room"
    desk: Desk = ""
    hosts: tuple[str, ...] = ()
