"""Other bridges in a topology: what is wrong with them, each with its sentence."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from config.loader import ConfigError, loads
from config.vietnamese import vietnamese
from tests.paths import ROOT

DEMO = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
KIND, OTHER, SMALL = "giao-ban", "khan", "hep"  # templates; the last has some points only
DEMO["templates"].append(
    {"id": SMALL, "title": {"vi": "Họp hẹp"}, "points": ["hoi-truong", "chi-ne"]}
)
OBSERVER = "yen-bong"
(next(point for point in DEMO["points"] if point["id"] == OBSERVER))["role"] = "observer"
PEER = {"id": "tinh", "point": "phong-hop", "side": "above", "certificates": ["tinh.crt"]}


def with_peers(*peers: dict[str, Any], **peering: Any) -> str:
    document = {**DEMO, "bridge": {**DEMO["bridge"]}, "peers": list(peers)}
    if peering:
        document["bridge"]["peering"] = peering
    return yaml.safe_dump(document, allow_unicode=True)


def test_a_peer_is_a_point() -> None:
    found = loads(with_peers({**PEER, "address": "192.0.2.1"}))
    assert found.peer_of("phong-hop") == found.peers[0]
    assert found.peer_of("chi-ne") is None


def test_one_of_several_hosts_has_an_address_each() -> None:
    one, two = "192.0.2.1", "2001:db8::2"
    assert loads(with_peers({**PEER, "address": one})).peers[0].address == [one]
    assert loads(with_peers({**PEER, "address": [one, two]})).peers[0].address == [one, two]


@pytest.mark.parametrize(
    ("peers", "words"),
    [
        ([PEER], "the two never meet"),
        ([{**PEER, "address": "192.0.2.1", "point": "x"}], "There is no point 'x'"),
        ([{**PEER, "address": "192.0.2.1", "opens": "x"}], "There is no template 'x'"),
        ([{**PEER, "address": "192.0.2.1", "templates": ["x"]}], "There is no template 'x'"),
        (
            [{**PEER, "address": "192.0.2.1", "templates": [KIND], "opens": OTHER}],
            f"template '{OTHER}' is not among this peer's templates",
        ),
        (
            [{**PEER, "point": "an-binh", "address": "192.0.2.1", "opens": SMALL}],
            f"template '{SMALL}' does not have the point 'an-binh'",
        ),
        ([{**PEER, "point": OBSERVER, "address": "192.0.2.1"}], "cannot be another bridge"),
        ([{**PEER, "address": "192.0.2.1", "side": "beside"}], "must be 'above' or 'below'"),
        ([{**PEER, "address": "example"}], "is not an IP address"),
        ([{**PEER, "address": ["192.0.2.1", "example"]}], "is not an IP address"),
        ([{**PEER, "address": []}], "at least 1 entries"),
        ([{**PEER, "address": "192.0.2.1", "certificates": []}], "at least 1 entries"),
        (
            [
                {**PEER, "address": "192.0.2.1"},
                {**PEER, "id": "b", "point": "chi-ne", "address": "192.0.2.2"},
            ],
            "one bridge is one peer",
        ),
        (
            [
                {**PEER, "address": "192.0.2.1"},
                {**PEER, "id": "b", "certificates": ["b.crt"], "address": "192.0.2.2"},
            ],
            "is another peer already",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence_in_both_languages(
    peers: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        loads(with_peers(*peers))
    for problem in caught.value.problems:
        assert vietnamese(problem.sentence) != problem.sentence, problem.sentence


@pytest.mark.parametrize("given", ["certificate", "key"])
def test_our_own_certificate_goes_with_its_key(given: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(with_peers(PEER, listen="192.0.2.9", **{given: "own.pem"}))
    (problem,) = caught.value.problems
    assert problem.path == f"bridge.peering.{given}"
    assert "give bridge.peering both" in problem.sentence
    assert vietnamese(problem.sentence).startswith("Chứng thư đi cùng khóa")
    both = {"certificate": "own.pem", "key": "own.key"}
    assert loads(with_peers(PEER, listen="192.0.2.9", **both)).bridge.peering.key == "own.key"


def test_one_that_connects_to_us_needs_no_address() -> None:
    assert loads(with_peers(PEER, listen="192.0.2.9")).peers[0].address is None
