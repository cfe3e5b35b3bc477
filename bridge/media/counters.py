"""Named counters of the media worker. The hot path only adds to integers."""

from __future__ import annotations

from enum import StrEnum


class Drop(StrEnum):
    """Why a datagram or packet was not used. Each has a counter, none is an exception."""

    EMPTY = "empty"
    UNKNOWN_CLASS = "unknown_class"  # first byte outside RFC 7983's ranges
    OVERSIZE = "oversize"
    UNKNOWN_ADDRESS = "unknown_address"  # no validated 5-tuple
    BEFORE_DTLS = "before_dtls"
    RTP_MALFORMED = "rtp_malformed"
    RTCP_MALFORMED = "rtcp_malformed"
    SRTP_REJECTED = "srtp_rejected"  # authentication or replay window
    SRTCP_REJECTED = "srtcp_rejected"
    SSRC_LIMIT = "ssrc_limit"
    SSRC_UNKNOWN = "ssrc_unknown"  # authenticated, but belongs to no negotiated source
    PAYLOAD_TYPE = "payload_type"
    DUPLICATE = "duplicate"
    TOO_OLD = "too_old"
    RTX_MALFORMED = "rtx_malformed"
    RED_MALFORMED = "red_malformed"  # lengths past the end, another payload type, too many frames
    STUN_MALFORMED = "stun_malformed"
    STUN_UNKNOWN_UFRAG = "stun_unknown_ufrag"
    STUN_INTEGRITY = "stun_integrity"
    STUN_METHOD = "stun_method"
    STUN_RATE = "stun_rate"
    STUN_REPLAYED = "stun_replayed"  # a recorded check, sent again from another address
    DTLS_FAILED = "dtls_failed"
    DTLS_CLOSED = "dtls_closed"
    DTLS_RATE = "dtls_rate"  # more than a handshake needs
    SOURCE_BUDGET = "source_budget"  # more than the source may send
    SEND_BLOCKED = "send_blocked"  # the socket buffer was full
    SEND_ERROR = "send_error"
    TAP_FULL = "tap_full"  # the reader of a tap does not read, or is not there
    RTCP_RATE = "rtcp_rate"  # more reports and requests than are looked at
    FEEDBACK_RATE = "feedback_rate"  # more transport-cc feedback than is looked at
    NONCE_GUARD = "nonce_guard"  # would have been sealed under an index already used
    RTX_BUDGET = "rtx_budget"
    RTX_MISSING = "rtx_missing"  # asked for, no longer in the ring
    EVENT_QUEUE = "event_queue"  # the control process reads too slowly


class Counters:
    """Totals since the worker started. Public integers, read at scrape time."""

    __slots__ = (
        "consent_lost",
        "dropped",
        "dtls_completed",
        "dtls_failed",
        "feedback_repeated",
        "feedback_unknown",
        "gso_batches",
        "gso_segments",
        "ice_failed",
        "kept_served",
        "key_frame_requests_received",
        "key_frame_requests_sent",
        "layers_switched",
        "nacks_received",
        "nacks_sent",
        "octets_in",
        "octets_out",
        "packets_in",
        "packets_out",
        "packets_recovered",
        "packets_restored",
        "padding_out",
        "remb_received",
        "rtcp_in",
        "rtcp_out",
        "rtx_in",
        "rtx_out",
        "rtx_redundant",
        "sends_single",
        "stun_answered",
        "stun_asked",
        "transport_cc_received",
        "transport_cc_sent",
    )

    dropped: dict[str, int]

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)
        self.dropped = {reason.value: 0 for reason in Drop}

    def drop(self, reason: Drop, count: int = 1) -> None:
        self.dropped[reason] += count

    def add(self, name: str, count: int) -> None:
        """Add to the total of this name."""
        setattr(self, name, getattr(self, name) + count)

    def snapshot(self) -> dict[str, int]:
        """Every total by name; drop reasons as ``dropped.REASON``."""
        totals = {n: getattr(self, n) for n in self.__slots__ if n != "dropped"}
        totals.update({f"dropped.{reason}": n for reason, n in self.dropped.items()})
        return totals

    # Declared for the type checker; created in __init__ from __slots__.
    consent_lost: int
    dtls_completed: int
    dtls_failed: int
    feedback_repeated: int  # packets that transport-cc feedback told of again
    feedback_unknown: int  # and such as were never sent, or long ago
    gso_batches: int
    gso_segments: int
    ice_failed: int
    key_frame_requests_received: int
    key_frame_requests_sent: int
    kept_served: int  # switches that needed no new key frame
    layers_switched: int
    nacks_received: int
    nacks_sent: int
    octets_in: int
    octets_out: int
    packets_in: int
    packets_out: int
    packets_recovered: int
    packets_restored: int
    padding_out: int  # packets that a probe of a line added: repeated ones, and mere padding
    remb_received: int
    rtcp_in: int
    rtcp_out: int
    rtx_in: int
    rtx_out: int
    rtx_redundant: int
    sends_single: int
    stun_answered: int
    stun_asked: int
    transport_cc_received: int
    transport_cc_sent: int
