"""State of one peer: addresses, keys, what it sends and what it receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bridge.media import messages as m
from bridge.media.budget import ALERTS, REPORTS, STRAY, Allowance, Budget, allowance
from bridge.media.congestion.estimator import Estimator
from bridge.media.congestion.pacer import Pacer
from bridge.media.counters import Drop
from bridge.media.dtls import DtlsServer
from bridge.media.layer import Layer
from bridge.media.packets import Outgoing
from bridge.media.redundancy import Level
from bridge.media.rtp import ExtensionIds
from bridge.media.slot import Slot
from bridge.media.srtp import Inbound, MasterKeys, Outbound
from bridge.media.transport_cc import Recorder

MAX_SSRCS = 32  # distinct SSRCs one peer may use: 3 sources × 3 layers × (media + RTX), spare
RTX_SHARE = 0.5  # of the octets sent: what repair may cost a receiver's line
RTX_BURST = 64_000  # octets of repair at once
RTX_BURST_PACKETS = 128  # packets of repair at once; each costs what any other packet does
IP_UDP = 28  # octets of the headers of IPv4 and UDP
REPORT_SSRC = 1  # the bridge's own SSRC in feedback; no slot uses it

# Checks per second that are looked at from addresses of a peer that are not validated, together.
STRANGE_RATE = 50.0

# An address as `recvfrom` gives it: 2-tuple for IPv4, 4-tuple for IPv6.
Address = tuple[Any, ...]


class Pending(NamedTuple):
    """An address that was asked whether it is the peer's; ``sent_at`` in monotonic seconds."""

    transaction: bytes
    socket: int
    nominated: bool
    sent_at: float


class Source:
    """What a peer sends on one media line: a stream, or simulcast layers by rid."""

    __slots__ = ("announced", "asked_weak", "budget", "layers", "spec", "transport")

    def __init__(
        self, transport: Transport, spec: m.SourceSpec, budget: Callable[[Allowance], Budget]
    ) -> None:
        self.transport = transport
        self.spec = spec
        self.layers: dict[str, Layer] = {}
        self.announced: tuple[str, ...] = ()
        self.asked_weak = -1e9  # when a key frame was last asked for because of weak lines
        self.budget = budget(allowance(spec.kind, spec.bitrate))

    @property
    def ref(self) -> m.SourceRef:
        return m.SourceRef(transport=self.transport.id, name=self.spec.name)

    @property
    def known(self) -> list[Layer]:
        """Layers that were ever received, lowest first (the order of the rids in the offer)."""
        order = self.spec.rids or ("",)
        return [layer for rid in order if (layer := self.layers.get(rid)) is not None]

    def active(self, now: float) -> list[Layer]:
        """Layers that send now, lowest first."""
        return [layer for layer in self.known if layer.is_active(now)]

    def choose(self, prefer: str, now: float, at_most: str | None = None) -> Layer | None:
        """The layer a slot should show: the highest or the lowest that exists, none above
        ``at_most`` where there is one below."""
        active = self.active(now)
        if not active:
            return None
        order = self.spec.rids
        if at_most is not None and at_most in order and prefer == "highest":
            limit = order.index(at_most)
            active = [layer for layer in active if order.index(layer.rid) <= limit] or active[:1]
        return active[-1] if prefer == "highest" else active[0]

    def asked_for_weak(self, now: float) -> None:
        """A key frame was asked for because of weak lines."""
        self.asked_weak = now


