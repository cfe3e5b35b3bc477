"""Other bridges in a topology: what is wrong with them, each with its sentence."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from config.loader import ConfigError, loads
from tests.paths import ROOT

DEMO = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
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


@pytest.mark.parametrize(
    ("peers", "words"),
    [
        ([PEER], "the two never meet"),
        ([{**PEER, "address": "192.0.2.1", "point": "x"}], "There is no point 'x'"),
        ([{**PEER, "address": "192.0.2.1", "opens": "x"}], "There is no template 'x'"),
        ([{**PEER, "address": "192.0.2.1", "templates": ["x"]}], "There is no template 'x'"),
        ([{**PEER, "address": "192.0.2.1", "side": "beside"}], "must be 'above' or 'below'"),
        ([{**PEER, "address": "example"}], "is not an IP address"),
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
def test_what_is_wrong_is_a_sentence(peers: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        loads(with_peers(*peers))


def test_one_that_connects_to_us_needs_no_address() -> None:
    assert loads(with_peers(PEER, listen="192.0.2.9")).peers[0].address is None
