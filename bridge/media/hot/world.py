"""The one record of tables that the compiled turn works on.

A row of `LAYER`, `SLOT`, `TRANSPORT` or `BUDGET` holds the numbers of one object of that name
(`bridge.media.hot.rows`). All tables have fixed sizes. A page of them that was never written costs
no memory, so what is resident grows with the transports that there are: about 1 kB a transport,
up to 140 kB more for what it was sent and reports where its line is estimated, 0.2 kB a slot, 30 kB
a layer and, apart from this record, 1.5 MB for the ring of a video layer.

Fields that end in ``_at`` are addresses, for C. Integers are signed 64-bit wherever they are
calculated with: numba makes a float of a sum of signed and unsigned ones.
"""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from bridge.media.congestion.book import MAX_BATCHES
from bridge.media.congestion.rate import ENTRIES
from bridge.media.congestion.trend import BASE_BUCKETS, LEAP_GROUPS, LOWS, WINDOW
from bridge.media.demux import MAX_DATAGRAM
from bridge.media.layer import VIDEO_RING
from bridge.media.transport_cc import MAX_COVERED

DATAGRAMS = 256  # read in one turn at most; as many as the Python path drains at once
DATAGRAM = 1536  # octets from one received datagram to the next
READ = MAX_DATAGRAM + 1  # octets read of one: enough to see that it is too long
TRANSPORTS = 1024  # as many as a worker takes (`parts.MAX_TRANSPORTS`)
LAYERS = 2048  # streams received; further ones are forwarded by Python
SLOTS = 32_768  # streams sent; further ones likewise
BUDGETS = 8192  # of sources, and two of each transport
USERNAME_PLACES = 4096  # at least twice as many as there are transports
ASKED = 256  # checks of ours that wait for an answer
FEEDS = 2048  # slots that one layer fills; those beyond are served by Python
TODO = 256  # slots of one transport; likewise
SOCKETS = 16  # listening addresses
RING = VIDEO_RING  # packets of a layer that are kept, at most
PACKET = 1504  # octets from one kept payload to the next
MESSAGES = 64  # for one sendmmsg
SEGMENTS = 64  # of one message; UDP_MAX_SEGMENTS of older kernels
BATCH = 65_000  # octets of one message; a UDP length field holds 65,507 over IPv4
ARENA = 1 << 18  # octets sealed before they must be sent
BOOK = 16_384  # runs sent to who is probed, that wait for Python; further ones are not told of
CLUSTERS = 8  # of probes, in one feedback; further ones are not told of
FEEDBACK = 1536  # octets of one feedback
ARRIVALS = 8192  # transport-cc numbers that wait for Python
ADDRESS_PLACES = 8192  # at least twice as many as there may be addresses
STREAM_PLACES = 8192  # at least twice as many as there are layers
NAME = 32  # octets of a socket address; a sockaddr_in6 has 28
CONTROL = 64  # octets of ancillary data of a received datagram
SEGMENT_CONTROL = 24  # octets of a control message with a UDP_SEGMENT
EVENTS = 64  # descriptors that one wait tells of; further ones are told of by the next
TIMINGS = 256  # sampled delays that wait for Python

TAG = 16  # octets, RFC 7714
AF_INET, AF_INET6 = 2, 10  # Linux
PYTHON_KNOWS, OVER_AND_OUT = -1, -2  # a transport's ``dtls`` that is no row of a budget
DIRECTLY, LISTED = 1, 2  # how a transport's ``estimated`` says that its packets are noted
NORMAL, OVER, UNDER = range(3)  # `bridge.media.congestion.trend.Usage`
LOWEST_INDEX = 0x10000  # `bridge.media.layer`: the first packet of a layer has 2^16 + SEQ


def _record(fields: list[tuple[Any, ...]]) -> np.dtype[Any]:
    """Rows whose fields are attributes also where nothing is compiled."""
    return np.dtype((np.record, fields))


