"""When pictures count as there again, and what the demo says of it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.conference.plan import AUDIO, PROGRAMME
from bridge.demo.findings import Findings
from bridge.demo.hosts.again import Again
from bridge.demo.hosts.lost_host import document, sentence

AT = 100.0


def told(receiver: str, slot: str, source: str, since: float, stands: str = "") -> dict[str, Any]:
    shown = {"slot": slot, "point": source, "since": since}
    return {"point": receiver, "slots": [shown], "stands": {slot: stands} if stands else {}}


@pytest.mark.parametrize(
    ("said", "programme", "pictures"),
    [
        (told("a", PROGRAMME, "b", 101.5), {"a": 1.5}, {}),
        (told("a", PROGRAMME, "b", 99.0), {}, {}),  # of before
        (told("a", PROGRAMME, "", 101.5), {}, {}),  # a picture that nobody knows
        (told("a", "t1", "b", 102.0, "b"), {}, {("a", "b"): 2.0}),
        (told("a", "t1", "b", 102.0, "c"), {}, {}),  # it is to be somebody else's
        (told("a", "t1", "a", 102.0, "a"), {}, {}),  # its own
        (told("a", f"{AUDIO}1", "b", 102.0, "b"), {}, {}),
    ],
)
def test_what_counts(
    said: dict[str, Any], programme: dict[str, float], pictures: dict[tuple[str, str], float]
) -> None:
    again = Again("abc", AT)
    again.add(said)
    assert (again.programme, again.pictures) == (programme, pictures)


def test_all_are_there_when_each_sees_each_and_the_first_time_counts() -> None:
    again = Again("ab", AT)
    again.add(told("a", PROGRAMME, "b", 101.0))
    again.add(told("b", PROGRAMME, "a", 103.0))
    assert again.all_have_the_programme
    there = again.complete
    assert not there
    again.add(told("a", "t1", "b", 102.0, "b"))
    again.add(told("a", "t1", "b", 110.0, "b"))
    again.add(told("b", "t1", "a", 104.0, "a"))
    assert again.complete
    assert again.pictures == {("a", "b"): 2.0, ("b", "a"): 4.0}


def test_a_run_is_good_only_where_all_was_verified_before_and_after() -> None:
    missing = document(Again("ab", AT), 2, 0.5, Findings("ab"), Findings("ab"))
    assert missing["ok"] is False
    assert missing["lost"] == {"leader_s": 0.5, "programme_s": None, "pictures_s": None}
    assert "large picture again not at all" in sentence(missing)
    again = Again("ab", AT)
    before, after = Findings("ab"), Findings("ab")
    for receiver, source in (("a", "b"), ("b", "a")):
        again.add(told(receiver, PROGRAMME, source, 101.0))
        again.add(told(receiver, "t1", source, 102.5, source))
        for findings in (before, after):
            findings.pictures.add((receiver, source))
            findings.sounds.add((receiver, source))
    good = document(again, 2, 0.5, before, after)
    assert good["ok"] is True
    said = sentence(good)
    assert "2 of 2 pictures and 2 of 2 sounds before a host was lost" in said
    assert "after 0.5 s; all points had their large picture again after 1.0 s" in said
    before.sounds.clear()
    assert document(again, 2, 0.5, before, after)["ok"] is False
    assert document(again, 1, 0.5, after, after)["ok"] is False
