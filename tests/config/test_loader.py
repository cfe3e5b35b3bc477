"""Topology files: good ones, and a corpus of bad ones with the exact message of each."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.loader import ConfigError, load, loads
from config.needs import bottleneck, link_loads, point_need
from config.schema import Template, Topology
from config.sentences import sentence_of
from config.vietnamese import TABLE, vietnamese
from tests.paths import ROOT

FOLDER = ROOT / "config"
LAC_THUY = (FOLDER / "lac-thuy.yaml").read_text("utf-8")


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loads(text, "x.yaml")
    for problem in caught.value.problems:
        assert vietnamese(problem.sentence) != problem.sentence, problem.sentence
    return [problem.format("x.yaml") for problem in caught.value.problems]


def changed(old: str, new: str, count: int = 1) -> str:
    assert old in LAC_THUY
    return LAC_THUY.replace(old, new, count)


def test_the_demo_has_the_twelve_points() -> None:
    topology = load(FOLDER / "lac-thuy.yaml")
    assert [point.id for point in topology.points] == [
        "hoi-truong",
        "phong-hop",
        "chi-ne",
        "ba-hang-doi",
        "an-binh",
        "dong-tam",
        "hung-thi",
        "khoan-du",
        "phu-nghia",
        "phu-thanh",
        "thong-nhat",
        "yen-bong",
    ]
    assert [point.probe for point in topology.points] == [f"127.0.12.{n}" for n in range(1, 13)]
    assert topology.conference.chair == "hoi-truong"


def test_the_example_uses_documentation_addresses_only() -> None:
    topology = load(FOLDER / "example.yaml")
    addresses = [topology.bridge.web.listen, *topology.bridge.media.listen]
    addresses += [point.probe or "" for point in topology.points]
    assert all(a.startswith(("192.0.2.", "2001:db8:")) for a in addresses)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["x.yaml:1:1: file: The file is empty."]),
        (
            "a: [",
            [
                "x.yaml:1:5: file: This is not YAML: expected the node content, but found "
                "'<stream end>'."
            ],
        ),
        ("a: &x 1\nb: *y\n", ["x.yaml:2:4: file: This is not YAML: found undefined alias 'y'."]),
        ("- 1", ["x.yaml:1:1: file: A block of keys is expected here."]),
        (
            changed("tier: town", "tier: no"),
            [
                "x.yaml:100:11: points[2].tier: YAML reads no as a truth value. If text is "
                "meant, put "
                'it in quotes: "no".'
            ],
        ),
        (
            changed("tier: town", "tier: 14:30"),
            [
                "x.yaml:100:11: points[2].tier: YAML reads 14:30 as a number in base 60. If "
                "text is "
                'meant, put it in quotes: "14:30".'
            ],
        ),
        (
            changed("tier: town", "tier: 0123"),
            [
                "x.yaml:100:11: points[2].tier: YAML reads 0123 as an octal number. If text is "
                "meant, "
                'put it in quotes: "0123".'
            ],
        ),
        (
            changed("tier: town", "tier: 123"),
            [
                "x.yaml:100:11: points[2].tier: Text is expected, not the number 123; put it in "
                "quotes: "
                '"123".'
            ],
        ),
        (
            changed("workers: 1", "worker: 1"),
            ["x.yaml:13:3: bridge.worker: This key is not known; check its spelling or remove it."],
        ),
        (
            changed("  workers: 1\n", "  workers: 1\n  workers: 2\n"),
            [
                "x.yaml:14:3: bridge.workers: This key stands here a second time; the first is "
                "on line "
                "13."
            ],
        ),
        (
            changed("id: dong-tam\n    name: {vi: Xã", "id: an-binh\n    name: {vi: Xã"),
            ["x.yaml:113:9: points[5].id: The id 'an-binh' is taken; the first is on line 108."],
        ),
        (
            changed("link: chi-ne", "link: chi-nê"),
            [
                "x.yaml:101:11: points[2].link: 'chi-nê' may only hold lower-case letters, "
                "digits and "
                "single hyphens.",
                "x.yaml:101:11: points[2].link: There is no link 'chi-nê' in links.",
            ],
        ),
        (
            changed("chair: hoi-truong", "chair: nobody"),
            ["x.yaml:18:10: conference.chair: The chair 'nobody' is not one of the points."],
        ),
        (
            changed("capacity: 1000", "capacity: 0"),
            ["x.yaml:34:15: links[0].capacity: 0 makes no sense here; it must be more than 0.0."],
        ),
        (
            changed("capacity: 1000", "capacity: .inf"),
            [
                "x.yaml:34:15: links[0].capacity: YAML reads .inf as a YAML float. If text is "
                "meant, "
                'put it in quotes: ".inf".'
            ],
        ),
        (
            changed("video_share: 0.6", "video_share: 1.5"),
            [
                "x.yaml:35:18: links[0].video_share: 1.5 makes no sense here; it must be at "
                "most 1.0."
            ],
        ),
        (
            changed("listen: 127.0.0.1", "listen: localhost"),
            ["x.yaml:8:13: bridge.web.listen: 'localhost' is not an IP address."],
        ),
        (
            changed("tier: district", "tier: district\n    role: observer"),
            ["x.yaml:91:11: points[0].role: The chair speaks, so it cannot be an observer."],
        ),
        (
            changed("tier: district", "tier: district\n    desk: officer"),
            ["x.yaml:91:11: points[0].desk: The chair meets others, so it cannot be a desk."],
        ),
        (changed("rid: h", "rid: q"), ["x.yaml:24:13: media.layers[1].rid: The rid 'q' is taken."]),
        (
            changed("height: 720", "height: 200"),
            ["x.yaml:25:24: media.layers[2].height: Layers go from the lowest to the highest."],
        ),
    ],
)
def test_bad_files(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_a_cycle_of_links() -> None:
    text = changed("parent: huyen", "parent: ba-hang-doi").replace(
        "Line to Ba Hàng Đồi town}\n    parent: huyen",
        "Line to Ba Hàng Đồi town}\n    parent: chi-ne",
    )
    assert problems(text) == [
        "x.yaml:38:13: links[1].parent: These links form a cycle: chi-ne → ba-hang-doi → chi-ne.",
        "x.yaml:43:13: links[2].parent: These links form a cycle: "
        "ba-hang-doi → chi-ne → ba-hang-doi.",
    ]


def test_everything_wrong_is_reported_at_once() -> None:
    text = changed("workers: 1", "worker: 1").replace("chair: hoi-truong", "chair: nobody")
    text = text.replace("tier: town", "tier: no", 1).replace("capacity: 1000", "capacity: -1")
    assert len(problems(text)) == 4


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, content in (("big", b"#" * (2 << 20)), ("latin", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigError):
            load(tmp_path / name)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "missing")


@given(st.text(max_size=200))
def test_any_text_is_refused_with_a_sentence(text: str) -> None:
    for problem in problems(text):
        assert problem.startswith("x.yaml:")
        assert problem.endswith(".")


@given(st.data())
def test_any_scalar_anywhere_never_fails_otherwise(data: st.DataObject) -> None:
    lines = LAC_THUY.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    scalar = data.draw(
        st.sampled_from(["~", "[]", "{}", "no", "1e400", "-1", "!!binary x", "2026-01-01", "<<: 1"])
    )
    lines[at] = lines[at].split(":")[0] + ": " + scalar
    with contextlib.suppress(ConfigError):
        loads("\n".join(lines), "x.yaml")


def test_needs() -> None:
    topology: Topology = load(FOLDER / "lac-thuy.yaml")
    need = point_need(topology.media, 12)
    assert need.up == 150 + 400 + 1500 + 1500 + 40
    assert need.down == 1500 + 11 * 150 + 1500 + 3 * 40
    loads_ = link_loads(topology)
    assert loads_["huyen"].need.down == 12 * need.down
    assert loads_["khoan-du"].need.down == 2 * need.down, "Yên Bồng hangs behind Khoan Dụ"
    yen_bong = topology.point("yen-bong")
    assert yen_bong is not None
    assert bottleneck(topology, yen_bong).link.id == "khoan-du"
    assert all(load.fits for load in loads_.values())


RELAYS = """
  audience:
    relays:
      - {id: may-2, address: 192.0.2.20, key: relay.key}
