"""This project's own worker (`python -m bridge.media`), driven over its control socket."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.burst_load import Source
from benchmarks.peers.measured_server import Server
from benchmarks.peers.programs import Programs
from benchmarks.peers.raw_peer import HOST, Identity, Peer, Pump
from benchmarks.peers.sfu import Joined, Sfu
from bridge.media import messages as m

COMPILING = 120.0  # seconds until the compiled turn is ready, where it was never compiled


class ThisWorker(Sfu):
    name = "Điểm Cầu"

    def __init__(self, folder: Path, core: int, programs: Programs, path: str) -> None:
        """``path``: compiled or python."""
        super().__init__(folder, core, programs)
        self.path = path
        self.note = f"worker only, forwarded by the {path} path"

    def start(self) -> None:
        path = self.folder / "worker.sock"
        command = [sys.executable, "-m", "bridge.media", "--listen", HOST]
        command += ["--control", str(path), "--with-parent"]
        env = {"DIEMCAU_HOT_PATH": self.path}
        self.server = Server(command, self.core, self.folder / "log", env, pipes=True)
        self._socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 10
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self._file = self._socket.makefile("rb")
        self._send(m.Hello(version=m.VERSION))
        inventory = self._wait(m.Inventory)
        self._target = (inventory.addresses[0].host, inventory.addresses[0].port)
        deadline = time.monotonic() + COMPILING
        while self.path == "compiled" and not self._synchronise().compiled:
            if time.monotonic() > deadline:
                raise TimeoutError("the compiled turn did not become ready")
            time.sleep(0.05)

    def _send(self, command: m.Command) -> None:
        self._socket.sendall(m.encoder.encode(command) + b"\n")

    def _wait(self, kind: type[Any]) -> Any:
        while True:
            event = m.event_decoder.decode(self._file.readline())
            if isinstance(event, m.Error):
                raise RuntimeError(event.detail)
            if isinstance(event, kind):
                return event

    def _synchronise(self) -> m.Stats:
        self._send(m.GetStats())  # answered in order
        stats: m.Stats = self._wait(m.Stats)
        return stats

    def join(self, pump: Pump, identity: Identity, count: int) -> Joined:
        sources, peers, routes = [], [], []
        for own in range(count):
            peer = Peer(f"p{own}", identity)
            ssrc = 10_000 + own
            others = [i for i in range(count) if i != own]
            self._send(
                m.Open(
                    transport=f"p{own}",
                    label=f"p{own}",
                    ice=m.Ice(
                        local_ufrag=f"worker{own:02}",
                        local_password="w" * 24,
                        remote_ufrag=peer.ufrag,
                        remote_password=peer.password,
                    ),
                    fingerprint=m.Fingerprint(algorithm="sha-256", value=identity.fingerprint),
                    extensions=m.Extensions(),
                    sources=(
                        m.SourceSpec(
                            name="camera",
                            mid="0",
                            kind="video",
                            codec="vp8",
                            payload_type=96,
                            rtx_payload_type=97,
                            ssrcs=(m.StreamSsrc(ssrc=ssrc, rtx_ssrc=90_000 + own),),
                        ),
                    ),
                    slots=tuple(
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
                    ),
                    cname="benchmark",
                )
            )
            peer.remote(f"worker{own:02}", "w" * 24, self._target)
            sources.append(Source(peer, ssrc))
            peers.append(peer)
            routes += [
                m.Route(
                    transport=f"p{own}",
                    slot=f"s{i}",
                    source=m.SourceRef(transport=f"p{i}", name="camera"),
                )
                for i in others
            ]
        self._synchronise()
        for peer in peers:
            pump.add(peer)
        pump.wait(count, 20)
        self._send(m.SetRoutes(routes=tuple(routes)))
        self._synchronise()
        return Joined(sources, peers)

    def stop(self) -> None:
        if self.server.process.stdin is not None:
            self.server.process.stdin.close()  # its parent is gone: it ends
        self._socket.close()
        super().stop()
