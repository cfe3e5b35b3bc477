"""A codec's point without a bridge: what its keys cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.sip import gateway_orders as o
from bridge.sip.codec_point import MOST_WISHES, Codec
from tests.waiting import eventually

POINT = o.CodecPoint(
    id="khoan-du", key="k", name="Khoan Dụ", uri="sip:codec@127.0.0.1:9", encryption="none"
)


@pytest.fixture
async def codec() -> AsyncIterator[Codec]:
    """A codec whose bridge nobody is."""
    setup = SimpleNamespace(url="http://127.0.0.1:9", listen="127.0.0.1", media_address="")
    made = Codec(cast("Any", SimpleNamespace(setup=setup)), POINT, None)
    yield made
    await made.close()


async def test_however_often_a_key_is_pressed_few_wishes_are_on_their_way(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    answered = asyncio.Event()

    async def ask(command: dict[str, Any]) -> dict[str, Any]:
        asked.append(command)
        await answered.wait()
        return {"ok": True}

    monkeypatch.setattr(codec.peer, "ask", ask)
    codec.peer.seat = {"called": False, "self_muted": False}
    for _ in range(500):
        codec.press("1")
    await eventually(lambda: asked)
    try:
        assert asked == [{"type": "request_floor", "point": "khoan-du"}] * MOST_WISHES
    finally:
        answered.set()
    await eventually(lambda: not codec._jobs)
    codec.press("6")
    await eventually(lambda: len(asked) > MOST_WISHES)
    assert asked[-1]["type"] == "self_mute"