"""


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("      - {id: may-3, address: 192.0.2.20, port: 7444, key: relay.key}", None),
        ("      - {id: may-2, address: 192.0.2.21, key: relay.key}", "The id 'may-2' is taken."),
        (
            "      - {id: may-3, address: 192.0.2.20, port: 7443, key: relay.key}",
            "Another relay listens at 192.0.2.20, port 7443, already.",
        ),
        (
            "      - {id: may-3, address: '::', key: relay.key}",
            ":: is not the address of one machine.",
        ),
        (
            "      - {id: may-3, address: 239.1.2.3, key: relay.key}",
            "239.1.2.3 is not the address of one machine.",
        ),
    ],
)
def test_machines_for_viewers_have_names_and_places_of_their_own(
    more: str, expected: str | None
) -> None:
    text = changed("\nbridge:", f"\nbridge:{RELAYS}{more}")
    if expected is None:
        assert len(loads(text, "x.yaml").bridge.audience.relays) == 2
    else:
        (found,) = problems(text)
        assert found.endswith(expected)
        assert "bridge.audience.relays[1]" in found


def test_every_sentence_has_its_vietnamese() -> None:
    english = {"the", "this", "is", "are", "not", "must", "here", "a", "of"}
    for sentence, translated in TABLE.items():
        places = set(re.findall(r"{[a-z]+}", translated))
        assert places <= set(re.findall(r"{[a-z]+}", sentence)), sentence
        assert not english & set(translated.lower().split()), translated
        assert translated.endswith((".", "}")), translated
    assert vietnamese("'2026-13-40' is not a date like 2026-12-28.") == (
        "'2026-13-40' không phải ngày, ví dụ 2026-12-28."
    )
    assert vietnamese("This must be 'a', 'b' or 'c'.") == "Giá trị này phải là 'a', 'b' hoặc 'c'."
    assert vietnamese("Something new.") == "Something new."


def test_what_pydantic_says_is_never_shown() -> None:
    """Every kind of finding that the schema can have is a sentence of ours."""
    for wrong in (
        {"id": "a", "title": {"vi": ""}},
        {"id": "a", "title": {"vi": "x" * 500}},
        {"id": "a", "title": {"vi": "x"}, "points": "b"},
        {"id": "a", "title": {"vi": "x"}, "points": [1]},
        {"id": "a", "title": {"vi": "x"}, "rules": {"all_muted": 1}},
        {"id": "a", "title": {"vi": "x"}, "rules": {"speaking_seconds": 1.5}},
        {"id": "a", "title": {"vi": "x"}, "schedule": {"start": "2026-11-26", "minutes": -5}},
        {"id": "a", "title": {"vi": "x"}, "layout": "sideways", "unknown": 1},
    ):
        with pytest.raises(ValidationError) as caught:
            Template.model_validate(wrong)
        for item in caught.value.errors():
            assert vietnamese(sentence_of(item)) != sentence_of(item), item


HOSTS = """\
  database: postgresql://cau@192.0.2.5/cau
  hosts:
    this: a
    all:
      - {id: a, url: "https://192.0.2.10:8443/"}
      - {id: b, url: "https://192.0.2.11:8443"}
