"""Facts: what the system tells a conference. They are decided like commands, and nobody may ask
for them."""

from __future__ import annotations

from bridge.conference.model import Point, Struct


class PointUp(Struct, frozen=True, kw_only=True, tag="point_up"):
    """A point's media is connected."""

    point: Point


class PointDown(Struct, frozen=True, kw_only=True, tag="point_down"):
    """A point's media is gone."""

    point: Point
    reason: str


class CallFailed(Struct, frozen=True, kw_only=True, tag="call_failed"):
    """A point that is called does not come, and why (a key of the catalogue)."""

    point: Point
    reason: str


class NoteRecording(Struct, frozen=True, kw_only=True, tag="note_recording"):
    """Whether something is being written. With a ``problem`` the recording has ended by it:
    "space", "folder" or "failed"."""

    writing: bool
    problem: str = ""


class NoteAudience(Struct, frozen=True, kw_only=True, tag="note_audience"):
    """How many watch now, by how they were admitted, and the most at once since the last note."""

    viewers: dict[str, int]
    peak: int


class Tick(Struct, frozen=True, kw_only=True, tag="tick"):
    """Time has come to what `state_machine.due` named."""


class StepClock(Struct, frozen=True, kw_only=True, tag="step_clock"):
    """The wall clock jumped by ``seconds``; durations must not."""

    seconds: float


class NoteQuality(Struct, frozen=True, kw_only=True, tag="note_quality"):
    """The quality of a point's line changed: good, fair, poor, bad, unknown."""

    point: Point
    up: str
    down: str


class NotePicture(Struct, frozen=True, kw_only=True, tag="note_picture"):
    """Which picture of the programme a point is sent: its lines, "sound" where its line carries
    none, "none" where there is none."""

    point: Point
    picture: str
