"""One changed, removed, inserted or reordered event breaks the chain; its hashes are those that
`sha256sum` makes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.proof.chain import BEGIN, GENESIS, Link, Walked, line, link, seq_of, walk

TEXT = st.text(max_size=20)
EVENTS = st.lists(st.tuples(st.floats(0, 4e9), TEXT, TEXT), min_size=2, max_size=12)


def chained(events: list[tuple[float, str, str]]) -> list[Link]:
    links, head = [], GENESIS
    for seq, (at, actor, reason) in enumerate(events, 1):
        encoded = line("hop-1", seq, at, actor, reason, '{"type":"started"}')
        head = link(head, encoded)
        links.append(Link(seq, encoded, head))
    return links


def rehashed(links: list[Link]) -> list[Link]:
    """What somebody writes who can do sums: numbers and hashes that fit each other."""
    made, head = [], GENESIS
    for seq, item in enumerate(links, 1):
        head = link(head, item.line)
        made.append(Link(seq, item.line, head))
    return made


def test_the_encoding_is_what_it_was() -> None:
    """Every log that is kept depends on these octets."""
    encoded = line("hop-1", 2, 1764150000.25, "user:lan", "start", '{"type":"started"}')
    assert encoded == (
        b'{"conference":"hop-1","seq":2,"at":1764150000.25,"actor":"user:lan","reason":"start",'
        b'"event":{"type":"started"}}'
    )
    assert link(GENESIS, encoded) == hashlib.sha256(b"0" * 64 + b"\n" + encoded + b"\n").hexdigest()
    assert line("h", 1, 5, "Lan\n\"'", "ư", "{}") == (
        b'{"conference":"h","seq":1,"at":5.0,"actor":"Lan\\n\\"\'","reason":"\xc6\xb0","event":{}}'
    )
    assert seq_of(encoded) == 2


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is missing")
def test_a_shell_can_follow_a_chain() -> None:
    links = chained([(1.0, "ư", "x y"), (2.0, "b", "$HOME `id`"), (3.5, "", "\\n")])
    lines = b"".join(item.line + b"\n" for item in links)
    script = (
        f"h={GENESIS}; while IFS= read -r line; do "
        'h=$(printf "%s\\n%s\\n" "$h" "$line" | sha256sum | cut -c1-64); done; printf %s "$h"'
    )
    done = subprocess.run(["sh", "-c", script], input=lines, capture_output=True, check=True)
    assert done.stdout.decode() == links[-1].hash


@given(EVENTS)
def test_a_whole_chain_holds_however_it_is_cut_into_portions(
    events: list[tuple[float, str, str]],
) -> None:
    links = chained(events)
    assert walk(links) == Walked(len(links), links[-1].hash)
    half = len(links) // 2
    assert walk(links[half:], walk(links[:half])) == walk(links)
    assert walk([]) == BEGIN


@given(EVENTS, st.data())
def test_one_changed_event_is_found(
    events: list[tuple[float, str, str]], data: st.DataObject
) -> None:
    links = chained(events)
    which = data.draw(st.integers(0, len(links) - 1))
    octet = data.draw(st.integers(0, len(links[which].line) - 1))
    flipped = bytearray(links[which].line)
    flipped[octet] ^= data.draw(st.integers(1, 255))
    links[which] = links[which]._replace(line=bytes(flipped))
    assert walk(links)[::2] == (which, "hash")
    assert walk(rehashed(links)).head != chained(events)[-1].hash, "the signed head tells it"


@given(EVENTS, st.data())
def test_one_removed_event_is_found(
    events: list[tuple[float, str, str]], data: st.DataObject
) -> None:
    links = chained(events)
    which = data.draw(st.integers(0, len(links) - 1))
    del links[which]
    found = walk(links)
    assert found.fault or found.events < len(events), "the last one: fewer than were signed"
    assert walk(rehashed(links)).head != chained(events)[-1].hash


@given(EVENTS, st.data())
def test_one_inserted_event_is_found(
    events: list[tuple[float, str, str]], data: st.DataObject
) -> None:
    links = chained(events)
    which = data.draw(st.integers(0, len(links)))
    extra = line("hop-1", which + 1, 5.0, "user:x", "start", '{"type":"ended"}')
    links.insert(which, Link(which + 1, extra, "ab" * 32))
    assert walk(links).fault
    assert walk(rehashed(links)).head != chained(events)[-1].hash


@given(EVENTS, st.data())
def test_two_events_in_another_order_are_found(
    events: list[tuple[float, str, str]], data: st.DataObject
) -> None:
    links = chained(events)
    a = data.draw(st.integers(0, len(links) - 2))
    b = data.draw(st.integers(a + 1, len(links) - 1))
    links[a], links[b] = links[b], links[a]
    assert walk(links)[::2] == (a, "number")
    assert walk(rehashed(links)).head != chained(events)[-1].hash


@pytest.mark.parametrize("text", [b"", b"{}", b"nonsense", b"[" * 5000, b'{"seq":"x"}'])
def test_what_is_no_line_of_an_event(text: bytes) -> None:
    with pytest.raises(ValueError, match="not the line"):
        seq_of(text)
