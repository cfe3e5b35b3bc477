"""Gives each receiver what its line carries: estimation → budget → allocation → slots.

The parts are in `bridge.media.congestion`; here they meet the worker's transports, routes and
layers, and what comes of it is told to the control process.
"""

from __future__ import annotations

from bridge.media import messages as m
from bridge.media.congestion.allocation import (
    GROUND,
    RISES,
    Demand,
    Step,
    allocate,
    hunger,
    steps_of,
)
from bridge.media.congestion.line import Line
from bridge.media.congestion.pacer import Pacer
from bridge.media.counters import Counters
from bridge.media.fanout import transmit
from bridge.media.layer_steps import meant, measured
from bridge.media.padding import pad
from bridge.media.rates import Rates
from bridge.media.routing import Router
from bridge.media.slot import Slot
from bridge.media.transport import Source, Transport

HOLD = 2.0  # seconds that a line must have carried more before more is sent
SOON = 0.5  # the same where what matters most is shown nothing
CALM = 15.0  # seconds after a decrease; later on (and at first) more is sent at once
MARGIN = 0.95  # of the budget that is spent by plan
STANDING, DRAINS = 0.1, 0.8  # seconds of queue above which so much of it is spent: it must empty
REPAIR = 0.3  # most of the loss for whose repair room is left
LESS = 0.97  # of the budget at the last look: then less is sent at once
ONE_BY_ONE = 1.0  # seconds between two raises on a line that does not carry everything
INTERVAL = 0.25  # seconds between two looks at a line of which nothing is heard
AT_EASE = 1.0  # the same where it carries far more than everything, and nothing is about to change
READING = 0.5  # seconds between readings of what layers bring in
TELL = 1.0
NEARLY_FULL = 0.8  # of the budget: from there on, or with less than is wanted, pictures are paced
STARTS = 3.0  # seconds a layer that was asked for may take to come
AWAY = 10.0  # seconds until one that did not come is planned with again
DROPPED_AFTER = 2.0  # seconds after which a layer that nobody wants is no more asked for


