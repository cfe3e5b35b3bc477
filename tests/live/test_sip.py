"""A codec that is not ours in a conference: baresip of Debian is called, seen and heard, and sees
and hears."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference.model import PointId
from bridge.sip import gateway_orders as o
from bridge.sip.gateway import Gateway
from bridge.sip.refusals import Figures
from tests.live import codecs
from tests.live.codecs import NUMBER, Baresip, baresip
from tests.live.support import act, free_port, only, simulated_points, started, topology
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.skipif(bool(codecs.missing()), reason=codecs.missing() or "there")

CHAIR, CODEC = PointId("hoi-truong"), PointId("khoan-du")
GATEWAY = "127.0.12.210"
CHAIR_NUMBER = 1


@contextlib.asynccontextmanager
async def bridge(state: Path, codec: str) -> AsyncIterator[ControlProcess]:
    """A bridge whose pictures are of a codec."""
    made = topology()
    made = made.model_copy(update={"media": made.media.model_copy(update={"codec": codec})})
    process = ControlProcess(made, state=state, folder=state, with_parent=True, keep_worker=False)
    async with process:
        await process.worker.ready.wait()
        yield process


@contextlib.asynccontextmanager
async def gateway(process: ControlProcess, uri: str, **point: Any) -> AsyncIterator[Gateway]:
    """The gateway with one codec."""
    described = o.CodecPoint(
        id=CODEC,
        key=process.keys[CODEC],
        name="Khoan Dụ",
        uri=uri,
        **{"encryption": "none", "height": 360, **point},
    )
    port = free_port(socket.SOCK_DGRAM, GATEWAY)
    first = free_port(socket.SOCK_DGRAM, GATEWAY) & ~1
    made = Gateway(
        o.Setup(
            version=o.VERSION,
            url=process.url,
            authority="",
            listen=GATEWAY,
            port=port,
            public="",
            first_port=first,
            last_port=first + 40,
            points=(described,),
        ),
        Figures(),
    )
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def seen_by_chair(process: ControlProcess) -> dict[str, str]:
    """Whose card or tone the chair's room has decoded, by slot."""
    session = process.control.sessions.of_point(CHAIR)
    reports = session.reports if session is not None else {}
    return {slot: report.point for slot, report in reports.items()}


async def all_is_seen_and_heard(process: ControlProcess, codec: Baresip, conference: str) -> None:
    """Both ways, picture and sound, by what was decoded."""
    numbers = {n: p.id for n, p in enumerate(process.topology.points, 1)}
    await eventually(lambda: only(process).seats[CODEC].present)
    await act(process, conference, c.Grant(point=CODEC))
    await eventually(lambda: seen_by_chair(process).get("programme") == numbers[NUMBER])
    await eventually(lambda: numbers[NUMBER] in seen_by_chair(process).values())
    await eventually(lambda: seen_by_chair(process).get("audio:0") == numbers[NUMBER])
    await eventually(lambda: codec.hears() == {CHAIR_NUMBER})  # and not itself
    for _ in range(round(HANG)):
        if await codec.sees() == CHAIR_NUMBER:
            break
    else:
        raise AssertionError("the codec does not see the chair")


async def test_a_codec_is_called_and_takes_part_without_its_pictures_being_coded_anew(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge(tmp_path / "state", "h264"))
        codec = await stack.enter_async_context(baresip(tmp_path / "codec", sound="PCMA"))
        sip = await stack.enter_async_context(gateway(process, codec.uri, modes=(1,)))
        await stack.enter_async_context(simulated_points(process, [CHAIR]))
        conference = await started(process)
        await all_is_seen_and_heard(process, codec, conference)
        (call,) = sip.calls()
        assert (call.transcodes_up, call.transcodes_down) == (False, False)
        # It gives the floor back, asks for it with a key, and takes that back.
        await act(process, conference, c.Return())
        await codec.command("sndcode", "1")
        await eventually(lambda: [r.point for r in only(process).queue] == [CODEC])
        await codec.command("sndcode", "1")
        await eventually(lambda: not only(process).queue)
        # It hangs up: it is away, and is called again.
        answered = codec.happened("CALL_ESTABLISHED")
        await codec.command("hangup")
        await eventually(lambda: not only(process).seats[CODEC].present)
        await eventually(lambda: codec.happened("CALL_ESTABLISHED") > answered)
        await eventually(lambda: only(process).seats[CODEC].present)
        # It hangs up for good with the conference.
        await act(process, conference, c.End())
        await eventually(lambda: not sip.calls())


async def test_where_rooms_speak_another_codec_pictures_are_coded_anew_and_all_is_encrypted(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge(tmp_path / "state", "vp8"))
        codec = await stack.enter_async_context(
            baresip(tmp_path / "codec", sound="G722", encryption="srtp-mand")
        )
        sip = await stack.enter_async_context(gateway(process, codec.uri, encryption="sdes"))
        await stack.enter_async_context(simulated_points(process, [CHAIR], light=True))
        conference = await started(process)
        await all_is_seen_and_heard(process, codec, conference)
        (call,) = sip.calls()
        assert call.transcodes_up
        assert call.transcodes_down


async def test_keys_are_agreed_on_in_the_media_where_a_codec_wants_that(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge(tmp_path / "state", "h264"))
        codec = await stack.enter_async_context(
            baresip(tmp_path / "codec", sound="opus", encryption="dtls_srtp")
        )
        sip = await stack.enter_async_context(
            gateway(process, codec.uri, encryption="dtls", modes=(1,))
        )
        await stack.enter_async_context(simulated_points(process, [CHAIR]))
        await all_is_seen_and_heard(process, codec, await started(process))
        assert sip.calls()
