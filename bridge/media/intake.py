"""Inbound RTP: decryption, SSRC learning, undoing RTX. What is accepted waits in its layer."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from bridge.media import messages as m
from bridge.media import redundancy, rtp
from bridge.media.counters import Counters, Drop
from bridge.media.layer import LAYER_IDLE, Layer
from bridge.media.makers import Makers
from bridge.media.routing import Router
from bridge.media.speakers import smooth
from bridge.media.srtp import AEAD_TAG_SIZE, SrtpError
from bridge.media.transport import MAX_SSRCS, Source, Transport

UNKNOWN_LEVEL = 40  # -dBov assumed of audio without RFC 6464 levels

RTX_AHEAD = 128  # packets by which a retransmission may overtake the stream: bandwidth probing
# repeats the newest ones, and may so repair a loss before anybody asked

_unpack_header = rtp.HEADER.unpack_from


class Intake:
    """The receiving half of forwarding; ``dirty`` are the layers with pending packets."""

    def __init__(
        self, router: Router, counters: Counters, events: list[m.Event], makers: Makers
    ) -> None:
        self._router = router
        self._makers = makers
        self._counters = counters
        self._events = events
        self.dirty: list[Layer] = []

    def take_dirty(self) -> list[Layer]:
        """The layers with pending packets; from now on others are."""
        dirty = self.dirty
        if dirty:
            self.dirty = []
        return dirty

    def rtp(self, data: bytes, transport: Transport, now: float) -> None:
        """Take in one SRTP packet of a validated address."""
        inbound = transport.inbound
        if inbound is None:
            self._counters.drop(Drop.BEFORE_DTLS)
            return
        if len(data) < rtp.HEADER_SIZE:
            self._counters.drop(Drop.RTP_MALFORMED)
            return
        first, second, sequence_number, timestamp, ssrc = _unpack_header(data)
        layer = transport.layers.get(ssrc)
        if layer is not None:
            budget = layer.source.budget
        elif ssrc not in transport.ssrcs and len(transport.ssrcs) >= MAX_SSRCS:
            self._counters.drop(Drop.SSRC_LIMIT)
            return
        else:
            repaired = transport.rtx_layers.get(ssrc)
            budget = transport.stray if repaired is None else repaired.source.budget
        if budget.packets < 0 or budget.octets < 0:
            self._counters.drop(Drop.SOURCE_BUDGET)
            return
        budget.packets -= 1
        budget.octets -= len(data)
        if layer is None or inbound.open is None:
            if inbound.open is not None and ssrc in transport.retired:
                self._returned(data, transport, ssrc, now)
            else:
                self._through_libsrtp(data, transport, ssrc, now)
            return
        # The fast path: a known stream under AES-GCM. The layer's ring is an exact replay
        # list, looked at before and changed after authentication (RFC 3711 section 3.3).
        index = layer.estimate(sequence_number)
        reason = layer.seen(index)
        if reason is not None:
            self._counters.drop(reason)
            return
        offset = rtp.header_size(data)
        if offset < 0 or len(data) < offset + AEAD_TAG_SIZE:
            self._counters.drop(Drop.RTP_MALFORMED)
            return
        nonce = (layer.nonce_base ^ (index - 0x10000)).to_bytes(12, "big")
        try:
            payload = inbound.open(nonce, data[offset:], data[:offset])
        except InvalidTag:
            # Forged: that must not use up what the source may send.
            budget.packets += 1
            budget.octets += len(data)
            self._counters.drop(Drop.SRTP_REJECTED)
            return
        padding = first & rtp.PADDING_BIT
        if padding and (not payload or not 0 < payload[-1] <= len(payload)):
            self._counters.drop(Drop.RTP_MALFORMED)
            return
        self._heard(data, transport, now)
        if layer.codec == "opus":
            layer.audio_level = smooth(layer.audio_level, _level(data, transport))
        head = padding << 24 | (second & 0x80) << 16
        if second & 0x7F == layer.red_payload_type:
            self._redundant(layer, index, head, timestamp, payload, now)
            return
        layer.take(index, head, timestamp, payload, now)
        if len(layer.pending) == 1:
            self.dirty.append(layer)

    def _redundant(
        self, layer: Layer, index: int, head: int, timestamp: int, payload: bytes, now: float
    ) -> None:
        """Take in redundant audio (RFC 2198): the frame of the packet and those restored."""
        if head & redundancy.PADDING:
            payload = payload[: -payload[-1]]
            head &= ~redundancy.PADDING
        before = len(layer.pending)
        restored = redundancy.take(layer, index, head, timestamp, payload, now)
        if restored < 0:
            self._counters.drop(Drop.RED_MALFORMED)
            return
        self._counters.packets_restored += restored
        if not before:
            self.dirty.append(layer)

    def _heard(self, packet: bytes, transport: Transport, now: float) -> None:
        """What every authenticated packet counts for."""
        transport.last_heard = now
        self._counters.packets_in += 1
        self._counters.octets_in += len(packet)
        ident = transport.extensions.transport_cc
        if ident:
            pos, length = rtp.find_extension(packet, ident)
            if length == 2:
                transport.cc_recorder.add(packet[pos] << 8 | packet[pos + 1], now)

    def _through_libsrtp(self, data: bytes, transport: Transport, ssrc: int, now: float) -> None:
        """AES-CM peers, retransmissions, and the first packet of every stream."""
        counters = self._counters
        inbound = transport.inbound
        assert inbound is not None
        try:
            packet = inbound.unprotect(data)
        except SrtpError:
            counters.drop(Drop.SRTP_REJECTED)
            return
        offset = rtp.payload_offset(packet)
        if offset < 0:
            counters.drop(Drop.RTP_MALFORMED)
            return
        transport.ssrcs.add(ssrc)
        self._heard(packet, transport, now)
        layer = transport.layers.get(ssrc)
        if layer is not None:
            if layer.codec == "opus":
                layer.audio_level = smooth(layer.audio_level, _level(packet, transport))
            self._accept(layer, packet, packet[offset:], now)
            return
        layer = transport.rtx_layers.get(ssrc)
        if layer is not None:
            self._recovered(layer, packet, packet[offset:], now)
        else:
            self._learn(packet, packet[offset:], transport, ssrc, now)

    def _returned(self, data: bytes, transport: Transport, ssrc: int, now: float) -> None:
        """The first packet of an SSRC that had a layer before (AES-GCM).

        libsrtp saw only the first packet of that layer, so neither its rollover counter nor
        its replay list is current; the wire index that the layer reached is.
        """
        counters = self._counters
        inbound = transport.inbound
        assert inbound is not None
        assert inbound.open is not None
        reached = transport.retired[ssrc]
        offset = rtp.header_size(data)
        if offset < 0 or len(data) < offset + AEAD_TAG_SIZE:
            counters.drop(Drop.RTP_MALFORMED)
            return
        index = rtp.unwrap(data[2] << 8 | data[3], reached)
        if index <= reached:
            counters.drop(Drop.TOO_OLD)
            return
        sealed_as = (inbound.salt ^ (ssrc << 48)) ^ (index - 0x10000)
        try:
            payload = inbound.open(sealed_as.to_bytes(12, "big"), data[offset:], data[:offset])
        except InvalidTag:
            counters.drop(Drop.SRTP_REJECTED)
            return
        packet = data[:offset] + payload
        if rtp.payload_offset(packet) < 0:
            counters.drop(Drop.RTP_MALFORMED)
            return
        self._heard(packet, transport, now)
        self._learn(packet, payload, transport, ssrc, now)

    def _accept(self, layer: Layer, packet: bytes, payload: bytes, now: float) -> None:
        first, second, sequence_number, timestamp, _ = _unpack_header(packet)
        index = layer.estimate(sequence_number)
        reason = layer.seen(index)
        if reason is not None:
            self._counters.drop(reason)
            return
        head = (first & rtp.PADDING_BIT) << 24 | (second & 0x80) << 16
        if second & 0x7F == layer.red_payload_type:
            self._redundant(layer, index, head, timestamp, payload, now)
            return
        layer.take(index, head, timestamp, payload, now)
        if len(layer.pending) == 1:
            self.dirty.append(layer)

    def _learn(
        self, packet: bytes, payload: bytes, transport: Transport, ssrc: int, now: float
    ) -> None:
        """Map an SSRC to a source: by mid and rid, by its SDP declaration, by payload type."""
        ids = transport.extensions
        mid = rtp.extension_text(packet, ids.mid)
        rid = rtp.extension_text(packet, ids.rid)
        payload_type = packet[1] & 0x7F
        source = _source_of(transport, ssrc, mid, payload_type)
        if source is None:
            self._counters.drop(Drop.SSRC_UNKNOWN)
            return
        spec = source.spec
        rid = rid or next((s.rid for s in spec.ssrcs if s.ssrc == ssrc), "")
        if payload_type == spec.rtx_payload_type and spec.rtx_payload_type:
            declared = [s.ssrc for s in spec.ssrcs if s.rtx_ssrc == ssrc]
            repaired = rtp.extension_text(packet, ids.repaired_rid)
            layer = transport.layers.get(declared[0]) if declared else None
            layer = layer or source.layers.get(repaired)
            if layer is None:
                self._counters.drop(Drop.SSRC_UNKNOWN)
                return
            layer.rtx_ssrc = ssrc
            transport.rtx_layers[ssrc] = layer
            self._recovered(layer, packet, payload, now)
            return
        if payload_type not in (spec.payload_type, spec.red_payload_type or -1):
            self._counters.drop(Drop.PAYLOAD_TYPE)
            return
        if (spec.rids and rid not in spec.rids) or (not spec.rids and rid):
            self._counters.drop(Drop.SSRC_UNKNOWN)  # the extension comes with the next ones
            return
        layer = self._new_layer(source, transport, ssrc, rid)
        self._accept(layer, packet, payload, now)
        self.announce(source, now)

    def _new_layer(self, source: Source, transport: Transport, ssrc: int, rid: str) -> Layer:
        spec = source.spec
        layer = self._makers.layer(
            source=source,
            ssrc=ssrc,
            rid=rid,
            codec=spec.codec,
            clock_rate=spec.clock_rate,
            payload_type=spec.payload_type,
            red_payload_type=spec.red_payload_type,
        )
        if transport.inbound is not None:
            layer.nonce_base = transport.inbound.salt ^ (ssrc << 48)
        reached = transport.retired.pop(ssrc, None)
        if reached is not None:
            layer.go_on_from(reached)
        replaced = source.layers.get(rid)
        if replaced is not None:  # the peer restarted its encoder under another SSRC
            transport.layers.pop(replaced.ssrc, None)
            transport.retired[replaced.ssrc] = replaced.wire_highest
            transport.rtx_layers.pop(replaced.rtx_ssrc, None)
            for slot in [*replaced.slots, *replaced.waiters]:
                self._router.stop(slot)
            replaced.released()
            source.announced = ()  # so that slots choose again
        source.layers[rid] = layer
        transport.layers[ssrc] = layer
        for declaration in spec.ssrcs:
            if declaration.ssrc == ssrc and declaration.rtx_ssrc:
                layer.rtx_ssrc = declaration.rtx_ssrc
                transport.rtx_layers[declaration.rtx_ssrc] = layer
        return layer

    def _recovered(self, layer: Layer, packet: bytes, payload: bytes, now: float) -> None:
        """Undo RTX (RFC 4588 section 4): the first two octets are the original number."""
        counters = self._counters
        counters.rtx_in += 1
        first, second, _, timestamp, _ = _unpack_header(packet)
        padding = first & rtp.PADDING_BIT
        if len(payload) < 2 or (padding and len(payload) - payload[-1] < 2):
            return  # probing: padding alone
        index = layer.estimate(payload[0] << 8 | payload[1])
        if not layer.highest or index > layer.wire_highest + RTX_AHEAD:
            counters.drop(Drop.RTX_MALFORMED)
            return
        if layer.seen(index) is not None:
            counters.rtx_redundant += 1  # bandwidth probing resends what has arrived
            return
        head = padding << 24 | (second & 0x80) << 16
        layer.take(index, head, timestamp, payload[2:], now)
        layer.recovered += 1
        counters.packets_recovered += 1
        if len(layer.pending) == 1:
            self.dirty.append(layer)

    def announce(self, source: Source, now: float, listening_since: float = 0.0) -> None:
        """Report a change of the set of active layers, and let slots choose again. That a layer is
        missing means nothing before this process has listened for as long without a pause."""
        active = tuple(layer.rid for layer in source.active(now))
        if now - listening_since < LAYER_IDLE and set(active) < set(source.announced):
            return
        if active != source.announced:
            source.announced = active
            self._events.append(
                m.SourceChanged(transport=source.transport.id, name=source.spec.name, layers=active)
            )
            self._router.retarget_watchers(source, now)

    def forget(self, transport: Transport) -> None:
        """A transport was closed: nothing of it is forwarded any more."""
        self.dirty = [layer for layer in self.dirty if layer.source.transport is not transport]


def _level(packet: bytes, transport: Transport) -> int:
    """The audio level of a packet, -dBov (RFC 6464)."""
    ident = transport.extensions.audio_level
    if ident:
        pos, length = rtp.find_extension(packet, ident)
        if length:
            return packet[pos] & 0x7F
    return UNKNOWN_LEVEL


def _source_of(transport: Transport, ssrc: int, mid: str, payload_type: int) -> Source | None:
    sources = transport.sources.values()
    if mid:
        return next((s for s in sources if s.spec.mid == mid), None)
    for source in sources:
        if any(ssrc in (s.ssrc, s.rtx_ssrc) for s in source.spec.ssrcs):
            return source
    matching = [
        s
        for s in sources
        if payload_type
        in (s.spec.payload_type, s.spec.rtx_payload_type or -1, s.spec.red_payload_type or -1)
        and not s.spec.rids
        and not s.spec.ssrcs
    ]
    return matching[0] if len(matching) == 1 else None
