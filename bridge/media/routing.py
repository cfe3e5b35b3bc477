"""Which source each slot shows: desired routes, key-frame-gated switching, audio by loudness."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bridge.media import kept, speakers
from bridge.media import messages as m
from bridge.media.counters import Counters
from bridge.media.key_frames import KeyFrames, hurries_nobody
from bridge.media.layer import Layer
from bridge.media.packets import Outgoing
from bridge.media.parts import Paused
from bridge.media.slot import Slot
from bridge.media.transport import Source, Transport

NEARLY = 2.0  # times what a line carries for a slot: the lowest temporal layer may take so much
# until a lower layer has a key frame


AGAIN = 1.0  # seconds between two times that who asks is sent what is kept once more


@dataclass(slots=True)
class AudioGroup:
    """Receivers that hear the same sources, chosen by loudness; see `messages.SetAudio`."""

    members: tuple[str, ...]
    allowed: tuple[m.SourceRef, ...]
    floor: tuple[m.SourceRef, ...]
    echo: bool = False
    heard: list[m.SourceRef] = field(default_factory=list)
    # Those whose slots were filled last, how many slots they have at most, and with whom.
    present: list[Transport] = field(default_factory=list)
    slots: int = 0
    filled: list[m.SourceRef] | None = None

    def gather(self, present: list[Transport]) -> None:
        """Note who of the members is there; where that has changed all are filled anew."""
        if present != self.present:
            self.present, self.filled = present, None
            counts = (sum(s.kind == "audio" for s in t.slots.values()) for t in present)
            self.slots = max(counts, default=0)

    def hear(self, heard: list[m.SourceRef]) -> bool:
        """Note who is heard from now on; whether receivers have to be told."""
        self.heard = heard
        news = heard != self.filled
        self.filled = heard
        return news


class Router:
    """Desired and actual routes of all slots. ``transports`` is shared with the core."""

    def __init__(
        self, transports: dict[str, Transport], counters: Counters, events: list[m.Event]
    ) -> None:
        self._transports = transports
        self._counters = counters
        self._events = events
        # Desired routes are kept apart from transports, so that an order of messages in
        # which a source's transport opens later (or again) needs no repetition.
        self._wanted: dict[tuple[str, str], m.Route] = {}
        self._asked_at: dict[tuple[str, str], float] = {}
        self.groups: dict[str, AudioGroup] = {}
        self.key_frames = KeyFrames()
        self._served: list[tuple[Slot, list[Outgoing]]] = []  # to be sent before anything else

    # --- desired state ------------------------------------------------------------------

    def set_route(self, route: m.Route, now: float) -> str:
        """Take a route; return a sentence where it is refused."""
        transport = self._transports.get(route.transport)
        if transport is None:
            return f"There is no transport {route.transport!r}."
        slot = transport.slots.get(route.slot)
        if slot is None:
            return f"Transport {route.transport!r} has no slot {route.slot!r}."
        key = (route.transport, route.slot)
        before = self._wanted.get(key)
        if before != route:
            self._wanted[key] = route
            if before is None or before.source != route.source:
                self._asked_at[key] = now
                slot.asked_by_people()
        self.retarget(slot, now)
        return ""

    def set_audio(self, command: m.SetAudio, now: float) -> None:
        """Replace a group."""
        old = self.groups.pop(command.group, None)
        if command.members:
            group = AudioGroup(command.members, command.allowed, command.floor, command.echo)
            if old is not None:
                group.heard = [ref for ref in old.heard if ref in command.allowed]
            self.groups[command.group] = group
            self.mix(group, now)
        if old is not None:
            for member in set(old.members) - set(command.members):
                self._silence(member, now)

    def wanted(self, slot: Slot) -> m.Route | None:
        """What the control process asked this slot to show."""
        return self._wanted.get((slot.transport.id, slot.name))

    def forget(self, transport: Transport, now: float) -> None:
        """A transport was closed: its slots end, slots elsewhere that show it become empty."""
        self._served = [each for each in self._served if each[0].transport is not transport]
        for slot in transport.slots.values():
            self.stop(slot)
            self._wanted.pop((transport.id, slot.name), None)
            self._asked_at.pop((transport.id, slot.name), None)
        for source in transport.sources.values():
            for layer in source.layers.values():
                self.key_frames.forget(layer)
                for slot in [*layer.slots, *layer.waiters]:
                    self.retarget(slot, now)

    # --- actual state -------------------------------------------------------------------

    def find(self, ref: m.SourceRef | None) -> Source | None:
        if ref is None:
            return None
        transport = self._transports.get(ref.transport)
        return None if transport is None else transport.sources.get(ref.name)

    def retarget(self, slot: Slot, now: float) -> None:
        """Bring one slot nearer to what is wanted of it."""
        route = self.wanted(slot)
        source = self.find(route.source if route is not None else None)
        if slot.transport.state != "connected":
            self.stop(slot)
            return
        if slot.paused and source is not None and route is not None:
            self.stop(slot)
            return
        layer = None
        if source is not None and route is not None:
            layer = source.choose(route.prefer, now, slot.at_most)
        if layer is None:
            self._await_silent(slot, source, now)
            return
        if layer is slot.layer:
            slot.await_layer(None)
            return
        if layer is not slot.target or layer not in self.key_frames:
            if layer is not slot.target and self._serve_kept(slot, layer, now):
                return
            slot.await_layer(layer)
            self.key_frames.request(layer, weak=hurries_nobody(slot))

    def _serve_kept(self, slot: Slot, layer: Layer, now: float) -> bool:
        """Show what the layer keeps of its newest pictures, where the receiver has that sooner than
        a new key frame; whether that is so."""
        transport = slot.transport
        if slot.kind != "video" or slot.temporal >= 0 or transport.estimator is None:
            return False
        packets = kept.kept(layer, now)
        if not packets:
            return False
        line = transport.line(now)
        there = kept.ready_at(packets, line, transport.kept_until, now)
        asks = self.key_frames.asks_at(slot, layer, now)
        if there > kept.new_at(packets, line, layer.source.transport.rtt, asks):
            return False
        transport.serves_until(there)
        slot.await_layer(None)
        departures = slot.catch_up(layer, packets, now)
        self._served.append((slot, departures))
        self._counters.layers_switched += 1
        self._counters.kept_served += 1
        self._announce(slot, now, departures[0][2])
        return True

    def ask(self, slot: Slot, now: float) -> None:
        """A receiver asks for a key frame of what a slot shows. One that hurries nobody is sent
        what is kept once more, where a new one is not there sooner: who has just come often misses
        the beginning, which leaves before its own keys are ready."""
        layer = slot.layer
        if layer is None:
            return
        if hurries_nobody(slot) and now >= slot.again_at and self._serve_kept(slot, layer, now):
            slot.served_again(now + AGAIN)
            return
        weak = slot.transport.weak or slot.transport.patient
        self.key_frames.request(layer, weak=weak)

    def take_served(self) -> list[tuple[Slot, list[Outgoing]]]:
        """What is to be sent of the past, slot by slot, ahead of what arrives."""
        served = self._served
        if served:
            self._served = []
        return served

    def _await_silent(self, slot: Slot, source: Source | None, now: float) -> None:
        """Of what is wanted nothing arrives. Neither its last picture nor that of another source
        may stand in its place: the receiver is told, and shows who it would be. A layer that was
        there before is awaited, so that its first key frame is shown."""
        silent = next(iter(source.known), None) if source is not None else None
        waiting = slot.target is not None and slot.target is not silent
        if slot.layer is not None or waiting or slot.paused:
            slot.resume()
            self.stop(slot)
            self._announce(slot, now)
        slot.await_layer(silent)
        if silent is not None:
            self.key_frames.forget(silent)  # whoever sends nothing is not asked for anything

    def grant(self, slot: Slot, rid: str, temporal: int, bitrate: float, now: float) -> None:
        """Let a slot show a layer up to ``rid`` and ``temporal``, because its line carries
        ``bitrate`` for it. What is less than it shows now takes effect at once: the higher layer
        is thinned, or stops, until the lower one has a key frame."""
        slot.grant(rid)
        self.retarget(slot, now)
        layer, target = slot.layer, slot.target
        if target is None:
            slot.leave_out(temporal)
            return
        slot.leave_out_next(temporal)
        if layer is None or layer.source is not target.source:
            return
        order = layer.source.spec.rids
        if layer.rid in order and order.index(target.rid) < order.index(layer.rid):
            meter = layer.meter
            if meter.temporal and meter.bitrates[0] <= bitrate * NEARLY:
                slot.leave_out_now(0)
            else:
                slot.detach()

    def pause(self, slot: Slot, reason: Paused, now: float) -> None:
        """Send nothing of what a slot is to show, and say so."""
        slot.pause(reason)
        self.stop(slot)
        self._announce(slot, now)

    def retarget_watchers(self, source: Source, now: float) -> None:
        """A source's layers changed: every slot that wants it chooses again."""
        ref = source.ref
        for (transport_id, name), route in self._wanted.items():
            if route.source == ref:
                transport = self._transports.get(transport_id)
                if transport is not None and name in transport.slots:
                    self.retarget(transport.slots[name], now)

    def stop(self, slot: Slot) -> None:
        """Show nothing and wait for nothing."""
        slot.detach()
        slot.await_layer(None)

    def open_gate(self, layer: Layer, now: float) -> None:
        """Let the slots that wait for ``layer`` in, where its pending packets allow it."""
        for packet in layer.pending:
            if layer.is_key_frame_start(packet[3]):
                for slot in list(layer.waiters):
                    slot.await_layer(None)
                    slot.attach(layer, packet, now)
                    self._counters.layers_switched += 1
                    self._announce(slot, now, (packet[2] + slot.ts_offset) & 0xFFFFFFFF)
                layer.begins_with(packet[3])
                return

    def _announce(self, slot: Slot, now: float, timestamp: int | None = None) -> None:
        key = (slot.transport.id, slot.name)
        shown = None
        rid = ""
        if slot.layer is not None:
            shown = slot.layer.source.ref
            rid = slot.layer.rid
        elif slot.paused:
            route = self.wanted(slot)
            shown = route.source if route is not None else None
        waited = (now - self._asked_at.get(key, now)) * 1000
        self._events.append(
            m.SlotShowing(
                transport=key[0],
                slot=key[1],
                source=shown,
                layer=rid,
                waited_ms=round(waited, 1),
                timestamp=timestamp,
                paused=slot.paused,
            )
        )

    # --- audio --------------------------------------------------------------------------

    def mix_all(self, now: float) -> None:
        for group in self.groups.values():
            self.mix(group, now)

    def mix(self, group: AudioGroup, now: float) -> None:
        """Fill the audio slots of a group's members."""
        levels: dict[m.SourceRef, float] = {}
        for ref in group.allowed:
            source = self.find(ref)
            layer = source.choose("highest", now) if source is not None else None
            if layer is not None:
                levels[ref] = layer.audio_level
        group.gather([self._transports[t] for t in group.members if t in self._transports])
        heard = speakers.select(
            levels=levels,
            floor=group.floor,
            heard=group.heard,
            slots=group.slots,
            own=max(Counter(ref.transport for ref in levels).values(), default=1),
        )
        # An audience has hundreds of members, and others speak once in a minute.
        if group.hear(heard):
            for transport in group.present:
                self._fill(transport, heard, now, echo=group.echo)

    def _fill(
        self, transport: Transport, heard: list[m.SourceRef], now: float, *, echo: bool = False
    ) -> None:
        slots = [slot for slot in transport.slots.values() if slot.kind == "audio"]
        current: list[m.SourceRef | None] = []
        for slot in slots:
            route = self.wanted(slot)
            current.append(route.source if route is not None else None)
        others = heard if echo else [ref for ref in heard if ref.transport != transport.id]
        wanted = speakers.assign(current, others, None)
        for slot, before, ref in zip(slots, current, wanted, strict=True):
            if before != ref:
                self.set_route(m.Route(transport=transport.id, slot=slot.name, source=ref), now)

    def _silence(self, member: str, now: float) -> None:
        transport = self._transports.get(member)
        if transport is not None:
            self._fill(transport, [], now)
