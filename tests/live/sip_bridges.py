"""A bridge with a SIP gateway in this process, for tests with codecs and who poses as one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bridge.app.process import ControlProcess
from bridge.conference.model import PointId
from bridge.sip import gateway_orders as o
from bridge.sip.gateway import Gateway
from bridge.sip.refusals import Figures
from tests.live.support import free_port, topology

CHAIR, CODEC = PointId("hoi-truong"), PointId("khoan-du")
GATEWAY = "127.0.12.210"


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