class Distributor:
    """All receivers of a worker. ``transports`` is shared with the core."""

    def __init__(
        self,
        transports: dict[str, Transport],
        router: Router,
        events: list[m.Event],
        counters: Counters,
    ) -> None:
        self._transports = transports
        self._router = router
        self._events = events
        self._counters = counters
        self._lines: dict[str, Line] = {}
        self._rates = Rates(router)
        self._next_reading = 0.0
        self._moved = (0, 0)  # packets received and sent until the last reading
        self._next_telling = 0.0
        self._wanted: dict[m.SourceRef, dict[str, float]] = {}  # rid → wanted until
        self._since: dict[tuple[m.SourceRef, str], float] = {}  # wanted since
        self._away: dict[tuple[m.SourceRef, str], float] = {}  # asked for in vain: until
        self._announced: dict[m.SourceRef, tuple[str, ...]] = {}
        self._sending: list[tuple[str, ...]] = []  # layers of all sources at the last tick
        self._prepared: tuple[m.Route, ...] = ()  # of no slot: what may be shown soon

    def forget(self, transport: Transport) -> None:
        """A transport was closed."""
        self._lines.pop(transport.id, None)
        for source in transport.sources.values():
            self._wanted.pop(source.ref, None)
            self._announced.pop(source.ref, None)

    def bound(self, bounds: dict[str, int], carried: dict[str, int], now: float) -> str:
        """Take what shared links leave, and what lines ``carried`` before; return a sentence where
        a transport is unknown."""
        unknown = [name for name in bounds if name not in self._transports]
        for name, bits in bounds.items():
            transport = self._transports.get(name)
            if transport is not None:
                transport.limit(max(0, bits))
                if transport.estimator is not None:
                    transport.estimator.expect(max(0, bits), carried.get(name, 0), now)
                self.look(transport, now)
        return f"There is no transport {unknown[0]!r}." if unknown else ""

    def prepare(self, command: m.Prepare, now: float) -> str:
        """Want the best layers of what may be shown soon."""
        limit = command.max_height
        self._prepared = tuple(
            m.Route(transport="", slot="", source=ref, max_height=limit) for ref in command.sources
        )
        self._want(now)
        return ""

    def heard(self, transport: Transport, now: float) -> bool:
        """Something was reported: less is sent at once, more at the next look. Returns whether a
        probe begins."""
        estimator = transport.estimator
        if estimator is None:
            return False
        line = self._line(transport)
        budget = transport.line(now)
        if budget and budget < line.budget * LESS:
            self.look(transport, now)
        elif estimator.prober.ready:
            estimator.tick(now, wanted=line.wanted, may_probe=bool(transport.cc_word))
        return estimator.prober.current is not None

    def routed(self, ident: str, now: float) -> None:
        """Slots of a transport are to show something else."""
        transport = self._transports.get(ident)
        if transport is not None:
            self.look(transport, now)
            self._want(now)

    # --- time ---------------------------------------------------------------------------

    def tick(self, now: float, ready: list[Transport]) -> bool:
        """Probe, pace and look at lines that were not looked at for long; return whether there
        is something to be done within a few milliseconds."""
        reading = now >= self._next_reading
        if reading:
            self._next_reading = now + READING
            moved = (self._counters.packets_in, self._counters.packets_out)
            if moved == self._moved and self._rates.still:
                self._rates.skip(now)
            else:
                self._rates.read(self._transports.values(), now)
            self._moved = moved
        news = self._news()
        soon = False
        for transport in self._transports.values():
            if transport.state != "connected":
                continue
            line = self._line(transport)
            if news:
                line.rest(at_ease=False)
            if now - line.checked >= (AT_EASE if line.at_ease else INTERVAL):
                self.look(transport, now)
            soon = self.push(transport, now, ready) or soon
        if reading:
            self._want(now)
        if now >= self._next_telling:
            self._next_telling = now + TELL
            rates = [self.rate_of(t) for t in self._transports.values() if t.state == "connected"]
            if rates:
                self._events.append(m.Bandwidth(transports=tuple(rates)))
        return soon

    def _news(self) -> bool:
        """Whether layers have come or gone since the last tick: then there are other steps."""
        sending = [s.announced for t in self._transports.values() for s in t.sources.values()]
        news = sending != self._sending
        self._sending = sending
        return news

    def push(self, transport: Transport, now: float, ready: list[Transport]) -> bool:
        """Send what waits and what probes; return whether there is more of it soon."""
        estimator = transport.estimator
        if estimator is None:
            return False
        pacer = transport.pacer
        if pacer is not None:
            if self._line(transport).full:
                packets = pacer.release(now, transport.line(now))
            else:  # at once: pictures keep coming, and it would never be found empty
                packets = pacer.rest()
                transport.pace(None)
            if packets and not transport.out and not transport.todo:
                ready.append(transport)
            for slot, packet in packets:
                transmit(slot, packet)
        prober = estimator.prober
        if prober.current is not None and transport.cc_word:
            due = prober.due(now)
            if due:
                self._counters.padding_out += pad(transport, due, ready)
        return prober.current is not None or bool(transport.pacer)

    # --- one receiver -------------------------------------------------------------------

    def _line(self, transport: Transport) -> Line:
        line = self._lines.get(transport.id)
        if line is None:
            line = self._lines[transport.id] = Line()
        return line

    def budget_of(self, transport: Transport, now: float) -> int:
        """bit/s that may be sent to a transport; 0 for no limit."""
        return round(transport.line(now))

    def look(self, transport: Transport, now: float) -> None:
        """Work out anew what a receiver gets, and make it so."""
        estimator = transport.estimator
        if transport.state != "connected":
            return
        line = self._line(transport)
        line.checked = now
        if estimator is None:
            self._everything(transport, line, now)
            return
        demands, slots = self._demands(transport, now)
        sound = self._rates.sound(transport)
        ground = sum(d.steps[0].bitrate for d in demands if d.importance <= GROUND)
        # Before the budget is read: another point is on air, which may bring in more than the last.
        estimator.hold((sound + RISES * ground) / MARGIN)
        budget = line.budget = transport.line(now)
        calm = now - max(estimator.rate.decreased_at, estimator.loss.lowered_at) > CALM
        # A probe that fills the line says nothing against what is sent.
        line.failed(estimator.rate.decreases - estimator.probed, budget * MARGIN, now)
        blind = any(d.importance <= GROUND and not line.shown.get(d.slot) for d in demands)
        hold = 0.0 if calm else SOON if blind else HOLD
        carried = line.carried(budget, now, hold=hold)
        carried = line.below_ceiling(carried, now)
        full = 0 < carried * MARGIN < line.wanted
        share = MARGIN / (1 + min(estimator.loss.loss, REPAIR))
        if estimator.reader.queue > STANDING and not estimator.prober.filled(now):
            share *= DRAINS
        result = allocate(
            demands,
            budget=carried * share,
            sound=sound,
            shown=line.shown,
            rises=len(demands) if not full else int(now - line.raised >= ONE_BY_ONE),
        )
        line.planned(result.used, now)
        # Nobody probes for what links that are shared would not let through.
        wanted = min(result.wanted, transport.bound or result.wanted)
        line.wanted = wanted
        next_up = (d.steps[0].bitrate for d in demands if result.steps.get(d.slot) is None)
        first = next(next_up, None)  # of the most important slot that is shown nothing
        needed = 0.0 if first is None else (result.used + first) / MARGIN
        more = hunger(demands, result) / MARGIN
        hungry = more > budget > 0  # and not for having failed with it a moment ago
        estimator.tick(
            now,
            wanted=wanted,
            may_probe=bool(transport.cc_word),
            needed=more if hungry else needed,
            hungry=hungry,
        )
        short = bool(budget) and result.used < result.wanted - 1
        transport.weaken(short or (bool(budget) and estimator.was_full(now)))
        self._pace(transport, short or result.used > NEARLY_FULL * budget > 0, now)
        by_link = bool(transport.bound) and budget >= transport.bound
        reason: m.Paused = "link" if by_link else "line" if estimator.tried(now) else "measuring"
        changed = False
        settled = True
        left = (carried * share - result.used) if carried else 1e12
        for demand in demands:
            step = result.steps.get(demand.slot)
            slot, ref = slots[demand.slot]
            changed = self._apply(slot, line, step, reason, now) or changed
            settled = settled and step == demand.steps[-1] and _shows(slot, step)
            room = left + (step.bitrate if step is not None else 0.0)
            rids = {s.rid for s in demand.steps if s.bitrate <= room}
            highest = [s.rid for s in demand.steps if s.rid in rids][-1:]
            line.rids[demand.slot] = (
                ref,
                # What is shown stays wanted until what comes after it is there.
                frozenset(
                    [
                        *highest,
                        *([step.rid] if step is not None else []),
                        *([slot.layer.rid] if slot.layer is not None else []),
                    ]
                ),
            )
        for gone in set(line.rids) - set(slots):
            del line.rids[gone]
            line.shown.pop(gone, None)
        ample = bool(budget) or estimator.silent(now) or not demands
        busy = line.full or transport.weak or changed or estimator.prober.current is not None
        line.rest(at_ease=ample and settled and not busy)
        if changed:
            self._events.append(m.Bandwidth(transports=(self.rate_of(transport),)))

    def _everything(self, transport: Transport, line: Line, now: float) -> None:
        """Without estimation: the highest layer that makes sense is wanted for every slot."""
        demands, slots = self._demands(transport, now)
        line.rids = {d.slot: (slots[d.slot][1], frozenset({d.steps[-1].rid})) for d in demands}
        line.rest(at_ease=all(_shows(slots[d.slot][0], d.steps[-1]) for d in demands))

    def _demands(
        self, transport: Transport, now: float
    ) -> tuple[list[Demand], dict[str, tuple[Slot, m.SourceRef]]]:
        demands: list[Demand] = []
        slots: dict[str, tuple[Slot, m.SourceRef]] = {}
        for slot in transport.slots.values():
            if slot.kind != "video":
                continue
            route = self._router.wanted(slot)
            source = self._router.find(route.source) if route is not None else None
            if route is None or source is None or route.source is None:
                slot.resume()
                continue
            steps = self._steps(source, route, now)
            if steps:
                demands.append(Demand(slot.name, route.importance, route.may_pause, steps))
                slots[slot.name] = (slot, route.source)
        return demands, slots

    def _steps(self, source: Source, route: m.Route, now: float) -> tuple[Step, ...]:
        """The ways to show a source that make sense for a route, lowest first."""
        specs = {spec.rid: spec for spec in source.spec.layers}
        layers: list[list[Step]] = []
        for rid in source.spec.rids or ("",):
            spec = specs.get(rid)
            height = spec.height if spec is not None else 0
            if layers and route.max_height and height > route.max_height:
                break
            layer = source.layers.get(rid)
            if layer is not None and layer.is_active(now):
                layers.append(measured(layer, rid, spec, now))
            elif spec is not None and spec.bitrate and not self._stays_away(source.ref, rid, now):
                layers.append(meant(spec, source, now))
            if layers and route.prefer == "lowest":
                break
        return steps_of(layers)

    def _stays_away(self, ref: m.SourceRef, rid: str, now: float) -> bool:
        """Whether a layer that is not there was asked for in vain."""
        key = (ref, rid)
        if self._wanted.get(ref, {}).get(rid, -1.0) >= now and now - self._since[key] > STARTS:
            self._away[key] = now + AWAY
        return self._away.get(key, -1.0) >= now

    def _apply(
        self, slot: Slot, line: Line, step: Step | None, reason: m.Paused, now: float
    ) -> bool:
        """Let a slot have a step; return whether that is a change."""
        before = line.shown.get(slot.name)
        line.shown[slot.name] = step
        if step is None:
            if slot.paused != reason:
                self._router.pause(slot, reason, now)
                return True
            return False
        changed = bool(slot.paused) or before is None or before[:2] != step[:2]
        if changed:
            self._router.grant(slot, step.rid, step.temporal, step.bitrate, now)
        slot.straighten()
        return changed

    def _pace(self, transport: Transport, full: bool, now: float) -> None:
        """Pace pictures where the line is (nearly) full; whoever is paced is served by Python, one
        packet at a time. `push` ends it."""
        self._line(transport).found(full)
        if full and transport.pacer is None:
            transport.pace(Pacer(now))

    # --- what is told -------------------------------------------------------------------

    def rate_of(self, transport: Transport) -> m.TransportRate:
        """Both directions of a transport, for people."""
        line = self._line(transport)
        return self._rates.of(transport, line.shown)

    def _want(self, now: float) -> None:
        """Tell sources which of their layers somebody is shown or is about to be."""
        wishes = [wish for line in self._lines.values() for wish in line.rids.values()]
        for route in self._prepared:
            source = self._router.find(route.source)
            steps = self._steps(source, route, now) if source is not None else ()
            if source is not None and steps:
                wishes.append((source.ref, frozenset({steps[-1].rid})))
        for ref, rids in wishes:
            until = self._wanted.setdefault(ref, {})
            for rid in rids:
                if until.get(rid, -1.0) < now:
                    self._since[ref, rid] = now
                until[rid] = now + DROPPED_AFTER
        for transport in self._transports.values():
            for source in transport.sources.values():
                order = source.spec.rids
                if not order or transport.state != "connected":
                    continue
                until = self._wanted.get(source.ref, {})
                wanted = tuple(
                    rid for rid in order if rid == order[0] or until.get(rid, -1.0) >= now
                )
                if self._announced.get(source.ref) != wanted:
                    self._announced[source.ref] = wanted
                    self._events.append(
                        m.LayersWanted(transport=transport.id, name=source.spec.name, layers=wanted)
                    )


def _shows(slot: Slot, step: Step) -> bool:
    """Whether a slot shows a step, and nothing is about to change that."""
    return slot.layer is not None and slot.layer.rid == step.rid and slot.thin is None