LAYER = _record(
    [
        # As in `bridge.media.layer.Layer`.
        *((name, "i8") for name in ("highest", "shift", "floor", "received", "octets")),
        *((name, "f8") for name in ("transit", "jitter", "last_arrival", "audio_level")),
        *((name, "i8") for name in ("top_forwarded", "key_frame_wanted")),
        # What `following` notes.
        ("ready", "i8"),  # 1: the compiled turn may take its packets
        *((name, "i8") for name in ("budget", "clock_rate", "audio", "red", "ring_at", "mask")),
        *((name, "i8") for name in ("nonce_high", "nonce_middle", "nonce_low")),
        ("feeds", "i8"),  # slots in its row of ``feeds``
        ("rest", "i8"),  # 1: Python serves some of its slots
        # Of the present turn: ``turn`` says which, then its pending packets.
        *((name, "i8") for name in ("turn", "left_turn", "first", "last", "count")),
    ]
)
SLOT = _record(
    [
        *((name, "i8") for name in ("packets", "octets")),
        *((name, "i8") for name in ("transport", "layer", "first", "offset", "ts_offset")),
        *((name, "i8") for name in ("ssrc", "payload_type")),
        *((name, "i8") for name in ("nonce_high", "nonce_middle", "nonce_low")),
        # VP8: what to add, `bridge.media.vp8.Munge`; ``munged`` 0: nothing.
        *((name, "i8") for name in ("munged", "picture_id", "tl0_index")),
        ("sealed", "i8"),  # highest index sealed; nothing up to it is ever sealed again
    ]
)
TRANSPORT = _record(
    [
        ("cc_next", "i8"),
        ("last_heard", "f8"),
        *((name, "i8") for name in ("open_at", "seal_at", "socket", "name_length")),
        *((name, "i8") for name in ("cc_out", "time_out")),  # ids of what is sent, 0: not
        *((name, "i8") for name in ("cc_in", "level_in")),  # ids of what is received
        ("booked", "i8"),  # transport-cc number up to which is known what was sent
        ("dtls", "i8"),  # the row of its budget of DTLS, PYTHON_KNOWS or OVER_AND_OUT
        *(("strange_left", "f8"), ("strange_at", "f8")),
        # Of the present turn: datagrams left for Python that a rate is kept for.
        *((name, "i8") for name in ("turn", "checks_left", "dtls_left")),
        ("estimated", "i8"),  # 1: what it is sent is noted in ``runs``, 2: for Python in ``book``
        ("todo", "i8"),  # slots in its row of ``todo``
    ]
)
BUDGET = _record([("packets", "f8"), ("octets", "f8")])
PENDING = _record([(name, "i8") for name in ("index", "at", "timestamp", "head", "length", "next")])
KEPT = _record([("index", "i8"), ("timestamp", "i8"), ("head", "i4"), ("length", "i4")])
ADDRESS = _record([(name, "i8") for name in ("high", "low", "tail", "value")])
STREAM = _record([("key", "i8"), ("value", "i8")])
USERNAME = _record([("first", "i8"), ("second", "i8"), ("value", "i8")])
SENT = _record(
    [
        *(("transport", "i8"), ("first", "i8"), ("at", "f8")),
        *((name, "i8") for name in ("count", "size", "last", "sure")),
    ]
)
RUN = _record(  # `bridge.media.congestion.book.Batch`
    [
        *(("first", "i8"), ("sent_at", "f8"), ("got", "i8"), ("lost", "i8")),
        *((name, "i4") for name in ("count", "size", "last", "extra", "cluster", "sure")),
    ]
)
CLUSTER = _record(
    [
        *((name, "i8") for name in ("ident", "packets", "octets", "first_octets")),
        *(("first_arrival", "f8"), ("last_arrival", "f8")),
    ]
)
RECEIVER = _record(
    [
        # `bridge.media.congestion.book.Book`: ``runs`` from the ``oldest`` to before the
        # ``newest``, both counted on for ever.
        *((name, "i8") for name in ("octets", "next", "covered", "oldest", "newest")),
        ("begun", "f8"),
        # What the last feedback said.
        *((name, "i8") for name in ("covers", "missing", "received", "lost", "skipped")),
        *((name, "i8") for name in ("repeated", "unknown", "clusters")),
        # Of the call that is being told of: `book.Arrived`.
        *((name, "f8") for name in ("call_sent", "call_first", "call_last")),
        *((name, "i8") for name in ("call_packets", "call_octets", "call_first_octets")),
        *((name, "i8") for name in ("call_cluster", "call_sure")),
        # `bridge.media.congestion.trend.Trend`; counts of what its windows have ever held.
        *((name, "f8") for name in ("first_sent", "sent", "first_arrival", "arrival")),
        *((name, "f8") for name in ("before_sent", "before_arrival", "accumulated", "smoothed")),
        *((name, "f8") for name in ("previous", "over_time", "threshold", "threshold_at")),
        *((name, "f8") for name in ("standing_since", "standing_told", "bucket_at", "base")),
        ("queue", "f8"),
        *((name, "i8") for name in ("before", "count", "over_count", "usage", "jumps")),
        *((name, "i8") for name in ("slopes", "delays", "bases", "oldest_low", "newest_low")),
        # `bridge.media.congestion.rate.Acknowledged`.
        *((name, "i8") for name in ("oldest_entry", "newest_entry", "window_octets")),
        *(("acknowledged", "f8"), ("recent", "f8")),
        # `bridge.media.congestion.drain.Drain`.
        *((name, "f8") for name in ("drain_started", "drain_delay", "drain_arrival")),
        *(("drain_octets", "i8"), ("drain_rate", "f8"), ("drain_at", "f8"), ("carried", "f8")),
    ]
)
ARRIVAL = _record([("transport", "i4"), ("number", "i4"), ("at", "f8")])

