"""A core that forwards by the compiled turn, without sockets. ``python -m tests.media.compiled``
compiles it beforehand."""

from __future__ import annotations

import functools
from typing import Any

from bridge.media.core import MediaCore
from bridge.media.fanout import Sink
from bridge.media.shell.hot_path import HotPath
from bridge.media.transport import Address, Transport

KEPT_IN = HotPath()
KEPT_IN.keep_there()  # before anything that is compiled is imported

from bridge.media.hot.arrival import take_in  # noqa: E402
from bridge.media.hot.arrivals_told import read_feedback  # noqa: E402
from bridge.media.hot.compiling import entry  # noqa: E402
from bridge.media.hot.departure import doubt, lay_out  # noqa: E402
from bridge.media.hot.following import Following  # noqa: E402
from bridge.media.hot.socket_names import socket_name  # noqa: E402
from bridge.media.hot.world import DATAGRAM, DATAGRAMS, NAME, READ, World  # noqa: E402


@functools.cache
def _name(address: Address) -> bytes:
    return socket_name(address).ljust(NAME, b"\0")


@entry
def arrive(world: World, count: int, now: float) -> None:
    take_in(world[0], count, now)


@entry
def read(world: World, row: int, size: int) -> bool:
    return read_feedback(world[0], row, size)


@entry
def depart(world: World, held_up: bool) -> bool:
    laid = lay_out(world[0])
    if held_up:
        doubt(world[0])
    return laid


class SharedCore(MediaCore):
    """A core whose objects have rows in the tables of a compiled turn."""

    def __init__(self, **options: Any) -> None:
        self.following = Following()
        super().__init__(**options, makers=self.following)


class CompiledCore(SharedCore):
    """Takes a turn for every datagram, or for several at once with `receive_all`; what they cause
    is given out by `flush`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.following.read_by(read)
        self.sent: list[tuple[Transport, list[bytes]]] = []
        self.turns = 0
        self.left = 0  # datagrams that it left to Python
        self.held_up = False  # whether every call that sends seems to take long
        self.taken = 0  # packets that the compiled turn forwarded to somebody
        w = self.following.world[0]
        self._received = memoryview(w["received"]).cast("B")
        self._names = memoryview(w["received_names"]).cast("B")
        self._lengths = memoryview(w["received_messages"]["length"])
        self._odds = memoryview(w["odds"])

    def receive(self, data: bytes, address: Address, socket: int, now: float) -> None:
        self.receive_all([(data, address)], socket, now)

    def receive_all(self, datagrams: list[tuple[bytes, Address]], socket: int, now: float) -> None:
        """Several datagrams of one turn."""
        assert len(datagrams) <= DATAGRAMS
        following = self.following
        following.refresh(self.ice.asked)
        world, columns = following.world, following.columns
        columns["unix_offset"][0] = self.unix_offset
        for i, (data, address) in enumerate(datagrams):
            kept = data[:READ]
            self._received[i * DATAGRAM : i * DATAGRAM + len(kept)] = kept
            self._lengths[i] = len(kept)
            self._names[i * NAME : (i + 1) * NAME] = _name(address)
        arrive(world, len(datagrams), now)
        while depart(world, self.held_up):
            self._messages(world[0])
        self.turns += 1
        following.collect(self.counters)
        if columns["rests"][0]:
            self.flush_rest(following.rest(), now, self._keep)
        self.left += columns["odd"][0]
        for i in self._odds[: columns["odd"][0]].tolist():
            data, address = datagrams[i]
            super().receive(data, address, socket, now)

    def flush(self, now: float, sink: Sink) -> None:
        sent, self.sent = self.sent, []
        for transport, packets in sent:
            waiting, transport.out[:] = list(transport.out), packets
            sink(transport)
            transport.out[:] = waiting
        super().flush(now, sink)

    def _keep(self, transport: Transport) -> None:
        self.sent.append((transport, list(transport.out)))

    def _messages(self, w: Any) -> None:
        """What is laid out, as the Python path gives it: headers and what is sealed, in turn."""
        base = int(w["arena_at"])
        names = int(w["sent_names_at"])
        for n in range(int(w["messages"])):
            vector, message = w["sent_vectors"][n], w["sent_messages"][n]
            at = int(vector["base"]) - base
            row = (int(message["name"]) - names) // NAME
            transport = next(t for t in self.transports.values() if getattr(t, "row", None) == row)
            assert transport.address is not None
            name = bytes(w["sent_names"][row][: int(message["name_length"])])
            assert name == socket_name(transport.address)
            out = []
            run = bytes(w["arena"][at : at + int(vector["length"])])
            size = int(w["sent_sizes"][n])
            for start in range(0, len(run), size):
                packet = run[start : start + size]
                header = 20 if packet[0] & 0x10 else 12
                out += [packet[:header], packet[header:]]
            assert len(out) == 2 * int(w["sent_counts"][n])
            self.taken += len(out) // 2
            self.sent.append((transport, out))


if __name__ == "__main__":
    if not KEPT_IN.warm:
        print("compiling the forwarding of media, once (10 to 30 s) …", flush=True)
    KEPT_IN.compile()
    following = Following()
    arrive(following.world, 0, 0.0)
    depart(following.world, False)
    read(following.world, 0, 0)
