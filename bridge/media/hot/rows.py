"""Layers, slots, transports and budgets whose numbers live in the tables of the compiled turn.

They are what they are elsewhere, with the same methods; attributes that both halves change are read
from and written to a row of the world. So there is one truth, and no copy to be brought up to date.
A row outlives nothing: `release` gives an object a row of its own, for the retransmissions that may
still be asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.media import messages as m
from bridge.media.budget import Allowance, Budget
from bridge.media.dtls import DtlsServer
from bridge.media.hot.cipher import CipherContext
from bridge.media.hot.world import BUDGET, KEPT, LAYER, PACKET, SLOT, TRANSPORT
from bridge.media.layer import Layer
from bridge.media.packets import Packet
from bridge.media.slot import Slot
from bridge.media.transport import Transport

if TYPE_CHECKING:
    from bridge.media.hot.following import Following


class Table:
    """The columns of a table, each read and written by row as Python's own numbers."""

    __slots__ = ("columns",)

    def __init__(self, rows: Any) -> None:
        self.columns: dict[str, Any] = {
            name: memoryview(rows[name]) for name in rows.dtype.names if rows[name].ndim == 1
        }


def one_row(kind: np.dtype[Any]) -> Table:
    """A table for one object alone."""
    return Table(np.zeros(1, kind))


class Column:
    """An attribute that is a field of the object's row."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, thing: Any, kind: type[Any]) -> Any:
        return thing.table.columns[self.name][thing.row]

    def __set__(self, thing: Any, value: Any) -> None:
        thing.table.columns[self.name][thing.row] = value


def columns(*names: str) -> Callable[[type[Any]], type[Any]]:
    """Make these attributes of a class fields of its rows."""

    def add(kind: type[Any]) -> type[Any]:
        for name in names:
            setattr(kind, name, Column(name))
        return kind

    return add


class Ring:
    """A layer's ring: packets by place, their payloads in one block for the compiled turn."""

    __slots__ = ("block", "fields", "octets", "size")

    def __init__(self, size: int, kept: Any) -> None:
        self.size = size
        self.block = np.empty(size * PACKET, np.uint8)  # its pages cost nothing until written
        self.octets = memoryview(self.block)  # type: ignore[arg-type]
        self.fields = Table(kept).columns
        kept["index"] = 0

    def move(self, kept: Any) -> None:
        """Go on with other rows; what is kept is copied."""
        fields = Table(kept).columns
        for name, column in fields.items():
            column[: self.size] = self.fields[name][: self.size]
        self.fields = fields

    @property
    def address(self) -> int:
        return int(self.block.ctypes.data)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Packet | None]:
        return (self[place] for place in range(self.size))

    def __getitem__(self, place: int) -> Packet | None:
        fields = self.fields
        index = fields["index"][place]
        if not index:
            return None
        at = place * PACKET
        payload = bytes(self.octets[at : at + fields["length"][place]])
        return index, fields["head"][place], fields["timestamp"][place], payload

    def __setitem__(self, place: int, packet: Packet) -> None:
        index, head, timestamp, payload = packet
        fields = self.fields
        at = place * PACKET
        self.octets[at : at + len(payload)] = payload
        fields["index"][place] = index
        fields["head"][place] = head
        fields["timestamp"][place] = timestamp
        fields["length"][place] = len(payload)


LAYER_FIELDS = (
    *("highest", "shift", "floor", "received", "octets", "transit", "jitter", "last_arrival"),
    *("audio_level", "top_forwarded", "key_frame_wanted"),
)


@columns(*LAYER_FIELDS)
class HotLayer(Layer):
    """A layer with a row; ``rest`` are its slots that Python serves."""

    __slots__ = ("_ring", "following", "rest", "row", "table")

    def __init__(
        self, following: Following, row: int, table: Table, kept: Any, **rest: Any
    ) -> None:
        self.following = following
        self.row = row
        self.table = table
        self.rest: list[Slot] = []
        super().__init__(**rest)
        self._ring = self.ring = Ring(len(self.ring), kept)

    def changed(self) -> None:
        self.following.layer_changed(self)

    def released(self) -> None:
        self.following.release_layer(self)

    @property
    def ring_address(self) -> int:
        """Of the payloads, for the compiled turn."""
        return self._ring.address

    def serve(self, rest: list[Slot]) -> None:
        self.rest = rest

    def move(self) -> None:
        """Leave the row for one of its own."""
        table = one_row(LAYER)
        for name in LAYER_FIELDS:
            table.columns[name][0] = self.table.columns[name][self.row]
        self.table, self.row = table, 0
        self._ring.move(np.zeros(len(self._ring), KEPT))


@columns("packets", "octets")
class HotSlot(Slot):
    """A slot with a row; ``noted`` says which run, under which keys, the row is about."""

    __slots__ = ("noted", "row", "table")

    def __init__(self, row: int, table: Table, **rest: Any) -> None:
        self.row = row
        self.table = table
        self.noted: tuple[Any, ...] = ()
        super().__init__(**rest)

    def note(self, run: tuple[Any, ...]) -> None:
        self.noted = run

    def leave(self) -> int:
        return _leave(self, SLOT, "packets", "octets")


@columns("packets", "octets")
class HotBudget(Budget):
    """A budget with a row."""

    __slots__ = ("row", "table")

    def __init__(self, row: int, table: Table, allowance: Allowance) -> None:
        self.row = row
        self.table = table
        super().__init__(allowance)

    def leave(self) -> int:
        return _leave(self, BUDGET, "packets", "octets")


TRANSPORT_FIELDS = ("cc_next", "booked", "last_heard", "strange_left", "strange_at")


@columns(*TRANSPORT_FIELDS)
class HotTransport(Transport):
    """A transport with a row; ``contexts`` are its cipher contexts, ``noted`` its addresses as
    they stand in the tables."""

    __slots__ = ("contexts", "following", "noted", "row", "table")

    def __init__(
        self,
        following: Following,
        row: int,
        table: Table,
        spec: m.Open,
        dtls: DtlsServer,
        now: float,
        estimation: bool,
    ) -> None:
        self.following = following
        self.row = row
        self.table = table
        self.contexts: tuple[Any, ...] = ()
        self.noted: tuple[tuple[int, int, int], ...] = ()
        super().__init__(spec, dtls, now, estimation=estimation)

    def make_budget(self, allowance: Allowance) -> Budget:
        return self.following.budget(allowance)

    def changed(self) -> None:
        self.following.transport_changed(self)

    def released(self) -> None:
        self.following.release_transport(self)

    def use(self, *contexts: CipherContext) -> None:
        self.contexts = contexts

    def note(self, addresses: tuple[tuple[int, int, int], ...]) -> None:
        self.noted = addresses

    def leave(self) -> int:
        self.contexts = ()
        return _leave(self, TRANSPORT, *TRANSPORT_FIELDS)


def _leave(thing: HotSlot | HotBudget | HotTransport, kind: np.dtype[Any], *names: str) -> int:
    """Give an object a row of its own; return the one it had."""
    had = thing.row
    table = one_row(kind)
    for name in names:
        table.columns[name][0] = thing.table.columns[name][had]
    thing.table, thing.row = table, 0
    return had
