"""The control socket of a running media worker, spoken to without an event loop, and the streams
that benchmarks open over it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bridge.media import messages as m

COMPILING = 300.0  # seconds until the compiled turn is ready, where it was never compiled


class WorkerControl:
    """A blocking connection. ``target`` is the worker's first media address, once `connect` has
    returned."""

    target: tuple[str, int]

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._file = self._socket.makefile("rb")

    def connect(self, control: Path, path: str, seconds: float) -> None:
        """Wait ``seconds`` for the worker to listen at ``control``, and then until it forwards by
        ``path``: compiled or python. Raises OSError or TimeoutError."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._socket.connect(str(control))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.send(m.Hello(version=m.VERSION))
        inventory = self.wait(m.Inventory)
        self.target = (inventory.addresses[0].host, inventory.addresses[0].port)
        deadline = time.monotonic() + COMPILING
        while path == "compiled" and not self.stats().compiled:
            if time.monotonic() > deadline:
                raise TimeoutError("the compiled turn did not become ready")
            time.sleep(0.05)

    def send(self, command: m.Command) -> None:
        self._socket.sendall(m.encoder.encode(command) + b"\n")

    def wait(self, kind: type[Any]) -> Any:
        """The next event of a kind. Raises RuntimeError where the worker refuses something."""
        while True:
            event = m.event_decoder.decode(self._file.readline())
            if isinstance(event, m.Error):
                raise RuntimeError(event.detail)
            if isinstance(event, kind):
                return event

    def stats(self) -> m.Stats:
        """The worker's figures; answered in order, so what was sent before is done."""
        self.send(m.GetStats())
        stats: m.Stats = self.wait(m.Stats)
        return stats

    def disconnect(self) -> None:
        self._file.close()
        self._socket.close()


def camera(ssrc: int, rtx_ssrc: int) -> m.SourceSpec:
    """The one picture that a peer of a benchmark sends."""
    return m.SourceSpec(
        name="camera",
        mid="0",
        kind="video",
        codec="vp8",
        payload_type=96,
        rtx_payload_type=97,
        ssrcs=(m.StreamSsrc(ssrc=ssrc, rtx_ssrc=rtx_ssrc),),
    )


def slots_for(others: Iterable[int]) -> tuple[m.SlotSpec, ...]:
    """A slot for the camera of each of the others, by their numbers."""
    return tuple(
        m.SlotSpec(
            name=f"s{i}",
            kind="video",
            codec="vp8",
            payload_type=98,
            rtx_payload_type=99,
            ssrc=20_000 + i,
            rtx_ssrc=30_000 + i,
        )
        for i in others
    )


def routes_to(transport: str, others: Iterable[int], prefix: str) -> list[m.Route]:
    """Each other's camera into its slot; the others' transports are ``prefix`` and the number."""
    return [
        m.Route(
            transport=transport,
            slot=f"s{i}",
            source=m.SourceRef(transport=f"{prefix}{i}", name="camera"),
        )
        for i in others
    ]
