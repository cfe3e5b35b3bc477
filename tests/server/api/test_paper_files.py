"""Papers over the interface: taken in, listed, drawn for people and rooms, ruled, removed; who may,
and who is audited."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from bridge.conference import commands as c
from tests.control_support import Bridge
from tests.papers.support import COLOURS, colour, near, pdf


@pytest.fixture(autouse=True)
async def ends(bridge: Bridge) -> Any:
    yield
    await bridge.process.papers.pictures.close()


async def add(bridge: Bridge, data: bytes, query: str, role: Any = "operator") -> Any:
    return await bridge.call("POST", f"/papers?{query}", role=role, data=data)


async def added(bridge: Bridge, of: str, data: bytes = b"", **query: str) -> dict[str, Any]:
    words = "&".join(f"{key}={value}" for key, value in query.items())
    response = await add(bridge, data or pdf(), f"of={of}&name=Plan.pdf&{words}")
    assert response.status == 201, await response.text()
    found: dict[str, Any] = await response.json()
    await bridge.settle()
    return found


async def test_a_paper_is_drawn_for_its_room(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("khoan-du")
    data = pdf(3)
    paper = await added(bridge, conference, data)
    assert (paper["pages"], paper["version"], paper["title"]) == (3, 1, "Plan.pdf")
    assert paper["sha256"] == hashlib.sha256(data).hexdigest()
    await bridge.do(conference, c.ShowPage(paper=paper["id"], page=2))
    showing = bridge.state(conference).showing
    assert showing is not None
    assert (showing.paper, showing.page) == (paper["id"], 2)
    path = f"/room/papers/{paper['id']}/pages/2?width=600"
    response = await bridge.call("GET", path, token=tokens["khoan-du"])
    assert response.status == 200, await response.text()
    assert response.headers["Cache-Control"] == "private, no-store"
    assert near(colour(await response.read()), COLOURS[1])
