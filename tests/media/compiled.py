"""A core that forwards by the compiled turn, without sockets. ``python -m tests.media.compiled``
compiles it beforehand."""

from __future__ import annotations

from typing import Any

from bridge.media.core import MediaCore
from bridge.media.fanout import Sink
from bridge.media.shell.hot_path import HotPath
from bridge.media.transport import Address, Transport

KEPT_IN = HotPath()  # says where compiled code is kept; before anything of it is imported

from bridge.media.hot.arrival import take_in  # noqa: E402
from bridge.media.hot.compiling import entry  # noqa: E402
from bridge.media.hot.departure import lay_out  # noqa: E402
from bridge.media.hot.following import Following, socket_name  # noqa: E402
from bridge.media.hot.world import DATAGRAMS, NAME, READ, World  # noqa: E402


@entry
def arrive(world: World, count: int, now: float) -> None:
    take_in(world[0], count, now)


@entry
def depart(world: World) -> bool:
    return lay_out(world[0])


class CompiledCore(MediaCore):
    """Takes a turn for every datagram, or for several at once with `receive_all`; what they cause
    is given out by `flush`."""

    def __init__(self, **options: Any) -> None:
        self.following = Following()
        super().__init__(**options, makers=self.following)
        self.sent: list[tuple[Transport, list[bytes]]] = []
        self.turns = 0
        self.taken = 0  # packets that the compiled turn forwarded to somebody

    def receive(self, data: bytes, address: Address, socket: int, now: float) -> None:
        self.receive_all([(data, address)], socket, now)

    def receive_all(self, datagrams: list[tuple[bytes, Address]], socket: int, now: float) -> None:
        """Several datagrams of one turn."""
        assert len(datagrams) <= DATAGRAMS
        self.following.refresh()
        world = self.following.world
        w = world[0]
        w["unix_offset"] = self.unix_offset
        for i, (data, address) in enumerate(datagrams):
            name = socket_name(address).ljust(NAME, b"\0")
            kept = data[:READ]
            w["received"][i, : len(kept)] = list(kept)
            w["received_messages"][i]["length"] = len(kept)
            w["received_names"][i] = list(name)
        arrive(world, len(datagrams), now)
        while depart(world):
            self._messages(w)
        self.turns += 1
        self.following.collect(self.counters)
        self.flush_rest(self.following.rest(), now, self._keep)
        for i in w["odds"][: int(w["odd"])].tolist():
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
    KEPT_IN.compile()
    following = Following()
    arrive(following.world, 0, 0.0)
    depart(following.world)
