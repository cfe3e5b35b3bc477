"""Which names are ours, and which pages may talk to us."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from bridge.server.guard.hosts import Fellows, Hosts, name_of, origin_of

HOSTS = Hosts(
    ["192.0.2.10", "2001:db8::1", "Cau.Example.gov.vn"], ["https://console.example", "nonsense"]
)


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("192.0.2.10", True),
        ("192.0.2.10:8443", True),
        ("[2001:db8::1]:443", True),
        ("[2001:0db8:0::1]", True),
        ("cau.example.gov.vn", True),
        ("CAU.example.gov.vn.:443", True),
        ("localhost:8443", True),
        ("console.example", True),
        ("evil.example", False),
        ("192.0.2.10.evil.example", False),
        ("192.0.2.99", False),
        ("", False),
        ("[", False),
        ("a:b:c", False),
        ("user@192.0.2.99", False),
    ],
)
def test_hosts(host: str, served: bool) -> None:
    assert HOSTS.serves(host) is served


def test_the_address_that_was_reached_is_ours() -> None:
    """Where we listen on all addresses nobody has to list them."""
    assert HOSTS.serves("198.51.100.7:8443", local="198.51.100.7")
    assert not HOSTS.serves("evil.example", local="198.51.100.7")


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "may"),
    [
        (None, "https", "192.0.2.10", True),
        ("https://192.0.2.10", "https", "192.0.2.10", True),
        ("https://192.0.2.10", "https", "192.0.2.10:443", True),
        ("https://192.0.2.10:8443", "https", "192.0.2.10:8443", True),
        ("http://192.0.2.10:8443", "https", "192.0.2.10:8443", False),
        ("https://192.0.2.10:9999", "https", "192.0.2.10:8443", False),
        ("https://console.example", "https", "192.0.2.10", True),
        ("http://console.example", "https", "192.0.2.10", False),
        ("null", "https", "192.0.2.10", False),
        ("", "https", "192.0.2.10", False),
        ("https://", "https", "", False),
        ("https://192.0.2.10/path", "https", "192.0.2.10", False),
    ],
)
def test_origins(origin: str | None, scheme: str, host: str, may: bool) -> None:
    assert HOSTS.may_come(origin, scheme, host) is may


@given(st.text(), st.text())
def test_nothing_that_is_sent_raises(host: str, origin: str) -> None:
    HOSTS.serves(host)
    HOSTS.may_come(origin, "https", host)
    name_of(host)
    origin_of(origin)


FELLOWS = Fellows(["https://192.0.2.10", "https://192.0.2.11:8443"])


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("https://192.0.2.11:8443", True),
        ("https://192.0.2.10", True),
        ("https://192.0.2.10:443", True),
        ("http://192.0.2.10", False),
        ("https://192.0.2.11", False),
        ("https://192.0.2.11:8443.evil.example", False),
        ("null", False),
        (None, False),
    ],
)
def test_pages_of_the_other_hosts_may_read(origin: str | None, ours: bool) -> None:
    headers = {"Origin": origin} if origin is not None else {}
    asked = make_mocked_request("GET", "/", headers=headers)
    assert FELLOWS.sent(asked) is ours
    told = FELLOWS.headers(asked)
    assert told.get("Access-Control-Allow-Origin") == (origin if ours else None)
    assert "Access-Control-Allow-Credentials" not in told, "no cookie goes there"
    first = make_mocked_request("OPTIONS", "/", headers=headers)
    assert FELLOWS.asks_first(first) is ours
    assert (
        "Authorization" in FELLOWS.headers(first).get("Access-Control-Allow-Headers", "")
    ) is ours
    hosts = Hosts(["192.0.2.10"], [], ["https://192.0.2.10", "https://192.0.2.11:8443"])
    assert hosts.may_come(origin, "https", "192.0.2.10") is (ours or origin is None)


def test_pages_may_connect_to_all_hosts() -> None:
    assert FELLOWS.sources == (
        " https://192.0.2.10 https://192.0.2.11:8443 wss://192.0.2.10 wss://192.0.2.11:8443"
    )
    assert Fellows([]).sources == ""
