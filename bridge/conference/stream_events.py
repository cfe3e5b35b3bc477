"""Events of what is no single conference: points and their lines (in the stream "network"),
recordings (in the stream "recordings"), and the log itself (in the stream "proof"). They stand in
the same log."""

from __future__ import annotations

import msgspec

from bridge.conference.model import SeenBy, Title


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events. Unknown fields are ignored, so that an older log can be read."""


# --- of the points and their lines, in the stream "network" ----------------------------------


class IncidentOpened(Struct, frozen=True, kw_only=True, tag="incident_opened"):
    """An incident was opened. ``kind``: one of `incident_rules.KINDS`, or "fault", reported by a
    person."""

    number: int
    point: str
    kind: str
    level: str
    value: float = 0.0
    note: str = ""


class IncidentWorse(Struct, frozen=True, kw_only=True, tag="incident_worse"):
    number: int
    point: str
    kind: str


class IncidentCleared(Struct, frozen=True, kw_only=True, tag="incident_cleared"):
    number: int
    point: str
    kind: str
    seconds: float


class MaintenanceSet(Struct, frozen=True, kw_only=True, tag="maintenance"):
    """Maintenance of a point began or ended: no alerts of it while ``on``, at the most until
    ``until`` (UTC seconds)."""

    point: str
    on: bool
    until: float | None = None
    note: str = ""


# --- of recordings, in the stream "recordings" -----------------------------------------------


class RecordingPart(Struct, frozen=True, kw_only=True):
    """A stretch of a recording without a gap: it began at ``at`` (UTC seconds) and is found at
    ``offset`` seconds of the file."""

    at: float
    offset: float
    seconds: float


class RecordingKept(Struct, frozen=True, kw_only=True, tag="recording_kept"):
    """A recording was finished: its file, with the checksum by which it can be told from any other.
    ``lost`` are seconds that should be in it and are not."""

    recording: str
    conference: str
    number: int
    title: Title
    template: str = ""
    seconds: float
    octets: int
    sha256: str
    lost: float = 0.0
    keep_days: int | None = None
    seen_by: SeenBy = "watch"
    parts: tuple[RecordingPart, ...] = ()


class RecordingRuled(Struct, frozen=True, kw_only=True, tag="recording_ruled"):
    """An admin decided who sees a recording, and after how many days it is deleted (None: it is
    kept until somebody deletes it)."""

    recording: str
    seen_by: SeenBy
    keep_days: int | None


class RecordingDeleted(Struct, frozen=True, kw_only=True, tag="recording_deleted"):
    """A recording's file was deleted: by whom is the event's actor."""

    recording: str
    sha256: str


# --- of signed minutes, in the stream "minutes" ----------------------------------------------


class MinutesSigned(Struct, frozen=True, kw_only=True, tag="minutes_signed"):
    """Signed minutes of the conference ``of`` were brought: the SHA-256 and size of their file, and
    the names in the signers' certificates."""

    of: str
    sha256: str
    octets: int
    signers: tuple[str, ...] = ()


# --- of the log itself, in the stream "proof" ------------------------------------------------


class ChainBegun(Struct, frozen=True, kw_only=True, tag="chain_begun"):
    """Events up to number ``number`` of the whole log were there before they were chained: of them
    is proved what they were then. ``events`` is how many were chained late."""

    number: int
    events: int


class HeadSigned(Struct, frozen=True, kw_only=True, tag="head_signed"):
    """The head of a conference's chain was signed: `bridge.proof.statements.head_text` of these
    fields, by the key with the fingerprint ``key``; ``signature`` is in Base64."""

    of: str
    events: int
    head: str
    since: int
    signed: int
    key: str
    signature: str


class LostLog(Struct, frozen=True, kw_only=True):
    """A log that was there before a backup was restored, and is not in it as far as it had come:
    its last event's number and hash."""

    of: str
    events: int
    head: str


class BackupRestored(Struct, frozen=True, kw_only=True, tag="backup_restored"):
    """A backup took the place of everything. ``sha256`` is of its file, ``key`` the fingerprint of
    who signed it ("": nobody); ``lost`` are logs that were there and go on no longer, the first
    thousand of ``lost_logs``."""

    sha256: str
    rows: int
    key: str
    lost_logs: int = 0
    lost: tuple[LostLog, ...] = ()


StreamEvent = (
    IncidentOpened
    | IncidentWorse
    | IncidentCleared
    | MaintenanceSet
    | MinutesSigned
    | RecordingKept
    | RecordingRuled
    | RecordingDeleted
    | ChainBegun
    | HeadSigned
    | BackupRestored
)