# struct mmsghdr and struct iovec of a 64-bit Linux.
MESSAGE = np.dtype(
    (
        np.record,
        {
            "names": [
                *("name", "name_length", "iov", "iov_length", "control", "control_length"),
                *("flags", "length"),
            ],
            "formats": ["i8", "u4", "i8", "i8", "i8", "i8", "i4", "u4"],
            "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
            "itemsize": 64,
        },
    )
)
VECTOR = _record([("base", "i8"), ("length", "i8")])
# struct cmsghdr and struct timespec: when a datagram arrived (SO_TIMESTAMPNS).
STAMP = _record(
    [
        *(("length", "i8"), ("level", "i4"), ("kind", "i4")),
        *(("seconds", "i8"), ("nanoseconds", "i8")),
    ]
)
# struct epoll_event, which is packed on x86-64 alone.
PACKED = platform.machine() == "x86_64"
EVENT = np.dtype(
    (
        np.record,
        {
            "names": ["mask", "descriptor"],
            "formats": ["u4", "i4"],
            "offsets": [0, 4 if PACKED else 8],
            "itemsize": 12 if PACKED else 16,
        },
    )
)

COUNTED = (
    *("packets_in", "octets_in", "packets_out", "octets_out"),
    *("gso_batches", "gso_segments", "sends_single"),
    *("duplicate", "too_old", "malformed", "rejected", "over_budget"),
    *("send_blocked", "send_error", "guarded", "seal_failed"),
    *("empty", "unknown_class", "oversize", "unknown_address", "dtls_rate", "dtls_closed"),
    *("stun_malformed", "stun_method", "stun_unknown_ufrag", "stun_rate"),
)
"""Totals since `following.Following.collect` took them last."""

