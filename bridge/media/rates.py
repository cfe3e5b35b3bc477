"""What slots and layers carry, read once in a while from their totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.media import messages as m
from bridge.media.congestion.allocation import Step
from bridge.media.layer import Layer
from bridge.media.meter import WIRE
from bridge.media.routing import Router
from bridge.media.slot import Slot
from bridge.media.transport import Transport

VOICE = 45_000.0  # bit/s of one voice with all headers, set aside where anybody may be heard
FALLS = 0.9  # what is left of a voice's rate per reading while less comes
NOTHING = 1.0  # bit/s below which a voice has fallen silent


class Rates:
    """Rates of all slots since the last reading, in bit/s with all headers."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._at = 0.0
        self._octets: dict[Slot, int] = {}
        self._bits: dict[Slot, float] = {}
        self._received: dict[tuple[str, int], tuple[int, int, int]] = {}
        self._layers: dict[tuple[str, int], tuple[float, float]] = {}  # bit/s, lost share
        self.still = False  # whether nothing came or went before the last reading

    def read(self, transports: Iterable[Transport], now: float) -> None:
        """Take a reading."""
        elapsed = now - self._at
        self._at = now
        slots: dict[Slot, int] = {}
        bits: dict[Slot, float] = {}
        received: dict[tuple[str, int], tuple[int, int, int]] = {}
        for transport in transports:
            for slot in transport.slots.values():
                octets = slots[slot] = slot.octets + WIRE * slot.packets
                before = self._octets.get(slot)
                if before is not None and elapsed > 0:
                    bits[slot] = (octets - before) * 8 / elapsed
                    if slot.kind == "audio":
                        left = self._bits.get(slot, 0.0) * FALLS
                        bits[slot] = max(bits[slot], left if left > NOTHING else 0.0)
            for layer in transport.layers.values():
                if layer.codec != "opus":
                    layer.meter.read(layer, now)
                key = (transport.id, layer.ssrc)
                total = layer.octets + WIRE * layer.received
                expected = layer.highest - layer.base_index + 1 if layer.highest else 0
                received[key] = (total, layer.received - layer.recovered, expected)
                last = self._received.get(key)
                if last is not None and elapsed > 0:
                    missing = max(0, expected - last[2] - (received[key][1] - last[1]))
                    share = missing / max(1, expected - last[2])
                    self._layers[key] = ((total - last[0]) * 8 / elapsed, share)
        self._octets, self._bits, self._received = slots, bits, received
        self._layers = {key: rate for key, rate in self._layers.items() if key in received}
        rates = [*bits.values(), *(rate for rate, _ in self._layers.values())]
        self.still = not any(rates)

    def skip(self, now: float) -> None:
        """Nothing came or went since the last reading either, which found nothing."""
        self._at = now

    def sound(self, transport: Transport) -> float:
        """What is to be set aside for the voices of a receiver."""
        total = sum(
            self._bits.get(slot, 0.0) for slot in transport.slots.values() if slot.kind == "audio"
        )
        heard = any(slot.kind == "audio" for slot in transport.slots.values())
        return max(total, VOICE) if heard else 0.0

    def of(self, transport: Transport, shown: Mapping[str, Step | None]) -> m.TransportRate:
        """Both directions of a transport; ``shown`` has the steps of its slots."""
        estimator = transport.estimator
        slots = tuple(self._slot(slot, shown.get(slot.name)) for slot in transport.slots.values())
        layers = []
        lost = 0.0
        received = 0.0
        for layer in transport.layers.values():
            bits, share = self._layers.get((transport.id, layer.ssrc), (0.0, 0.0))
            received += bits
            lost = max(lost, share)
            layers.append(
                m.LayerRate(
                    name=layer.source.spec.name,
                    rid=layer.rid,
                    bitrate=round(bits),
                    height=_height(layer),
                    frame_rate=round(layer.meter.frame_rate, 1),
                )
            )
        loss = transport.downlink_loss if estimator is None else estimator.loss.loss
        return m.TransportRate(
            transport=transport.id,
            estimate=round(estimator.estimate) if estimator is not None else 0,
            bound=transport.bound,
            used=round(sum(self._bits.get(slot, 0.0) for slot in transport.slots.values())),
            loss=round(loss, 4),
            slots=slots,
            red=max((slot.red for slot in transport.slots.values()), default=0),
            received=round(received),
            lost=round(lost, 4),
            red_received=max((layer.redundancy for layer in transport.layers.values()), default=0),
            layers=tuple(layers),
        )

    def _slot(self, slot: Slot, step: Step | None) -> m.SlotRate:
        route = self._router.wanted(slot)
        layer = slot.layer
        frame_rate = 0.0
        height = 0
        if layer is not None:
            meter = layer.meter
            frame_rate = meter.frame_rate
            if 0 <= slot.temporal < len(meter.frame_rates):
                frame_rate = meter.frame_rates[slot.temporal]
            height = _height(layer)
        return m.SlotRate(
            name=slot.name,
            kind="audio" if slot.kind == "audio" else "video",
            source=route.source if route is not None else None,
            layer=layer.rid if layer is not None else "",
            temporal=slot.temporal,
            height=height,
            frame_rate=round(frame_rate, 1),
            bitrate=round(self._bits.get(slot, 0.0)),
            paused=slot.paused,
        )


def _height(layer: Layer) -> int:
    """Lines of a layer: as its pictures say, or else as it was meant; 0 where neither is known."""
    meant = (spec.height for spec in layer.source.spec.layers if spec.rid == layer.rid)
    return layer.height or next(meant, 0)
