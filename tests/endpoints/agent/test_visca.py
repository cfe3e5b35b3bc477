"""VISCA over IP: what cameras say, what is sent again, and what becomes of nonsense."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints.agent import visca
from endpoints.agent.camera_outcome import CameraError
from endpoints.agent.visca import COMMAND, Exchange, Reply, ViscaCamera
from tests.endpoints.agent.cameras import ViscaDevice


def reply(sequence: int, payload: bytes, kind: int = visca.REPLY) -> bytes:
    return struct.pack("!HHI", kind, len(payload), sequence) + payload


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"\x90\x41\xff", Reply(7, "ack")),
        (b"\x90\x52\xff", Reply(7, "complete")),
        (b"\x90\x50\x00\x01\xff", Reply(7, "answer")),
        (b"\x90\x60\x02\xff", Reply(7, "error", 2)),
        (b"\x90\x61\x41\xff", Reply(7, "error", 0x41)),
        (b"\x90\x41\xfe", None),
        (b"\x80\x41\xff", None),
        (b"\x90\x31\xff", None),
        (b"\x90\x41\x00\xff", None),
        (b"\xff", None),
    ],
)
def test_replies(payload: bytes, said: Reply | None) -> None:
    assert visca.parse(reply(7, payload)) == said


def test_a_length_that_lies_is_no_reply() -> None:
    good = reply(1, b"\x90\x41\xff")
    assert visca.parse(good) is not None
    for cut in range(len(good)):
        assert visca.parse(good[:cut]) is None
    assert visca.parse(good + b"\x00") is None


def test_what_a_recall_looks_like() -> None:
    """Memory 3 of the camera with address 1, message 9 (Sony's CAM_Memory Recall)."""
    sent = visca.message(COMMAND, 9, visca.recall(3))
    assert sent == bytes.fromhex("0100 0007 00000009 81 01 04 3f 02 03 ff")


def test_a_message_is_sent_three_times_each_with_a_new_number() -> None:
    exchange = Exchange(COMMAND, visca.recall(1), 5, now=100.0)
    numbers: list[int] = []
    now = 100.0
    while now < 102 and len(numbers) < visca.TRIES:
        if (sent := exchange.tick(now)) is not None:
            numbers.append(struct.unpack_from("!I", sent, 4)[0])
        now = exchange.due
    assert numbers == [5, 6, 7]
    with pytest.raises(CameraError) as error:
        exchange.tick(exchange.due)
    assert error.value.why == "timeout"


def test_an_answer_to_an_earlier_message_of_the_exchange_counts() -> None:
    exchange = Exchange(COMMAND, visca.recall(1), 5, now=0.0)
    exchange.tick(0.0)
    exchange.tick(exchange.due)
    exchange.take(reply(4, b"\x90\x41\xff"))  # to what was asked before
    exchange.take(reply(7, b"\x90\x41\xff"))  # to what was not asked
    assert not exchange.done
    exchange.take(reply(5, b"\x90\x41\xff"))
    assert exchange.done


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=80), max_size=60))
def test_nonsense_ends_an_exchange_at_most(datagrams: list[bytes]) -> None:
    exchange = Exchange(COMMAND, visca.recall(1), 5, now=0.0)
    exchange.tick(0.0)
    with contextlib.suppress(CameraError):
        for datagram in datagrams:
            exchange.take(datagram)
    assert exchange.odd <= visca.MAX_ODD + 1


# --- with a camera ---------------------------------------------------------------------------


async def test_a_preset_is_recalled() -> None:
    async with ViscaDevice() as device:
        camera = ViscaCamera("127.0.0.1", device.port)
        await camera.look()
        await camera.recall("9")
        await camera.recall("1")
    assert device.gone_to == [9, 1]
    assert device.sequences == sorted(set(device.sequences))


async def test_a_lost_message_is_sent_again() -> None:
    async with ViscaDevice() as device:
        device.deaf = 2
        await ViscaCamera("127.0.0.1", device.port).recall("2")
    assert device.gone_to == [2]


async def test_a_camera_that_counts_from_elsewhere_is_set_back() -> None:
    async with ViscaDevice() as device:
        device.counts = False
        await ViscaCamera("127.0.0.1", device.port).recall("2")
    assert device.gone_to == [2]


@pytest.mark.parametrize(
    ("memory", "error", "why"), [("5", 0, "missing"), ("2", 0x41, "refused"), ("2", 3, "refused")]
)
async def test_what_a_camera_refuses(memory: str, error: int, why: str) -> None:
    async with ViscaDevice() as device:
        device.error = error
        with pytest.raises(CameraError) as raised:
            await ViscaCamera("127.0.0.1", device.port).recall(memory)
    assert raised.value.why == why
    assert device.gone_to == []


async def test_a_camera_that_talks_without_end_is_left() -> None:
    async with ViscaDevice() as device:
        device.instead = [b"HTTP/1.1 400", b"", bytes(200)] * 30
        with pytest.raises(CameraError) as raised:
            await ViscaCamera("127.0.0.1", device.port).recall("2")
    assert raised.value.why == "nonsense"


async def test_nobody_at_the_address() -> None:
    async with ViscaDevice() as device:
        port = device.port
    with pytest.raises(CameraError) as raised:
        await ViscaCamera("127.0.0.1", port).recall("2")
    assert raised.value.why in ("unreachable", "timeout")