WORLD = _record(
    [
        ("gso", "i8"),
        ("now", "f8"),  # monotonic seconds of the present turn
        ("unix_offset", "f8"),
        ("turn", "i8"),  # turns so far
        *((name, "i8") for name in COUNTED),
        ("asked", "i8"),  # checks of ours in ``answers``; more than it holds: Python knows
        ("checks", "i8"),  # of the present turn, left for Python
        # Of the present turn: datagrams for Python; packets that wait; receivers that get some,
        # and how far the departure is; what is laid out.
        *((name, "i8") for name in ("odd", "waiting", "rests", "stamped")),
        *((name, "i8") for name in ("ready", "receiver", "place", "packet")),
        *((name, "i8") for name in ("position", "messages", "socket", "run_first")),
        *((name, "i8") for name in ("arrived", "sent")),
        # Whether the present turn's first datagram is timed; how many are in ``timings``; which
        # socket's turn left something for Python; when a turn was nothing but junk.
        *((name, "i8") for name in ("sampled", "timed", "left")),
        ("junk_at", "f8"),
        # Of the receiver laid out last: its runs in ``runs`` and in ``book``.
        *((name, "i8") for name in ("laid_for", "laid_runs", "laid_listed")),
        # Addresses.
        *((name + "_at", "i8") for name in ("received", "arena", "nonce", "lengths", "clock")),
        *((name + "_at", "i8") for name in ("received_messages", "sent_messages")),
        *((name + "_at", "i8") for name in ("sent_names", "sent_control", "events")),
        ("lengths", "i8"),
        ("clock", "i8", 2),
        ("nonce", "u1", 16),
        ("sockets", "i8", SOCKETS),
        # Tables.
        ("layers", LAYER, LAYERS),
        ("slots", SLOT, SLOTS),
        ("transports", TRANSPORT, TRANSPORTS),
        ("budgets", BUDGET, BUDGETS),
        ("addresses", ADDRESS, ADDRESS_PLACES),
        ("streams", STREAM, STREAM_PLACES),
        ("usernames", USERNAME, USERNAME_PLACES),
        ("answers", "i8", ASKED),
        ("feeds", "i4", (LAYERS, FEEDS)),
        ("todo", "i4", (TRANSPORTS, TODO)),
        ("kept", KEPT, (LAYERS, RING)),
        ("sent_names", "u1", (TRANSPORTS, NAME)),
        ("receivers_told", RECEIVER, TRANSPORTS),
        ("runs", RUN, (TRANSPORTS, MAX_BATCHES)),
        ("slopes", "f8", (TRANSPORTS, 2 * WINDOW)),
        ("delays", "f8", (TRANSPORTS, LEAP_GROUPS)),
        ("bases", "f8", (TRANSPORTS, BASE_BUCKETS)),
        ("lows", "f8", (TRANSPORTS, 2 * LOWS)),
        ("entry_arrivals", "f8", (TRANSPORTS, ENTRIES)),
        ("entry_octets", "i4", (TRANSPORTS, ENTRIES)),
        # Of the feedback that is being read.
        ("feedback", "u1", FEEDBACK),
        ("statuses", "u1", MAX_COVERED + 16),
        ("times", "f8", MAX_COVERED),
        ("clusters", CLUSTER, CLUSTERS),
        # Of the present turn.
        ("odds", "i4", DATAGRAMS),
        ("rest", "i4", DATAGRAMS),
        ("receivers", "i4", TRANSPORTS),
        ("pending", PENDING, DATAGRAMS),
        ("arrivals", ARRIVAL, ARRIVALS),
        ("book", SENT, BOOK),
        ("received_messages", MESSAGE, DATAGRAMS),
        ("received_vectors", VECTOR, DATAGRAMS),
        ("received_names", "u1", (DATAGRAMS, NAME)),
        ("received_control", STAMP, CONTROL // STAMP.itemsize),
        ("events", EVENT, EVENTS),
        ("timings", "f8", TIMINGS),  # seconds from arrival to departure
        ("sent_messages", MESSAGE, MESSAGES),
        ("sent_vectors", VECTOR, MESSAGES),
        ("sent_control", "u1", (MESSAGES, SEGMENT_CONTROL)),
        ("sent_sizes", "i8", MESSAGES),  # octets of a segment, and how many segments
        ("sent_counts", "i8", MESSAGES),
        ("received", "u1", (DATAGRAMS, DATAGRAM)),
        ("arena", "u1", ARENA),
    ]
)

World = Any
"""An array with one `WORLD`. numba reads its type; mypy has none for a record's attributes."""

SOL_UDP, UDP_SEGMENT = 17, 103


def make() -> World:
    """A world in which nothing is known yet. It is never moved: addresses are of this array."""
    world = np.zeros(1, WORLD)
    w = world[0]
    base = world.ctypes.data
    assert WORLD.fields is not None

    def at(name: str) -> int:
        return base + int(WORLD.fields[name][1])  # type: ignore[index]

    for name in ("received", "arena", "nonce", "lengths", "clock"):
        w[name + "_at"] = at(name)
    for name in ("received_messages", "sent_messages", "sent_names", "sent_control", "events"):
        w[name + "_at"] = at(name)
    w["received_vectors"]["base"] = at("received") + np.arange(DATAGRAMS) * DATAGRAM
    w["received_vectors"]["length"] = READ
    messages = w["received_messages"]
    messages["name"] = at("received_names") + np.arange(DATAGRAMS) * NAME
    messages["name_length"] = NAME
    messages["iov"] = at("received_vectors") + np.arange(DATAGRAMS) * VECTOR.itemsize
    messages["iov_length"] = 1
    messages["control"][0] = at("received_control")  # the arrival of one datagram is timed
    messages["control_length"][0] = CONTROL
    w["sent_messages"]["iov"] = at("sent_vectors") + np.arange(MESSAGES) * VECTOR.itemsize
    w["sent_messages"]["iov_length"] = 1
    # struct cmsghdr: its length, level and type, then the size of a segment.
    lengths = w["sent_control"].view(np.int64)
    lengths[:, 0] = 18
    kinds = w["sent_control"].view(np.int32)
    kinds[:, 2], kinds[:, 3] = SOL_UDP, UDP_SEGMENT
    w["addresses"]["value"] = w["streams"]["value"] = w["usernames"]["value"] = EMPTY
    w["gso"] = 1
    w["turn"] = 1  # 0 in a layer's ``turn`` is none
    return world


# Look-up by open addressing; what was removed leaves a place that a search goes on over.

EMPTY, REMOVED = -1, -2


def stream_place_of(key: int) -> int:
    """Where the search for a stream begins."""
    mixed = (key & 0x7FFFFFFF) ^ (key >> 31)
    return (mixed * 0x9E3779B1 >> 16) & STREAM_PLACES - 1


def address_place_of(high: int, low: int, tail: int) -> int:
    """Where the search for an address begins."""
    mixed = (high & 0x7FFFFFFF) ^ (low & 0x7FFFFFFF) ^ (low >> 32 & 0x7FFFFFFF)
    mixed ^= (high >> 32 & 0x7FFFFFFF) ^ (tail & 0x7FFFFFFF)
    return (mixed * 0x9E3779B1 >> 16) & ADDRESS_PLACES - 1


def username_place_of(first: int, second: int) -> int:
    """Where the search for a username begins."""
    return (first ^ second) & USERNAME_PLACES - 1


def username_step(first: int, second: int, octet: int) -> tuple[int, int]:
    """A username as two numbers of 47 bits: what they become with its next octet."""
    return (first * 31 + octet) & 0x7FFFFFFFFFFF, (second * 131 + octet) & 0x7FFFFFFFFFFF