class Transport:
    """One peer. Times are monotonic seconds, ``rtt`` in seconds (0: unknown)."""

    __slots__ = (
        "address",
        "addresses",
        "alerts",
        "booked",
        "bound",
        "cc_next",
        "cc_recorder",
        "cc_word",
        "check_credit",
        "cname",
        "downlink_loss",
        "dtls",
        "estimator",
        "ext_word",
        "extensions",
        "group",
        "id",
        "inbound",
        "kept_until",
        "keys",
        "label",
        "last_heard",
        "layers",
        "local_password",
        "local_ufrag",
        "ntp_offset",
        "octets_granted",
        "opened_at",
        "out",
        "outbound",
        "pacer",
        "packets_granted",
        "patient",
        "pending",
        "redundancy",
        "remb",
        "remote_password",
        "remote_ufrag",
        "reports",
        "retired",
        "rtt",
        "rtx_credit",
        "rtx_layers",
        "rtx_packet_credit",
        "seal",
        "slots",
        "slots_by_rtx_ssrc",
        "slots_by_ssrc",
        "socket",
        "sources",
        "ssrcs",
        "state",
        "strange_at",
        "strange_left",
        "stray",
        "tells_levels",
        "todo",
        "transactions",
        "weak",
    )

    def __init__(
        self, spec: m.Open, dtls: DtlsServer, now: float, *, estimation: bool = True
    ) -> None:
        self.id = spec.transport
        self.label = spec.label
        self.cname = spec.cname
        self.state: m.State = "checking"
        self.opened_at = now
        self.last_heard = now
        self.group = ""
        # ICE
        self.local_ufrag = spec.ice.local_ufrag
        self.local_password = spec.ice.local_password.encode()
        self.remote_ufrag = spec.ice.remote_ufrag.encode()
        self.remote_password = spec.ice.remote_password.encode()
        self.addresses: list[Address] = []
        self.address: Address | None = None
        self.socket = 0
        # Addresses that are being asked, checks that were seen and who sent them first, and what
        # is left (and since when) of the rate of checks, of each address and of strange ones:
        # `bridge.media.ice`.
        self.pending: dict[Address, Pending] = {}
        self.transactions: dict[bytes, Address] = {}
        self.check_credit: dict[Address, tuple[float, float]] = {}
        self.strange_left = STRANGE_RATE
        self.strange_at = now
        # Keys
        self.dtls = dtls
        self.keys: MasterKeys | None = None
        self.inbound: Inbound | None = None
        self.outbound: Outbound | None = None
        self.seal: Callable[[bytes, bytes, bytes], bytes] | None = None
        # Header extensions: one 32-bit word carries the only element the bridge sends.
        e = spec.extensions
        self.extensions = ExtensionIds(
            e.mid, e.rid, e.repaired_rid, e.audio_level, e.transport_cc, e.abs_send_time
        )
        self.cc_word = (e.transport_cc << 28 | 1 << 24) if e.transport_cc else 0
        self.ext_word = 0
        self.tells_levels = False  # whether sound goes out with its level: to who mixes it again
        self.cc_next = 0
        self.cc_recorder = Recorder()
        # Media
        self.sources = {s.name: self.make_source(s) for s in spec.sources}
        self.stray = self.make_budget(STRAY)  # of streams of no source (yet), of the handshake
        self.alerts = self.make_budget(ALERTS)
        self.reports = Budget(REPORTS)
        self.layers: dict[int, Layer] = {}
        self.rtx_layers: dict[int, Layer] = {}
        self.ssrcs: set[int] = set()
        self.retired: dict[int, int] = {}  # SSRC → wire index its last layer reached
        self.slots: dict[str, Slot] = {}
        self.slots_by_ssrc: dict[int, Slot] = {}
        self.slots_by_rtx_ssrc: dict[int, Slot] = {}
        self.todo: list[Slot] = []  # slots whose layers have a batch in this turn
        self.out: list[bytes] = []  # head, body, head, body, … (see udp._send_batch)
        # What its line carries; None: everybody is sent everything (a benchmark's switch)
        self.estimator: Estimator | None = Estimator(now) if estimation else None
        self.booked = 0  # transport-cc number up to which the estimator knows what was sent
        self.bound = 0  # bit/s that links shared with others leave it; 0: none
        self.kept_until = 0.0  # when its line has brought what was served of the past
        self.weak = False  # whether it gets less than it would like
        self.patient = spec.patient  # whether its wishes for key frames never hurry a source
        self.pacer: Pacer[tuple[Slot, Outgoing]] | None = None  # while its line is nearly full
        # What the peer told
        self.rtt = 0.0
        self.remb = 0
        self.downlink_loss = 0.0
        self.redundancy = Level()  # of the sound that it is sent
        self.ntp_offset: int | None = None  # bridge NTP - peer NTP, 32.32
        self.rtx_credit = float(RTX_BURST)
        self.rtx_packet_credit = float(RTX_BURST_PACKETS)
        self.octets_granted = 0  # octets sent for which repair has got its share
        self.packets_granted = 0  # and packets

    @property
    def username(self) -> bytes:
        """Of its ICE checks (RFC 8445 section 7.2.2)."""
        return self.local_ufrag.encode() + b":" + self.remote_ufrag

    def reach(self, address: Address, socket: int) -> None:
        """It is at this address, behind this socket."""
        self.address, self.socket = address, socket
        self.changed()

    def tell_levels(self) -> None:
        """Whoever is there mixes sound again."""
        self.tells_levels = True

    def limit(self, bound: int) -> None:
        """Send at most so many bit/s; 0: no bound."""
        self.bound = bound

    def line(self, now: float) -> float:
        """bit/s that may be sent to it; 0 while nothing is known."""
        estimator = self.estimator
        if estimator is None:
            return 0.0
        estimate = estimator.estimate
        if not estimate and self.cc_word and not estimator.silent(now):
            estimate = estimator.rate.estimate
        bound = float(self.bound)
        return min(estimate, bound) if estimate and bound else estimate or bound

    def serves_until(self, at: float) -> None:
        """Its line is busy until then with pictures of the past."""
        self.kept_until = at

    def weaken(self, weak: bool) -> None:
        """Note whether it gets less than it would like."""
        self.weak = weak

    def pace(self, pacer: Pacer[tuple[Slot, Outgoing]] | None) -> None:
        """Spread pictures over time from now on, or no more."""
        self.pacer = pacer
        self.changed()

    def book(self, now: float, sure: bool) -> None:
        """Note in the estimator's book that ``out`` left at ``now``, or not ``sure``ly."""
        estimator = self.estimator
        if estimator is None:
            return
        out = self.out
        sizes = list(map(len, out[1::2]))
        extra = len(out[0]) + IP_UDP
        if not self.cc_word:
            estimator.count(sum(sizes) + extra * len(sizes))
            return
        estimator.sent(self.booked, now, sizes, extra, sure=sure)
        self.booked = self.cc_next

    def silence(self, now: float, since: float) -> float:
        """Seconds in which nothing was heard although somebody listened, ``since`` then."""
        return now - max(self.last_heard, since)

    def make_budget(self, allowance: Allowance) -> Budget:
        return Budget(allowance)

    def make_source(self, spec: m.SourceSpec) -> Source:
        return Source(self, spec, self.make_budget)

    def refill(self, seconds: float) -> None:
        """Let what it sends go on."""
        self.stray.refill(seconds)
        self.alerts.refill(seconds)
        self.reports.refill(seconds)
        for source in self.sources.values():
            source.budget.refill(seconds)

    def changed(self) -> None:
        """State, keys or addresses changed. For what keeps tables of them (`bridge.media.hot`)."""

    def released(self) -> None:
        """The transport was closed."""

    def add_slot(self, slot: Slot) -> None:
        self.slots[slot.name] = slot
        self.slots_by_ssrc[slot.ssrc] = slot
        if slot.rtx_ssrc:
            self.slots_by_rtx_ssrc[slot.rtx_ssrc] = slot

    def refuses_dtls(self, octets: int) -> Drop | None:
        """Why a DTLS datagram of this size is not looked at. A handshake has a budget, and what
        comes after it: whoever forges the peer's address may keep it from joining or from taking
        leave, and costs the others nothing."""
        if self.dtls.failure or self.dtls.closed:
            return Drop.DTLS_CLOSED
        budget = self.stray if self.dtls.keys is None else self.alerts
        return None if budget.take(octets) else Drop.DTLS_RATE

    def admits_stranger(self, now: float) -> bool:
        """Whether one more check from an address that is not validated is looked at."""
        left = min(STRANGE_RATE, self.strange_left + (now - self.strange_at) * STRANGE_RATE)
        if left < 1:
            return False
        self.strange_left, self.strange_at = left - 1, now
        return True

    def key(self, keys: MasterKeys) -> None:
        """Install the keys of a fresh DTLS association."""
        self.keys = keys
        self.inbound = Inbound(keys)
        self.outbound = Outbound(keys)
        self.seal = self.outbound.seal
        for slot in self.slots.values():
            slot.key(self.outbound.salt)
        self.changed()