"""


def with_hosts(old: str = "", new: str = "") -> str:
    assert old in HOSTS
    return changed("bridge:\n", "bridge:\n" + HOSTS.replace(old, new, 1))


def test_a_bridge_of_two_hosts_knows_which_it_is() -> None:
    hosts = loads(with_hosts()).bridge.hosts
    assert hosts is not None
    assert (hosts.own.id, hosts.own.url, hosts.takeover) == ("a", "https://192.0.2.10:8443", 1.5)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("postgresql://cau@192.0.2.5/cau", '""', "several hosts need PostgreSQL: SQLite is a file"),
        ("this: a", "this: c", "this host, 'c', is not among all hosts."),
        ("id: b", "id: a", "two hosts have one id or one url."),
        ("192.0.2.11", "192.0.2.10", "two hosts have one id or one url."),
        ("https://192.0.2.10:8443/", "https://192.0.2.10/cau", "is not where a host's pages are"),
        ("https://192.0.2.10:8443/", "ftp://192.0.2.10", "is not where a host's pages are"),
        ("this: a", "this: a\n    takeover: 0.2", "it must be at least 1"),
    ],
)
def test_hosts_that_cannot_take_turns(old: str, new: str, said: str) -> None:
    found = problems(with_hosts(old, new))
    assert any(said in problem for problem in found)
