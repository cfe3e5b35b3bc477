"""The compiled turn does what the Python path does: random histories through both, everything that
leaves and everything that is counted compared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bridge.media import messages as m
from bridge.media import rtcp, rtp, srtp, stun
from bridge.media.budget import ALERTS
from bridge.media.transport import STRANGE_RATE
from tests.media.support import (
    CLIENT_CM,
    LEVEL,
    MID,
    RID,
    RRID,
    Bench,
    TestPeer,
    audio,
    audio_slot,
    camera,
    microphone,
    sequence_number_of,
    video,
    video_slot,
)

ABS_SEND_TIME = 7
TIMED = m.Extensions(mid=MID, rid=RID, repaired_rid=RRID, audio_level=LEVEL, abs_send_time=7)
BARE = m.Extensions(mid=MID, rid=RID, repaired_rid=RRID, audio_level=LEVEL)
SOURCES = ("a", "b")
STARTS = (0, 1, 127, 128, 32767, 32768, 65534, 65535)

# Counted where Python hands packets to a socket; there is none here, see test_udp.
OF_SOCKETS = ("octets_out", "gso_batches", "gso_segments", "sends_single")

STRANGER = ("127.0.0.66", 6666)
CHECKS = ("check", "wrong")  # with a right username
KINDS = (
    *CHECKS,
    *("nobody", "no name", "long", "answer", "indication", "cookie"),
    *("hello", "media", "report", "other", "empty", "huge", "bytes"),
)
JUNK = st.tuples(
    st.sampled_from(["stranger", "stranger", "r", "a"]),  # from whose address
    st.sampled_from(["check", *KINDS]),
    st.sampled_from([1, 1, 1, 3, 70]),
    st.binary(max_size=40),
)

Step = tuple[Any, ...]
JUMP = st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1, -2, 3, -300])
PACKET = st.tuples(
    st.sampled_from(SOURCES),
    JUMP,
    st.sampled_from([False, False, False, True]),  # a key frame
    st.sampled_from([40, 300, 300, 301, 1100]),
    st.sampled_from(["", "", "", "", "", "", "forged", "cut", "twice", "padded"]),
)
STEP = st.one_of(
    st.tuples(st.just("media"), st.lists(PACKET, min_size=1, max_size=8)),
    st.tuples(st.just("media"), st.lists(PACKET, min_size=1, max_size=8)),
    st.tuples(st.just("sound"), st.sampled_from(SOURCES), st.integers(0, 127), JUMP),
    st.tuples(
        st.just("route"), st.sampled_from([*SOURCES, None]), st.sampled_from(["r", "t", "n"])
    ),
    st.tuples(st.just("nack"), st.integers(-8, 2), st.sampled_from("rt")),
    st.tuples(st.just("leap"), st.sampled_from(SOURCES), st.sampled_from([900, 1500, 32_000])),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.05, 0.6, 1.2])),
    st.tuples(st.just("flood"), st.sampled_from(SOURCES)),
    st.tuples(st.just("junk"), st.lists(JUNK, min_size=1, max_size=3)),
)


@pytest.fixture(autouse=True, scope="module")
def path() -> str:
    """Not each by itself: both paths are in every test here."""
    return "both"


class History:
    """One meeting on one path. The same seed gives the same keys nowhere: what is compared is in
    the clear."""

    def __init__(self, path: str, start: int) -> None:
        self.bench = b = Bench(seed=start, path=path)
        for number, name in enumerate(SOURCES):
            b.join(name, (camera(ssrc=1000 + number, rtx_ssrc=3000 + number), microphone()))
        slots = (video_slot("one", 5000), video_slot("two", 6000), audio_slot("ear", 7000))
        b.join("r", (), slots)
        b.join("t", (), slots, extensions=TIMED)
        b.join("n", (), slots, extensions=BARE)
        b.join("c", (), slots, identity=CLIENT_CM)
        for receiver in "rtnc":
            b.route(receiver, "one", "a")
            b.route(receiver, "two", "b")
            b.route(receiver, "ear", "a", name="microphone")
        self.position = dict.fromkeys(SOURCES, start)
        self.heard = dict.fromkeys(SOURCES, start)
        self.picture = 0

    def do(self, step: Step) -> None:
        b = self.bench
        match step:
            case ("media", packets):
                # A switch comes before all packets of its turn in Python; of those, the compiled
                # turn sends the old source's first. Both are right, so there is no such turn.
                for source in SOURCES if self._switching() else ("",):
                    datagrams = []
                    for packet in packets:
                        if source in ("", packet[0]):
                            datagrams += self._packet(*packet)
                    self._arrive(datagrams)
            case ("sound", source, level, jump):
                self.heard[source] += 1
                number = self.heard[source] + jump
                packet = audio(number & 0xFFFF, ssrc=2000 + SOURCES.index(source), level=level)
                sealed = self._seal(source, packet, number)
                self._arrive([(sealed, b.peers[source].address)] if number >= 0 else [])
            case ("route", source, receiver):
                b.route(receiver, "one", source)
            case ("nack", back, receiver):
                peer = b.peers[receiver]
                sent = peer.packets("one")
                last = sequence_number_of(sent[-1]) if sent else 0
                numbers = [(last + back + i) & 0xFFFF for i in range(4)]
                b.send_rtcp(peer, rtcp.build_nack(9, peer.slot("one").ssrc, numbers))
            case ("leap", source, count):
                self.position[source] += count
            case ("wait", seconds):
                b.run(seconds, 0.05)
            case ("flood", source):
                datagrams = []
                for _ in range(60):
                    datagrams += self._packet(source, 0, False, 40, "twice")
                self._arrive(datagrams)
            case ("junk", kinds):
                junk = []
                for sender, kind, count, octets in kinds:
                    address = STRANGER if sender == "stranger" else b.peers[sender].address
                    junk += [(self._junk(kind, octets), address)] * count
                self._arrive(junk)
        b.now += 0.02

    def _junk(self, kind: str, octets: bytes) -> bytes:
        """A datagram that nothing, or not much, may come of."""
        peer = self.bench.peers["r"]
        check = peer.peer.check()
        match kind:
            case "check":
                return check
            case "wrong":
                return check[:-30] + bytes(30)
            case "nobody":
                name = "nobody:" + octets.hex()
                return stun.binding_request(octets[:12].ljust(12), username=name, password=b"x")
            case "no name":
                return stun.seal(stun.BINDING_REQUEST, bytes(12), b"", b"x")
            case "long":
                return check[:2] + (2000).to_bytes(2, "big") + check[4:20] + bytes(2000)
            case "answer":
                return stun.seal(stun.BINDING_SUCCESS, octets[:12].ljust(12), b"", b"x")
            case "indication":
                return b"\0\x11" + check[2:]
            case "cookie":
                return check[:4] + octets[:4].ljust(4) + check[8:]
            case "hello" | "media" | "report" | "other":
                first = {"hello": 22, "media": 0x80, "report": 0x80, "other": 0x50}[kind]
                return bytes([first, 200 if kind == "report" else 96]) + octets
            case "empty":
                return b""
            case "huge":
                return bytes([octets[0] if octets else 0]) * 1501
        return octets

    def _switching(self) -> bool:
        transports = self.bench.core.transports.values()
        return any(layer.waiters for t in transports for layer in t.layers.values())

    def _packet(
        self, source: str, jump: int, key: bool, size: int, harm: str
    ) -> list[tuple[bytes, Any]]:
        self.position[source] += 1
        number = self.position[source] + jump
        if number < 0:
            return []
        self.picture += 1
        packet = video(
            number,
            key=key,
            ssrc=1000 + SOURCES.index(source),
            size=size,
            picture_id=self.picture & 0x7FFF,
            transport_cc=number & 0xFFFF,
        )
        if harm == "padded":
            packet = bytes([packet[0] | 0x20]) + packet[1:] + bytes([0, 0, 3])
        sealed = self._seal(source, packet, number)
        if harm == "forged":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        elif harm == "cut":
            sealed = sealed[:30]
        address = self.bench.peers[source].address
        return [(sealed, address)] * (2 if harm == "twice" else 1)

    def _seal(self, source: str, packet: bytes, number: int) -> bytes:
        out = self.bench.peers[source].tx
        assert out.seal is not None
        offset = rtp.header_size(packet)
        ssrc = int.from_bytes(packet[8:12], "big")
        nonce = srtp.nonce(out.salt, ssrc, max(0, number))
        return packet[:offset] + out.seal(nonce, packet[offset:], packet[:offset])

    def _arrive(self, datagrams: list[tuple[bytes, Any]]) -> None:
        self.bench.receive_all(datagrams)
        self.bench.settle()


def outcome(peer: TestPeer, cc: bool) -> dict[str, Any]:
    """What a receiver got, stream by stream, apart from transport-cc numbers; these as a whole."""
    streams: dict[bytes, list[bytes]] = {}
    numbers = []
    for packet in peer.received:
        numbers.append(int.from_bytes(packet[17:19], "big") if cc else 0)
        stripped = packet[:16] + packet[20:] if cc else packet
        streams.setdefault(packet[8:12], []).append(stripped)
    return {"streams": streams, "numbers": sorted(numbers)}


def state(bench: Bench) -> dict[Any, Any]:
    """Everything that is counted or estimated."""
    counters = bench.core.counters.snapshot()
    for name in OF_SOCKETS:
        del counters[name]
    found: dict[Any, Any] = {"counters": counters}
    for name, transport in bench.core.transports.items():
        found[name, "heard"] = transport.last_heard
        found[name, "addresses"] = (transport.address, sorted(transport.addresses))
        found[name, "strangers"] = (transport.strange_left, transport.strange_at)
        for budget in ("stray", "alerts", "reports"):
            left = getattr(transport, budget)
            found[name, budget] = (left.packets, left.octets)
        found[name, "cc"] = transport.cc_next
        found[name, "arrivals"] = len(transport.cc_recorder)
        for source in transport.sources.values():
            found[name, source.spec.name, "budget"] = (source.budget.packets, source.budget.octets)
        for ssrc, layer in transport.layers.items():
            found[name, ssrc] = (
                *(layer.highest, layer.shift, layer.floor, layer.received, layer.octets),
                *(layer.transit, layer.jitter, layer.last_arrival, layer.audio_level),
                *(layer.top_forwarded, bool(layer.key_frame_wanted), sorted(layer.missing)),
                [packet and packet[0] for packet in layer.ring],
            )
        for slot in transport.slots.values():
            found[name, slot.name] = (slot.packets, slot.octets, slot.next_index, slot.offset)
    return found


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(STARTS), st.lists(STEP, max_size=25))
def test_both_paths_do_the_same(start: int, steps: list[Step]) -> None:
    opening: list[Step] = [
        *(("media", [(source, 0, True, 300, "")] * 2) for source in SOURCES),
        *(("sound", source, 30, 0) for source in SOURCES),
    ]
    python, compiled = History("python", start), History("compiled", start)
    for step in [*opening, *steps, ("media", [("a", 0, False, 300, "")] * 3)]:
        for history in (python, compiled):
            history.do(step)
        for name in "rtnc":
            got, expected = compiled.bench.peers[name], python.bench.peers[name]
            cc = name in "rc"
            assert outcome(got, cc) == outcome(expected, cc), (step, name)
        assert state(compiled.bench) == state(python.bench), step
    event(f"served what was kept {min(python.bench.core.counters.kept_served, 3)} times")


@pytest.mark.parametrize("sender", ["stranger", "r"])
@pytest.mark.parametrize("kind", KINDS)
def test_junk_is_refused_alike(kind: str, sender: str) -> None:
    """A hundred of a kind twice in one turn, again a little later, and after a second."""
    python, compiled = History("python", 1), History("compiled", 1)
    junk: Step = ("junk", [(sender, kind, 100, b"\x90\x60 something")] * 2)
    before = compiled.bench.core.left  # type: ignore[attr-defined]
    for step in (junk, ("junk", [(sender, kind, 3, b"")]), ("wait", 1.2), junk):
        for history in (python, compiled):
            history.do(step)
        assert state(compiled.bench) == state(python.bench), step
    left = compiled.bench.core.left - before  # type: ignore[attr-defined]
    if sender == "stranger":
        assert left <= (2 * STRANGE_RATE if kind in CHECKS else 0)
    elif kind == "hello":
        assert left <= 2 * (ALERTS.packets + 1)


# From 65535 the first packet is in its second cycle already, which no receiver can guess.
@pytest.mark.parametrize("start", [start for start in STARTS if start < 65535])
def test_a_plain_conference_is_the_compiled_turns(start: int) -> None:
    """Nearly all packets must take the compiled way, or the figures are not what they claim."""
    history = History("compiled", start)
    for _ in range(4):
        history.do(("media", [("a", 0, True, 300, ""), ("b", 0, True, 300, "")]))
    before = history.bench.core.taken  # type: ignore[attr-defined]
    for _ in range(20):
        history.do(("media", [("a", 0, False, 300, "")] * 5 + [("b", 0, False, 200, "")] * 5))
    taken = history.bench.core.taken - before  # type: ignore[attr-defined]
    assert taken == 20 * 10 * 3, "three receivers under AES-GCM"
    for name in "rtnc":
        assert len(history.bench.peers[name].received) >= 20 * 10


@pytest.mark.parametrize("start", [start for start in STARTS if start < 65535])
def test_what_is_kept_is_served_alike(start: int) -> None:
    """A receiver comes to a source that goes on: both begin with its newest key frame."""
    steps: list[Step] = [
        ("media", [("a", 0, True, 300, ""), ("b", 0, True, 300, "")]),
        *[("media", [("b", 0, False, 300, "")] * 2)] * 3,
        *(("route", "b", receiver) for receiver in "rtn"),
        ("media", [("b", 0, False, 300, "")] * 3),
        ("nack", -8, "r"),
        ("media", [("b", 0, True, 1100, ""), ("b", 0, False, 40, "")]),
    ]
    python, compiled = History("python", start), History("compiled", start)
    for step in steps:
        for history in (python, compiled):
            history.do(step)
        for name in "rtnc":
            got, expected = compiled.bench.peers[name], python.bench.peers[name]
            assert outcome(got, name in "rc") == outcome(expected, name in "rc"), (step, name)
        assert state(compiled.bench) == state(python.bench), step
    assert python.bench.core.counters.kept_served == 3
