"""Codecs in a topology: what is taken, and the sentences about what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.loader import ConfigError, load
from config.needs import need_of
from config.vietnamese import vietnamese
from tests.paths import ROOT

GATEWAY = {"listen": "192.0.2.10"}
CODEC = {"uri": "sip:codec@192.0.2.20"}


def written(folder: Path, gateway: Any, codec: Any, **more: Any) -> Path:
    """The demo's topology with one codec."""
    document = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    if gateway is not None:
        document["bridge"]["sip"] = gateway
    document["points"][7] |= {"sip": codec, **more}
    path = folder / "topology.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [problem.sentence for problem in caught.value.problems]


def test_a_codec_has_a_need_of_its_own(tmp_path: Path) -> None:
    topology = load(written(tmp_path, GATEWAY, CODEC | {"bitrate": 768, "encryption": "sdes"}))
    codec = topology.points[7]
    assert codec.sip is not None
    assert (need_of(topology, codec).up, need_of(topology, codec).down) == (808, 808)
    assert topology.bridge.sip is not None
    assert topology.bridge.sip.port == 5060


@pytest.mark.parametrize(
    ("gateway", "codec", "more", "sentence"),
    [
        (None, CODEC, {}, "A codec needs the gateway"),
        (GATEWAY, CODEC, {"desk": "citizen"}, "A desk has a page to call with"),
        (GATEWAY, {"uri": "codec@192.0.2.20"}, {}, "'codec@192.0.2.20' is not a SIP address"),
        (GATEWAY, {"uri": "sip:a@b\r\nVia: x"}, {}, "is not a SIP address"),
        (GATEWAY, CODEC | {"answer": "digest"}, {}, "a codec that proves its password needs one"),
        (GATEWAY | {"first_port": 17000, "last_port": 17002}, CODEC, {}, "leave no room"),
    ],
)
def test_what_cannot_be_is_said_in_both_languages(
    tmp_path: Path, gateway: Any, codec: Any, more: dict[str, Any], sentence: str
) -> None:
    (found,) = problems(written(tmp_path, gateway, codec, **more))
    assert sentence in found
    assert vietnamese(found) != found


def test_two_codecs_have_two_addresses(tmp_path: Path) -> None:
    path = written(tmp_path, GATEWAY, CODEC)
    document = yaml.safe_load(path.read_text("utf-8"))
    document["points"][8]["sip"] = CODEC
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    assert any("is called at sip:codec@192.0.2.20 already" in found for found in problems(path))
