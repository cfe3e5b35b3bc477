"""What every SFU's adapter has: start, join, stop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.burst_load import Source
from benchmarks.peers.measured_server import Server
from benchmarks.peers.programs import Programs
from benchmarks.peers.raw_peer import Identity, Peer, Pump


@dataclass(slots=True)
class Joined:
    sources: list[Source]
    peers: list[Peer]  # every transport, publishing or receiving


class Sfu:
    """One SFU; it is started for a run and ended after it."""

    name = ""
    note = ""
    version = ""
    server: Server

    def __init__(self, folder: Path, core: int, programs: Programs) -> None:
        self.folder, self.core, self.programs = folder, core, programs

    def start(self) -> None:
        """Start the process on its core and wait until it listens."""
        raise NotImplementedError

    def join(self, pump: Pump, identity: Identity, count: int) -> Joined:
        """Bring ``count`` publishers in, each receiving all others; return when every
        transport has its keys."""
        raise NotImplementedError

    def stop(self) -> None:
        self.server.stop()
