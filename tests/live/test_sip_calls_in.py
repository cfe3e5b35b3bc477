"""A codec that calls in by itself: baresip of Debian, with the right password and a wrong one."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest

from bridge.conference import commands as c
from bridge.sip.gateway import Gateway
from tests.live import codecs
from tests.live.codecs import HOST, NUMBER, baresip
from tests.live.sip_bridges import CHAIR, CODEC, bridge, gateway, seen_by_chair
from tests.live.support import act, free_port, only, simulated_points, started
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(bool(codecs.missing()), reason=codecs.missing() or "there")

PROVED: dict[str, Any] = {
    "answer": "digest",
    "digest": "md5",  # baresip of Debian gives up where SHA-256 is named
    "user": "codec",
    "password": "chim-se",
}


def elsewhere() -> str:
    """Where the topology has the codec, and nobody listens: calls out reach it not."""
    return f"sip:codec@{HOST}:{free_port(socket.SOCK_DGRAM, HOST)}"


def number_of(sip: Gateway) -> str:
    """What a codec dials."""
    host, port = sip.element.transport.local_addr
    return f"sip:cau@{host}:{port}"


async def test_a_codec_with_the_password_calls_in_and_is_seen_and_one_with_a_wrong_one_is_not(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge(tmp_path / "state", "h264"))
        sip = await stack.enter_async_context(gateway(process, elsewhere(), modes=(1,), **PROVED))
        await stack.enter_async_context(simulated_points(process, [CHAIR]))
        wrong = await stack.enter_async_context(
            baresip(tmp_path / "wrong", options=";auth_user=codec;auth_pass=guessed")
        )
        right = await stack.enter_async_context(
            baresip(tmp_path / "right", options=f";auth_user=codec;auth_pass={PROVED['password']}")
        )
        conference = await started(process)
        await wrong.command("dial", number_of(sip))
        await eventually(lambda: wrong.happened("CALL_CLOSED"))
        assert sip.figures.refused["digest"] == 1
        assert sip.figures.answered == 0
        assert not sip.calls()
        assert not only(process).seats[CODEC].present

        await right.command("dial", number_of(sip))
        await eventually(lambda: only(process).seats[CODEC].present)
        await act(process, conference, c.Grant(point=CODEC))
        codec = process.topology.points[NUMBER - 1].id
        await eventually(lambda: seen_by_chair(process).get("programme") == codec)
        await eventually(lambda: seen_by_chair(process).get("audio:0") == codec)
        await eventually(lambda: right.hears() == {1})
        assert sip.figures.answered == 1
        assert sip.figures.refused["digest"] == 1
        assert wrong.happened("CALL_ESTABLISHED") == 0

        # It holds the call, and takes it up again.
        call = sip.codecs[CODEC].call
        assert call is not None
        await right.command("hold")
        await eventually(lambda: call.media.audio.line and not call.media.audio.line.receives)
        sent = call.media.audio.sent
        await right.command("resume")
        await eventually(lambda: call.media.audio.line and call.media.audio.line.receives)
        await eventually(lambda: call.media.audio.sent > sent)
        await eventually(lambda: right.hears() == {1})
        assert sip.codecs[CODEC].call is call

        # The end of the conference ends the call.
        await act(process, conference, c.End())
        await eventually(lambda: right.happened("CALL_CLOSED"))
        await eventually(lambda: not sip.calls())
