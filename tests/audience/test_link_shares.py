"""What viewers may take of links: never more than the share, and apart from what points need."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.audience.link_shares import LinkShares, rounded
from config.schema import Link, Name, Topology
from tests.control_support import TOPOLOGY


def link(ident: str, capacity: float, parent: str | None = None, *networks: str) -> Link:
    return Link(
        id=ident,
        name=Name(vi=ident),
        parent=parent,
        capacity=capacity,
        audience_share=0.1,
        networks=list(networks),
    )


def topology(*links: Link) -> Topology:
    return TOPOLOGY.model_copy(update={"links": list(links)})


TREE = topology(
    link("root", 100, None, "10.0.0.0/8"),
    link("xa", 20, "root", "10.1.0.0/16", "2001:db8:1::/48"),
    link("hall", 10, "xa", "10.1.2.0/24"),
)


@pytest.mark.parametrize(
    ("address", "way"),
    [
        ("10.9.9.9", ("root",)),
        ("10.1.9.9", ("xa", "root")),
        ("10.1.2.3", ("hall", "xa", "root")),
        ("::ffff:10.1.2.3", ("hall", "xa", "root")),
        ("2001:db8:1::5", ("xa", "root")),
        ("192.0.2.1", ("root",)),
        ("", ("root",)),
    ],
)
def test_where_a_viewer_is(address: str, way: tuple[str, ...]) -> None:
    assert LinkShares(TREE).way(address) == way


@given(st.lists(st.sampled_from([("root",), ("xa", "root"), ("hall", "xa", "root")]), max_size=300))
def test_no_link_gives_more_than_its_share(ways: list[tuple[str, ...]]) -> None:
    shares = LinkShares(TREE)
    bounds = shares.bounds(ways)
    taken = Counter[str]()
    for way in ways:
        for each in way:
            taken[each] += bounds[way]
    assert all(taken[each] <= budget for each, budget in shares.budgets.items())


def test_a_link_is_full_where_the_sound_of_one_more_does_not_fit() -> None:
    shares = LinkShares(TREE)  # 1 Mbit/s for viewers behind hall, 120 kbit/s of sound each
    hall = shares.way("10.1.2.3")
    assert shares.full([hall] * 7, hall) == ""
    assert shares.full([hall] * 8, hall) == "hall"
    assert shares.full([hall] * 8, shares.way("10.1.9.9")) == ""


@pytest.mark.parametrize(
    ("host", "address", "way"),
    [
        ("", "10.1.2.3", ("hall", "xa", "root")),
        ("10.1.9.9", "10.1.2.3", ("hall",)),
        ("10.1.9.9", "10.1.8.8", ()),
        ("10.1.9.9", "10.9.9.9", ("xa",)),
        ("10.9.9.9", "10.1.2.3", ("hall", "xa")),
        ("10.1.2.4", "", ("hall", "xa")),
        ("192.0.2.9", "10.1.9.9", ("xa", "root")),
    ],
)
def test_who_is_served_elsewhere_is_behind_the_links_to_there(
    host: str, address: str, way: tuple[str, ...]
) -> None:
    assert LinkShares(TREE).served_from(host, address) == way


def test_a_relay_takes_the_links_to_its_machine_once_for_each_conference() -> None:
    shares = LinkShares(TREE)
    best, content = TOPOLOGY.media.layers[-1].bitrate, TOPOLOGY.media.content
    leg = best + content + 120
    assert shares.legs([]) == {}
    assert shares.legs(["10.1.9.9", "10.1.9.9", "10.9.9.9"]) == {"xa": 2 * leg, "root": 3 * leg}
    assert not shares.carries_leg("10.1.9.9", []), "a tenth of 20 Mbit/s is less than its 3.1"
    assert shares.carries_leg("10.9.9.9", [("root",)] * 50)
    assert not shares.carries_leg("10.9.9.9", [("root",)] * 60), "the sound of others goes first"
    assert not shares.carries_leg("10.9.9.9", [], {"root": 7000})


def test_a_bound_does_not_change_with_everyone_that_comes() -> None:
    steps = {rounded(count) for count in range(1, 1001)}
    assert len(steps) < 80
    assert all(rounded(count) >= count for count in range(1, 1001))
    assert all(rounded(count) <= max(count + 1, count * 1.11) for count in range(1, 1001))


def test_points_and_viewers_share_no_bit_of_a_link() -> None:
    assert Link(id="a", name=Name(vi="a"), capacity=1, video_share=0.95).for_audience < 0.051
    assert Link(id="a", name=Name(vi="a"), capacity=1).for_audience == 0.1
    with pytest.raises(ValidationError, match="more than the link"):
        Link(id="a", name=Name(vi="a"), capacity=1, video_share=0.8, audience_share=0.3)
