"""Addresses of several servers, and which of them is taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.store import servers
from bridge.store.leading.guarantees import Facts
from bridge.store.servers import Address, Servers, Unwritable, database, split

A, B, C = Address("a", 1), Address("b", 2), Address("c", 3)
GOOD = Facts(150004, "on", "on", "on", "", False, "off", 7, "00000002")


@pytest.mark.parametrize(
    ("url", "rest", "found"),
    [
        ("postgresql://u@a:1,b:2/n", "postgresql://u@/n", [A, B]),
        ("postgresql://u:p%40@a,[2001:db8::1]:6/n", "postgresql://u:p%40@/n", ["a", "2001:db8::1"]),
        ("postgresql://u@/n?host=a:1&host=b:2", "postgresql://u@/n", [A, B]),
        ("postgresql://u@/n?host=a,b&port=1,2&ssl=on", "postgresql://u@/n?ssl=on", [A, B]),
        ("postgresql://u@/n?host=/run/a,/run/b&port=7", "postgresql://u@/n", ["/run/a", "/run/b"]),
        ("postgresql://a,b/n?target_session_attrs=read-write", "postgresql:///n", ["a", "b"]),
        ("postgresql://u@a:1/n", "postgresql://u@a:1/n", []),
        ("postgresql://u@/n?host=/run/x", "postgresql://u@/n?host=/run/x", []),
    ],
)
def test_urls(url: str, rest: str, found: list[Address | str]) -> None:
    left, addresses = split(url)
    assert left == rest
    assert [
        each if isinstance(f, Address) else each.host
        for each, f in zip(addresses, found, strict=True)
    ] == found
    assert database(url).several == bool(found)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("postgresql://a,/n", "no server"),
        ("postgresql://a:x,b/n", "no server"),
        ("postgresql://a,b:5432,a/n", "twice"),
        ("postgresql://a,b,c/n?port=1,2", "ports"),
        ("postgresql://a,b/n?target_session_attrs=standby", "writes"),
        ("postgresql://" + ",".join("abcdefghi") + "/n", "the most"),
    ],
)
def test_bad_urls(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        split(url)


class Connection:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.ended = False

    async def fetchrow(self, query: str) -> dict[str, Any]:
        return self._facts._asdict()

    def terminate(self) -> None:
        self.ended = True


class Network:
    """Servers by port: what they are, an error, or None where nobody answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **behind: Facts | Exception | None) -> None:
        self.behind = behind
        self.made: dict[str, list[Connection]] = {name: [] for name in behind}
        self.connected = asyncio.Event()
        monkeypatch.setattr("asyncpg.connect", self.connect)
        monkeypatch.setattr(servers, "AHEAD", 0.001)
        monkeypatch.setattr(servers, "GRACE", 0.001)

    async def connect(self, *, host: str, port: int) -> Connection:
        found = self.behind[host]
        if isinstance(found, Exception):
            raise found
        if found is None:
            await asyncio.Event().wait()
        assert found is not None
        self.connected.set()
        self.made[host].append(Connection(found))
        return self.made[host][-1]

    @property
    def open(self) -> int:
        return sum(not each.ended for made in self.made.values() for each in made)


COPY = GOOD._replace(copy=True, timeline="")


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize(
    "other", [None, COPY, OSError("refused"), RuntimeError("no such database")]
)
async def test_the_one_that_is_written_to_is_found(
    monkeypatch: pytest.MonkeyPatch, thorough: bool, other: Facts | Exception | None
) -> None:
    network = Network(monkeypatch, a=other, b=GOOD)
    found = Servers([A, B], all_of_them=thorough)
    for _ in range(2):
        before = network.open
        assert await found.connect() in network.made["b"]
        assert network.open == before + 1
    if not thorough:  # who was right last is asked alone
        assert len(network.made["a"]) < 2


async def test_the_one_that_went_on_is_taken_where_a_server_of_before_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(monkeypatch, a=GOOD._replace(timeline="00000001"), b=GOOD, c=COPY)
    monkeypatch.setattr(servers, "GRACE", 60)
    made = await Servers([A, B, C], all_of_them=True).connect()
    assert made is network.made["b"][0]
    assert network.open == 1


async def test_two_databases_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, a=GOOD, b=GOOD._replace(system=8))
    monkeypatch.setattr(servers, "GRACE", 60)
    with pytest.raises(Unwritable, match="two different databases"):
        await Servers([A, B], all_of_them=True).connect()
    assert network.open == 0


async def test_where_none_can_be_written_to_each_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, a=COPY, b=OSError("refused"))
    with pytest.raises(Unwritable, match=r"a:1: the server is a copy.*b:2: refused"):
        await Servers([A, B]).connect()
    assert network.open == 0


async def test_who_gives_up_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, a=None, b=GOOD)
    monkeypatch.setattr(servers, "GRACE", 60)
    task = asyncio.create_task(Servers([A, B], all_of_them=True).connect())
    await network.connected.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert network.open == 0
