"""This project's own worker (`python -m bridge.media`), driven over its control socket."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.burst_load import Source
from benchmarks.peers.measured_server import Server
from benchmarks.peers.programs import Programs
from benchmarks.peers.raw_peer import HOST, Identity, Peer, Pump
from benchmarks.peers.sfu import Joined, Sfu
from benchmarks.worker_control import WorkerControl, camera, routes_to, slots_for
from bridge.media import messages as m

STARTING = 10.0  # seconds until it listens


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
        self._control = WorkerControl()
        self._control.connect(path, self.path, STARTING)

    def join(self, pump: Pump, identity: Identity, count: int) -> Joined:
        sources, peers, routes = [], [], []
        for own in range(count):
            peer = Peer(f"p{own}", identity)
            ssrc = 10_000 + own
            others = [i for i in range(count) if i != own]
            self._control.send(
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
                    sources=(camera(ssrc, 90_000 + own),),
                    slots=slots_for(others),
                    cname="benchmark",
                )
            )
            peer.remote(f"worker{own:02}", "w" * 24, self._control.target)
            sources.append(Source(peer, ssrc))
            peers.append(peer)
            routes += routes_to(f"p{own}", others, "p")
        self._control.stats()
        for peer in peers:
            pump.add(peer)
        pump.wait(count, 20)
        self._control.send(m.SetRoutes(routes=tuple(routes)))
        self._control.stats()
        return Joined(sources, peers)

    def stop(self) -> None:
        if self.server.process.stdin is not None:
            self.server.process.stdin.close()  # its parent is gone: it ends
        self._control.disconnect()
        super().stop()
