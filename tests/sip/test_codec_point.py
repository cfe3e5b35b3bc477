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


def state(conference: str | None, *, called: bool = True, queue: tuple[str, ...] = ()) -> Any:
    """A state as the bridge sends it, as far as a codec's point reads it."""
    running = {
        "id": conference,
        "seats": {POINT.id: {"called": called, "self_muted": False}},
        "queue": [{"point": point} for point in queue],
    }
    return {
        "type": "state",
        "conference": running if conference else None,
        "points": {},
        "slots": {},
    }


async def test_a_codec_is_dialled_when_a_conference_calls_it_in_and_when_the_bridge_asks_again(
    codec: Codec,
) -> None:
    told: list[bool] = []
    codec.peer._on_called = told.append
    codec.peer._message(state("c1"))
    assert told == [True]
    # It does not come, or has hung up. Whatever else changes is no reason to call it.
    codec.peer._message(state("c1", queue=("hoi-truong",)))
    codec.peer._message(state("c1"))
    assert told == [True]
    codec.peer._message({"type": "media", "reason": "called"})
    assert told == [True, True]
    # Dropped and called back; then another conference calls.
    codec.peer._message(state("c1", called=False))
    codec.peer._message({"type": "media", "reason": "called"})
    codec.peer._message(state("c1"))
    assert told == [True, True, False, True]
    codec.peer._message(state("c2"))
    assert told == [True, True, False, True, True]
    codec.peer._message(state(None))
    assert told == [True, True, False, True, True, False]


async def test_a_codec_that_was_called_in_before_the_gateway_was_ready_is_dialled_then(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled: list[str] = []

    async def dial() -> None:
        dialled.append(codec.point.id)

    monkeypatch.setattr(codec, "_dial", dial)
    gateway = cast("Any", codec._gateway)
    gateway.ready = False
    codec.peer._message(state("c1"))
    gateway.ready = True
    codec.begin()
    await eventually(lambda: not codec._jobs)
    assert dialled == [POINT.id]
