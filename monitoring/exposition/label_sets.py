"""Labels of the metrics and the closed sets of their values. Pure.

`POINT` and `WORKER` come from the topology, all others are listed here, so that nothing that
happens can make a series that was not foreseen. A conference, a user or an address is never a
label. ``direction`` is seen from the point: *up* is point → bridge.
"""

from __future__ import annotations

POINT, WORKER, DIRECTION, DSCP, KIND = "point", "worker", "direction", "dscp", "kind"
STATE, RESULT, REASON, LEVEL = "state", "result", "reason", "level"
INFO_LABELS = {"name", "tier", "link", "version", "python"}
"""Labels that only info metrics have."""

DIRECTIONS = ("up", "down")
KINDS = ("audio", "video", "content")
POINT_STATES = ("offline", "ready", "connecting", "in_session", "lost")
LEVELS = ("good", "fair", "poor", "bad", "unknown")
LEVEL_CODES = {"good": 4, "fair": 3, "poor": 2, "bad": 1, "unknown": 0}
DISCONNECTS = ("vanished", "failed", "closed", "left", "worker_restarted")
DENIALS = ("password", "device_key", "enrolment_code", "throttled", "metrics_token")
RECORDING_PROBLEMS = ("space", "folder", "failed")
CLIENT_DROPS = ("too_slow", "bad_messages", "too_many", "no_hello")
PRESET_RESULTS = (
    *("done", "no_agent", "missing", "timeout", "refused", "denied", "unreachable", "nonsense"),
    "unknown",
)
CALL_RESULTS = ("talked", "unanswered", "declined", "cancelled", "lost")
SIP_CALLS = ("dialled", "answered", "failed")
SIP_REFUSALS = (
    *("malformed", "flood", "foreign", "stranger", "digest", "throttled"),
    *("no_conference", "media", "rtp_source", "rtp_unusable"),
)
PEER_REFUSALS = (
    *("unpinned", "expired", "no_tls", "silent", "unreachable", "too_many", "ourselves", "version"),
    *("malformed", "flood", "out_of_turn", "offer", "requests", "members"),
    *("loop", "codec", "no_media"),
)
AUDIENCE = ("accounts", "code", "anybody", "hls")
AUDIENCE_REFUSALS = (
    *("closed", "needs_accounts", "needs_code", "wrong_code", "wait"),
    *("not_begun", "no_worker", "full", "address_full", "link_full"),
    *("bad_offer", "not_sdp", "too_large", "no_hls"),
    *("gone", "no_patch", "no_segment", "bad_path", "bad_range"),
)
