"""What bridges tell each other: hop lists, limits, the wire and hostile octets."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.control.peers.rules import hop_paths, peer_ends, peer_wire
from bridge.control.peers.rules.peer_limits import Limits
from bridge.control.peers.rules.peer_wire import BadPeerMessage, Place, Stands
from bridge.control.peers.rules.standing import changes
from bridge.media import messages as m

Edges = list[tuple[int, int]]


def told(count: int, edges: Edges, rounds: int) -> dict[tuple[int, int], tuple[str, ...]]:
    """What every bridge has told every neighbour after so many rounds."""
    both = [*edges, *((b, a) for a, b in edges)]
    said: dict[tuple[int, int], tuple[str, ...]] = dict.fromkeys(both, ())
    for _ in range(rounds):
        said = {
            (a, b): hop_paths.passes(
                f"{a:016x}", [said[c, d] for c, d in both if d == a and c != b]
            )
            for a, b in both
        }
    return said


def finds_a_loop(count: int, edges: Edges) -> bool:
    said = told(count, edges, count + 1)
    return any(hop_paths.loops(f"{b:016x}", passed) for (_, b), passed in said.items())


def joined(count: int, edges: Edges) -> bool:
    """Whether a graph has a cycle, by union and find."""
    root = list(range(count))

    def find(n: int) -> int:
        while root[n] != n:
            n = root[n]
        return n

    for a, b in edges:
        if find(a) == find(b):
            return True
        root[find(a)] = find(b)
    return False


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 7).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(
                st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(
                    lambda e: e[0] < e[1]
                ),
                unique=True,
                max_size=9,
            ),
        )
    )
)
def test_loops_are_found_and_only_loops(graph: tuple[int, Edges]) -> None:
    count, edges = graph
    assert finds_a_loop(count, edges) == joined(count, edges)


def test_a_province_of_24_districts_is_no_loop() -> None:
    edges = [(0, n) for n in range(1, 25)]
    assert not finds_a_loop(25, edges)
    assert len(told(25, edges, 4)[0, 1]) == 24


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'{"type":"nothing"}',
        b'{"type":"stands","wants":1}',
        b'{"type":"stands","passes":["x"]}',
        b'{"type":"stands","link":"peer-00"}',
        b'{"type":"stands","vi":"a\\nb"}',
        b'{"type":"stands","asking_for":"\\u202e"}',
        b'{"type":"stands","floor":"mine"}',
        b'{"type":"stands","members":[{"id":"../x","vi":"a","en":"a","present":true}]}',
        b'{"type":"stands","members":[{"id":"x","vi":"","en":"a","present":true}]}',
        b'{"type":"hello","version":1,"bridge":"zz"}',
        b'{"type":"media","link":"peer-0000000000000000","codec":"vp8","places":[]}',
        b"[" * 100_000,
        b'{"type":"stands","conference":"' + b"a" * peer_wire.MAX_LINE + b'"}',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_message_is_one_thing(line: bytes) -> None:
    with pytest.raises(BadPeerMessage):
        peer_wire.decode(line)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_octets_are_a_message_or_bad(line: bytes) -> None:
    try:
        peer_wire.decode(line)
    except BadPeerMessage:
        return


def test_a_newer_bridge_may_say_more() -> None:
    found = peer_wire.decode(b'{"type":"stands","wants":true,"mood":"fine"}')
    assert found == Stands(wants=True)


def test_requests_are_a_few_a_minute() -> None:
    limits = Limits(6)
    taken = sum(limits.requests.take(1, now / 10) for now in range(600))
    assert 8 <= taken <= 9


def test_attendance_is_told_by_its_differences() -> None:
    def member(ident: str, *, present: bool) -> peer_wire.ToldMember:
        return peer_wire.ToldMember(id=ident, vi=ident, en=ident, present=present)

    before = {"a": member("a", present=True), "b": member("b", present=False)}
    assert changes("p", before, tuple(before.values())) is None
    noted = changes("p", before, (member("b", present=True), member("c", present=True)))
    assert noted is not None
    assert [x.id for x in noted.members] == ["b", "c"]
    assert (noted.gone, noted.total, noted.present) == (("a",), 2, 2)
    twice = changes("p", {}, (member("a", present=True), member("a", present=False)))
    assert twice is not None
    assert (twice.total, twice.present) == (1, 0)


def test_both_choose_addresses_of_one_family() -> None:
    offered = (Place(host="2001:db8::1", port=5004), Place(host="192.0.2.1", port=5004))
    own = (m.MediaAddress(host="192.0.2.9", port=5004),)
    assert peer_ends.choose(offered, own) == (1, 0)
    assert peer_ends.choose(offered[:1], own) is None
    assert peer_ends.choose((Place(host="1.2", port=1),), own) is None
    assert msgspec.json.encode(offered[0])
