"""Another setup of the gateway costs those codecs their calls that it is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bridge.sip import gateway_orders as o
from bridge.sip.codec_point import Codec
from bridge.sip.gateway import Gateway
from bridge.sip.gateway_service import Service
from tests.waiting import HANG, eventually

A, B, C = (
    o.CodecPoint(
        id=name, key="k", name=name.upper(), uri=f"sip:{name}@127.0.0.1:9", encryption="none"
    )
    for name in "abc"
)
SETUP = o.Setup(
    version=o.VERSION,
    url="http://127.0.0.1:9",
    authority="",
    listen="127.0.0.1",
    port=0,
    public="",
    first_port=20000,
    last_port=20100,
    points=(A, B),
)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A gateway with two codecs, without a socket for its control process."""
    made = Service(tmp_path / "sip.sock", 60.0)
    keep = asyncio.create_task(made._keep())
    made._carry_out(SETUP)
    await eventually(lambda: made._gateway)
    yield made
    keep.cancel()
    await asyncio.gather(keep, return_exceptions=True)
    if made._gateway is not None:
        await made._gateway.close()


def gateway_of(service: Service) -> Gateway:
    assert service._gateway is not None
    return service._gateway


def called(codec: Codec) -> Any:
    """A call with a codec; whether its media are closed."""
    over = asyncio.Event()
    media = SimpleNamespace(close=over.set, tick=lambda _: None, last_heard=float("inf"))
    media.agreed = SimpleNamespace(audio=SimpleNamespace(sends=True), video=None)
    codec.call = cast("Any", SimpleNamespace(call=None, up=False, media=media))
    return over


async def settled(service: Service, *points: o.CodecPoint) -> None:
    """Give the gateway other points, and wait until it has them."""
    before = gateway_of(service)
    service._carry_out(replace(SETUP, points=points))
    await eventually(lambda: {p.id for p in points} == set(before.codecs))
    await eventually(lambda: all(before.codecs[p.id].point.height == p.height for p in points))
    assert gateway_of(service) is before


async def test_only_codecs_whose_settings_differ_are_hung_up(service: Service) -> None:
    codecs = gateway_of(service).codecs
    first, second = codecs["a"], codecs["b"]
    over, goes_on = called(first), called(second)
    await settled(service, replace(A, height=360), B)
    async with asyncio.timeout(HANG):
        await over.wait()
    assert codecs["a"] is not first
    assert codecs["b"] is second
    await settled(service, B, C)
    assert set(gateway_of(service)._callers._points) == {"b", "c"}
    assert codecs["b"] is second
    await eventually(lambda: gateway_of(service)._callers._addresses["127.0.0.1"] == {"b", "c"})
    await settled(service, replace(B, name="Another name"), C, A)
    await eventually(
        lambda: gateway_of(service)._callers._addresses["127.0.0.1"] == {"a", "b", "c"}
    )
    assert codecs["b"] is second
    assert second.call is not None
    assert not goes_on.is_set()


async def test_another_place_is_for_all(service: Service) -> None:
    before = gateway_of(service)
    over = called(before.codecs["a"])
    service._carry_out(replace(SETUP, first_port=21000, last_port=21100))
    await eventually(lambda: service._gateway not in (None, before))
    assert over.is_set()
