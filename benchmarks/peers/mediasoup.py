"""mediasoup: one worker, one router, one WebRtcServer; a send and a receive transport each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.peers.burst_load import Source
from benchmarks.peers.measured_server import Server
from benchmarks.peers.raw_peer import Identity, Peer, Pump
from benchmarks.peers.sfu import Joined, Sfu


class Mediasoup(Sfu):
    name = "mediasoup"
    note = "one worker, WebRtcServer, no bandwidth estimation negotiated; Node counted too"

    def start(self) -> None:
        programs = self.programs
        command = [str(programs.node)]
        command += [str(Path(__file__).with_name("mediasoup_server.mjs"))]
        command += [str(programs.mediasoup)]
        worker = programs.mediasoup_worker
        env = {"MEDIASOUP_WORKER_BIN": str(worker)} if worker is not None else {}
        self.server = Server(command, self.core, self.folder / "log", env, pipes=True)
        self.version = self._ask(command="hello")["version"]

    def _ask(self, **command: object) -> dict[str, Any]:
        stdin, stdout = self.server.process.stdin, self.server.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError("the mediasoup server ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def _transport(self, pump: Pump, identity: Identity, name: str) -> Peer:
        peer = Peer(name, identity)  # mediasoup is ICE-lite: we control
        said = self._ask(command="transport", name=name, fingerprint=identity.fingerprint)
        peer.remote(said["ufrag"], said["password"], (said["host"], said["port"]))
        pump.add(peer)
        return peer

    def join(self, pump: Pump, identity: Identity, count: int) -> Joined:
        sources, peers = [], []
        for own in range(count):
            peer = self._transport(pump, identity, f"send{own}")
            self._ask(command="produce", name=f"send{own}", ssrc=10_000 + own)
            sources.append(Source(peer, 10_000 + own))
            peers.append(peer)
        for own in range(count):
            peers.append(self._transport(pump, identity, f"receive{own}"))
            self._ask(command="consume", name=f"receive{own}", **{"except": f"send{own}"})
        pump.wait(2 * count, 20)
        return Joined(sources, peers)

    def stop(self) -> None:
        if self.server.process.stdin is not None:
            self.server.process.stdin.close()  # the server ends at its end
        super().stop()
