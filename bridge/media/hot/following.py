"""Keeps the compiled turn's tables in step with the worker's transports, slots and layers.

Between two turns only, on the thread that takes the turns."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bridge.media import messages as m
from bridge.media import srtp
from bridge.media.budget import Allowance, Budget
from bridge.media.congestion.reader import Reader
from bridge.media.counters import Counters, Drop
from bridge.media.dtls import DtlsServer
from bridge.media.fanout import Rest
from bridge.media.hot import world as tables
from bridge.media.hot.callers import Callers
from bridge.media.hot.cipher import KEY_SIZE, CipherContext
from bridge.media.hot.places import Places, Rows
from bridge.media.hot.receivers import HotReader, Read, ReceiverTables
from bridge.media.hot.rows import HotBudget, HotLayer, HotSlot, HotTransport, Table
from bridge.media.hot.socket_names import address_key, socket_name
from bridge.media.hot.world import (
    ADDRESS_PLACES,
    DIRECTLY,
    FEEDS,
    LISTED,
    OVER_AND_OUT,
    PYTHON_KNOWS,
    STREAM_PLACES,
    TODO,
)
from bridge.media.layer import Layer
from bridge.media.makers import Makers
from bridge.media.slot import Slot
from bridge.media.transport import IP_UDP, Transport

# Counters of the world and the worker's own, or the reason of a drop.
TOTALS = (
    *("packets_in", "octets_in", "packets_out", "octets_out"),
    *("gso_batches", "gso_segments", "sends_single"),
)
DROPS = {
    "duplicate": Drop.DUPLICATE,
    "too_old": Drop.TOO_OLD,
    "malformed": Drop.RTP_MALFORMED,
    "rejected": Drop.SRTP_REJECTED,
    "over_budget": Drop.SOURCE_BUDGET,
    "send_blocked": Drop.SEND_BLOCKED,
    "send_error": Drop.SEND_ERROR,
    "guarded": Drop.NONCE_GUARD,
    "seal_failed": Drop.SEND_ERROR,
    "empty": Drop.EMPTY,
    "unknown_class": Drop.UNKNOWN_CLASS,
    "oversize": Drop.OVERSIZE,
    "unknown_address": Drop.UNKNOWN_ADDRESS,
    "dtls_rate": Drop.DTLS_RATE,
    "dtls_closed": Drop.DTLS_CLOSED,
    "stun_malformed": Drop.STUN_MALFORMED,
    "stun_method": Drop.STUN_METHOD,
    "stun_unknown_ufrag": Drop.STUN_UNKNOWN_UFRAG,
    "stun_rate": Drop.STUN_RATE,
}


class Following(Makers):
    """Makes the worker's objects with rows in ``world`` and keeps the rest of it up to date.

    Where a table is full, an object is made without a row: Python forwards it.
    """

    def __init__(self) -> None:
        self.world = tables.make()
        w = self.world[0]
        self._w = w
        self.columns = Table(self.world).columns  # the world's own numbers, each in its place 0
        self._layers = Rows(w["layers"])
        self._slots = Rows(w["slots"])
        self._transports = Rows(w["transports"])
        self._budgets = Rows(w["budgets"])
        self._feeds = memoryview(w["feeds"])
        self._streams = Places(w["streams"], tables.stream_place_of, STREAM_PLACES)
        self._addresses = Places(w["addresses"], tables.address_place_of, ADDRESS_PLACES)
        self._callers = Callers(self.world)
        self._by_row: dict[int, HotTransport] = {}
        self._layer_by_row: dict[int, HotLayer] = {}
        self._stale_layers: set[HotLayer] = set()
        self._stale_transports: set[HotTransport] = set()
        self._told = ReceiverTables(self.world)
        self._read: Read | None = None
        self._listed: set[int] = set()  # rows of transports that are probed

    # --- objects ----------------------------------------------------------------------------

    def transport(
        self, spec: m.Open, dtls: DtlsServer, now: float, *, estimation: bool
    ) -> Transport:
        row = self._transports.take()
        if row is None:
            return Transport(spec, dtls, now, estimation=estimation)
        table = self._transports.table
        transport = HotTransport(self, row, table, spec, dtls, now, estimation)
        self._by_row[row] = transport
        self._choose_reader(transport)
        self._callers.add(transport.username, row)
        self._stale_transports.add(transport)
        return transport

    def slot(self, **facts: Any) -> Slot:
        row = self._slots.take()
        return Slot(**facts) if row is None else HotSlot(row, self._slots.table, **facts)

    def budget(self, allowance: Allowance) -> Budget:
        row = self._budgets.take()
        if row is None:
            return Budget(allowance)
        return HotBudget(row, self._budgets.table, allowance)

    def layer(self, **facts: Any) -> Layer:
        source = facts["source"]
        row = None
        if isinstance(source.transport, HotTransport) and isinstance(source.budget, HotBudget):
            row = self._layers.take()
        if row is None:
            return Layer(**facts)
        layer = HotLayer(self, row, self._layers.table, self._w["kept"][row], **facts)
        self._layer_by_row[row] = layer
        self._stale_layers.add(layer)
        return layer

    # --- changes ----------------------------------------------------------------------------

    def layer_changed(self, layer: HotLayer) -> None:
        if layer.row in self._layer_by_row:
            self._stale_layers.add(layer)

    def transport_changed(self, transport: HotTransport) -> None:
        self._stale_transports.add(transport)

    def release_layer(self, layer: HotLayer) -> None:
        """A layer was replaced or its transport closed; it may still be asked for packets."""
        self._stale_layers.discard(layer)
        self._streams.remove((self._key(layer),), layer.row)
        del self._layer_by_row[layer.row]
        row = layer.row
        layer.move()
        self._layers.give_back(row)

    def release_transport(self, transport: HotTransport) -> None:
        """A transport was closed, and all its layers were released."""
        self._stale_transports.discard(transport)
        for address in transport.noted:
            self._addresses.remove(address, transport.row)
        self._callers.remove(transport.username, transport.row)
        del self._by_row[transport.row]
        self._listed.discard(transport.row)
        if transport.estimator is not None:
            transport.estimator.use(Reader(transport.estimator.reader.octets))
        for slot in transport.slots.values():
            if isinstance(slot, HotSlot):
                self._slots.give_back(slot.leave())
        of_sources = (source.budget for source in transport.sources.values())
        for budget in (transport.stray, transport.alerts, *of_sources):
            if isinstance(budget, HotBudget):
                self._budgets.give_back(budget.leave())
        self._transports.give_back(transport.leave())

    def refresh(self, asked: Collection[bytes]) -> None:
        """Before a turn: note what was changed since the last one. ``asked`` are transactions of
        checks of ours that wait for an answer."""
        self._callers.asked(asked)
        if not self._stale_layers and not self._stale_transports:
            return
        for transport in self._stale_transports:
            self._note_transport(transport)
        self._stale_transports.clear()
        for layer in self._stale_layers:
            self._note_layer(layer)
        self._stale_layers.clear()

    def _note_transport(self, transport: HotTransport) -> None:
        row = self._w["transports"][transport.row]
        usable = _usable(transport)
        if usable and not transport.contexts:
            assert transport.keys is not None
            transport.use(
                CipherContext(_session_key(transport.keys.inbound), seal=False),
                CipherContext(_session_key(transport.keys.outbound), seal=True),
            )
            row["open_at"], row["seal_at"] = (context.address for context in transport.contexts)
        for address in transport.noted:
            self._addresses.remove(address, transport.row)
        transport.note(tuple(map(address_key, transport.addresses)))
        for address in transport.noted:
            self._addresses.add(address, transport.row)
        row["dtls"] = _dtls(transport)
        if usable:
            assert transport.address is not None
            name = socket_name(transport.address)
            self._w["sent_names"][transport.row, : len(name)] = list(name)
            row["name_length"] = len(name)
            row["socket"] = transport.socket
            ids = transport.extensions
            row["cc_out"] = row["cc_in"] = ids.transport_cc
            row["time_out"] = 0 if ids.transport_cc else ids.abs_send_time
            row["level_in"] = ids.audio_level
            self._note_estimation(transport)
        self._stale_layers.update(
            layer for layer in transport.layers.values() if isinstance(layer, HotLayer)
        )
        self._stale_layers.update(
            slot.layer for slot in transport.slots.values() if isinstance(slot.layer, HotLayer)
        )

    def _note_layer(self, layer: HotLayer) -> None:
        source = layer.source
        transport = source.transport
        assert isinstance(transport, HotTransport)
        assert isinstance(source.budget, HotBudget)
        row = self._w["layers"][layer.row]
        self._streams.add((self._key(layer),), layer.row)
        row["ready"] = _usable(transport) and not layer.waiters
        row["budget"] = source.budget.row
        row["clock_rate"] = layer.clock_rate
        row["audio"] = layer.codec == "opus"
        row["red"] = layer.red_payload_type
        row["ring_at"], row["mask"] = layer.ring_address, layer.mask
        row["nonce_high"], row["nonce_middle"], row["nonce_low"] = _thirds(layer.nonce_base)
        feeds: list[Slot] = []
        rest: list[Slot] = []
        for slot in layer.slots:
            served = len(feeds) < FEEDS and isinstance(slot, HotSlot) and self._note_slot(slot)
            (feeds if served else rest).append(slot)
        for place, slot in enumerate(feeds):
            assert isinstance(slot, HotSlot)
            self._feeds[layer.row, place] = slot.row
        row["feeds"], row["rest"] = len(feeds), bool(rest)
        layer.serve(rest)

    def _note_slot(self, slot: HotSlot) -> bool:
        """Note a slot's run; False where Python has to serve it."""
        transport, layer = slot.transport, slot.layer
        if not (isinstance(transport, HotTransport) and isinstance(layer, HotLayer)):
            return False
        if slot.red or not _usable(transport) or len(transport.slots) > TODO:
            return False
        if slot.thin is not None or (transport.pacer is not None and slot.kind == "video"):
            return False
        run = (layer, slot.first, slot.offset, slot.ts_offset, slot.munge, slot.nonce_base)
        if run == slot.noted:
            return True
        row = self._w["slots"][slot.row]
        row["transport"], row["layer"] = transport.row, layer.row
        row["first"], row["offset"], row["ts_offset"] = slot.first, slot.offset, slot.ts_offset
        row["ssrc"], row["payload_type"] = slot.ssrc, slot.payload_type
        row["nonce_high"], row["nonce_middle"], row["nonce_low"] = _thirds(slot.nonce_base)
        row["munged"] = slot.munge is not None
        if slot.munge is not None:
            row["picture_id"], row["tl0_index"] = slot.munge
        # Of this run Python may have sent up to here already.
        sent = max(layer.top_forwarded, slot.first - 1) + slot.offset
        row["sealed"] = max(int(row["sealed"]), sent)
        slot.note(run)
        return True

    def _key(self, layer: HotLayer) -> int:
        transport = layer.source.transport
        assert isinstance(transport, HotTransport)
        return transport.row << 32 | layer.ssrc

    def _book(self, runs: list[tuple[Any, ...]]) -> None:
        """Tell estimators what was sent: of each run where it went, the transport-cc number of
        the first packet, when, how many there were, their octets, those of the last, and whether
        the time is sure."""
        for row, first, at, count, size, last, sure in runs:
            transport = self._by_row.get(row)
            if transport is None or transport.estimator is None:
                continue
            sizes = [size] * count
            sizes[-1] = last
            transport.estimator.sent(first, at, sizes, IP_UDP, sure=bool(sure))

    # --- estimation -------------------------------------------------------------------------

    def read_by(self, read: Read | None) -> None:
        """Read feedback by compiled code from now on, or None: by Python. What was sent and has not
        been told of yet is forgotten."""
        self._read = read
        for transport in self._by_row.values():
            self._choose_reader(transport)

    def _choose_reader(self, transport: HotTransport) -> None:
        estimator = transport.estimator
        if estimator is None:
            return
        octets = estimator.reader.octets
        if self._read is None:
            estimator.use(Reader(octets))
        else:
            probes = self._listed.add
            estimator.use(HotReader(self._told, transport.row, self._read, octets, probes))
        self._note_estimation(transport)

    def _note_estimation(self, transport: HotTransport) -> None:
        """How the turn tells what it sends: directly, or for Python, which counts probes."""
        estimator = transport.estimator
        row = self._w["transports"][transport.row]
        if estimator is None:
            row["estimated"] = 0
        elif self._read is None or estimator.prober.current is not None:
            row["estimated"] = LISTED
            self._listed.add(transport.row)
        else:
            row["estimated"] = DIRECTLY

    def _note_probes(self) -> None:
        """Probes have ended, or begun."""
        listed, self._listed = self._listed, set()
        for row in listed:
            self._note_estimation(self._by_row[row])

    # --- what a turn leaves -----------------------------------------------------------------

    def collect(self, counters: Counters) -> None:
        """Add what the turns have counted, and hand arrivals to the recorders of feedback."""
        columns = self.columns
        for name in TOTALS:
            count = columns[name][0]
            if count:
                counters.add(name, count)
                columns[name][0] = 0
        for name, reason in DROPS.items():
            count = columns[name][0]
            if count:
                counters.drop(reason, count)
                columns[name][0] = 0
        sent = columns["sent"][0]
        if sent:
            self._book(self._w["book"][:sent].tolist())
            columns["sent"][0] = 0
        if self._listed:
            self._note_probes()
        arrived = columns["arrived"][0]
        if arrived:
            for row, number, at in self._w["arrivals"][:arrived].tolist():
                self._by_row[row].cc_recorder.add(number, at)
            columns["arrived"][0] = 0

    def rest(self) -> list[Rest]:
        """Of the present turn: layers whose packets Python sends to some of their slots."""
        found: list[Rest] = []
        for row in self._w["rest"][: self.columns["rests"][0]].tolist():
            layer = self._layer_by_row[row]
            count = int(self._w["layers"][row]["count"])
            last = layer.highest
            packets = [layer.find(index) for index in range(last - count + 1, last + 1)]
            found.append((layer, [p for p in packets if p is not None], layer.rest))
        return found


def _dtls(transport: HotTransport) -> int:
    """What a transport's ``dtls`` says: the row of the budget of its next datagram of DTLS, if any
    more are looked at."""
    dtls = transport.dtls
    if dtls.failure or dtls.closed:
        return OVER_AND_OUT
    budget = transport.stray if dtls.keys is None else transport.alerts
    return budget.row if isinstance(budget, HotBudget) else PYTHON_KNOWS


def _usable(transport: Transport) -> bool:
    """Whether the compiled turn can receive from and send to a transport."""
    return (
        transport.state == "connected"
        and transport.address is not None
        and transport.seal is not None
        and transport.inbound is not None
        and transport.inbound.open is not None
    )


def _session_key(master: bytes) -> bytes:
    """The key of RTP of one direction under AEAD_AES_128_GCM."""
    return srtp.derive(master[:KEY_SIZE], master[KEY_SIZE:], srtp.LABEL_RTP_ENCRYPTION, KEY_SIZE)


def _thirds(nonce: int) -> tuple[int, int, int]:
    return nonce >> 64, nonce >> 32 & 0xFFFFFFFF, nonce & 0xFFFFFFFF
