"""A codec that is not ours in a conference: baresip of Debian is called, seen and heard, and sees
and hears."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from tests.live import codecs
from tests.live.codecs import NUMBER, Baresip, baresip
from tests.live.sip_bridges import CHAIR, CODEC, bridge, gateway, seen_by_chair
from tests.live.support import act, only, simulated_points, started
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.skipif(bool(codecs.missing()), reason=codecs.missing() or "there")

CHAIR_NUMBER = 1


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
        # What the key does hangs on what the gateway knows.
        await eventually(lambda: sip.codecs[CODEC].peer.waits)
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
