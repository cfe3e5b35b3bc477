"""The media core: datagrams and commands in, datagrams and events out. No socket, no clock.

``now`` is monotonic seconds, ``unix_time`` seconds since 1970; randomness comes from
``random_bits``. Everything a stranger can send ends in a counter, never in an exception.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.media import demux, feedback, redundancy, rtcp, transport_cc
from bridge.media import messages as m
from bridge.media.attention import Attention
from bridge.media.counters import Counters, Drop
from bridge.media.distribution import Distributor
from bridge.media.dtls import Identity
from bridge.media.fanout import Rest, Sink, catch_up, fan_out, gather, share, stamp
from bridge.media.ice import IceLite
from bridge.media.intake import Intake
from bridge.media.layer import Layer
from bridge.media.makers import Makers
from bridge.media.openings import Opened, Openings
from bridge.media.routing import Router
from bridge.media.transport import REPORT_SSRC, Address, Transport

CONSENT_TIMEOUT = 4.0  # seconds of silence until a peer counts as vanished
SETUP_TIMEOUT = 20.0  # seconds from `open` to the end of the handshake
REPORT_INTERVAL = 1.0
LEVEL_INTERVAL = 0.1
QUIET_INTERVAL = 0.25  # the same while nobody sends anything
LEVEL_REPEAT = 1.0  # seconds after which levels are sent unchanged: pages take it for life
HOUSEKEEPING_INTERVAL = 0.25


class MediaCore:
    """All state of one worker. Call `receive`/`command`/`tick`, then `flush` and send."""

    def __init__(
        self,
        *,
        identity: Identity,
        worker: str,
        random_bits: Callable[[int], int],
        estimation: bool = True,
        makers: Makers | None = None,
    ) -> None:
        """Without ``estimation`` everybody is sent everything (for comparison)."""
        self.identity = identity
        self.worker = worker
        self.unix_offset = 0.0  # from ``now`` to seconds since 1970; `tick` keeps it current
        self.counters = Counters()
        self.events: list[m.Event] = []
        self.transports: dict[str, Transport] = {}
        self.router = Router(self.transports, self.counters, self.events)
        self.ice = IceLite(self.counters, self._send, random_bits)
        makers = makers or Makers()
        self.intake = Intake(self.router, self.counters, self.events, makers)
        self._openings = Openings(
            self.transports, self.ice, identity, makers, random_bits, estimation=estimation
        )
        self.distributor = Distributor(self.transports, self.router, self.events, self.counters)
        self.pressing = False  # whether `tick` has something to do within a few milliseconds
        # Output: receivers with something to do; single datagrams (socket, address, bytes).
        self.ready: list[Transport] = []
        self.datagrams: list[tuple[int, Address, bytes]] = []
        # For `bridge.media.due`.
        self.fed_back = self.repairing = False
        self.next_report = self.next_feedback = self.next_level = self.next_housekeeping = 0.0
        self._refilled = 0.0
        self._packets = 0  # received until levels were reported last
        self._attention = Attention()
        self._levels: dict[str, int] = {}
        self._levels_sent = 0.0

    # --- datagrams ----------------------------------------------------------------------

    def receive(self, data: bytes, address: Address, socket: int, now: float) -> None:
        """Take one datagram in. Forwarding happens in `flush`."""
        if len(data) > demux.MAX_DATAGRAM:
            self.counters.drop(Drop.OVERSIZE)
            return
        kind = demux.classify(data)
        if kind == demux.STUN:
            heard = self.ice.receive(data, address, socket, now)
            if heard is not None:
                self._heard(heard, now)
                if heard.state == "checking":
                    self._set_state(heard, "connecting", now)
            return
        if kind == demux.UNKNOWN:
            self.counters.drop(Drop.UNKNOWN_CLASS if data else Drop.EMPTY)
            return
        transport = self.ice.by_address.get(address)
        if transport is None:
            self.counters.drop(Drop.UNKNOWN_ADDRESS)
        elif kind == demux.RTP:
            if transport.state == "vanished":
                heard_before = transport.last_heard
                self.intake.rtp(data, transport, now)
                if transport.last_heard != heard_before:
                    self._set_state(transport, "connected", now)
            else:
                self.intake.rtp(data, transport, now)
        elif kind == demux.RTCP:
            self._rtcp(data, transport, now)
        else:
            self._dtls(data, transport, address, now)

    def _dtls(self, data: bytes, transport: Transport, address: Address, now: float) -> None:
        dtls = transport.dtls
        refused = transport.refuses_dtls(len(data))
        if refused is not None:
            self.counters.drop(refused)
            return
        completed = dtls.feed(data)
        failure, closed = dtls.outcome()
        for datagram in dtls.outgoing():
            self.datagrams.append((transport.socket, address, datagram))
        if completed and dtls.keys is not None:
            transport.key(dtls.keys)
            self.counters.dtls_completed += 1
            self._heard(transport, now)
            self._set_state(transport, "connected", now)
        elif failure and transport.state != "failed":
            self.counters.drop(Drop.DTLS_FAILED)
            self._set_state(transport, "failed", now, failure)
        elif closed and transport.state != "closed":
            self._set_state(transport, "closed", now, "The peer closed the connection.")

    def _rtcp(self, data: bytes, transport: Transport, now: float) -> None:
        parsed = feedback.unseal(data, transport, self.counters)
        if parsed is None:
            return
        self._heard(transport, now)
        self.counters.rtcp_in += 1
        stamp(transport, self._unix(now))  # for what is sent again
        feedback.handle(
            parsed, transport, self.router, self.counters, self.ready, now, self._unix(now)
        )
        if self.distributor.heard(transport, now):
            self.pressing = True

    # --- output -------------------------------------------------------------------------

    def drain(self) -> list[tuple[int, Address, bytes]]:
        """Take the single datagrams that wait: index of the socket, address, octets."""
        datagrams, self.datagrams = self.datagrams, []
        return datagrams

    def _unix(self, now: float) -> float:
        return now + self.unix_offset

    def flush(self, now: float, sink: Sink) -> None:
        """Fan out what was received. ``sink`` gets each receiver with its ``out`` filled, sends
        that and may tell when; afterwards `drain` gives the other output."""
        dirty = self.intake.take_dirty()
        if dirty:
            # Every switch comes before anything is gathered: from here on a slot stands in one
            # layer's list only, so it is filled once and no index is sealed twice.
            for layer in dirty:
                if layer.waiters:
                    self.intake.announce(layer.source, now)  # it may have been silent before
                    self.router.open_gate(layer, now)
            for layer in dirty:
                if layer.key_frame_wanted:
                    self.router.key_frames.notice(layer)
                self.repairing = self.repairing or bool(layer.missing)
                gather(layer, self.ready)
        self._fan_out(now, sink)
        for layer in dirty:
            layer.batch = None
        if self.router.key_frames:
            self._send_key_frame_requests(now)

    def flush_rest(self, rest: list[Rest], now: float, sink: Sink) -> None:
        """Send what the compiled turn took in to the slots that it does not serve."""
        for layer, packets, slots in rest:
            share(layer, packets, slots, self.ready)
        self._fan_out(now, sink)
        for layer, _, _ in rest:
            layer.batch = None

    def _fan_out(self, now: float, sink: Sink) -> None:
        unix_time = self._unix(now)
        served = self.router.take_served()
        if served:
            catch_up(served, self.ready, self.counters, unix_time)
        ready, self.ready = self.ready, []
        for transport in ready:
            stamp(transport, unix_time)
            fan_out(transport, self.counters)
            if transport.pacer:
                self.pressing = True
            if transport.out:
                transport.book(*(sink(transport) or (now, True)))
                transport.out = []

    def _send(self, socket: int, address: Address, datagram: bytes) -> None:
        self.datagrams.append((socket, address, datagram))

    def _send_rtcp(self, transport: Transport, compound: bytes) -> None:
        if transport.outbound is None or transport.address is None:
            return
        sealed = transport.outbound.protect_rtcp(compound)
        self.datagrams.append((transport.socket, transport.address, sealed))
        self.counters.rtcp_out += 1

    def _send_key_frame_requests(self, now: float) -> None:
        for layer in self.router.key_frames.take(now):
            self._send_rtcp(layer.source.transport, feedback.pli_compound(layer))
            self.counters.key_frame_requests_sent += 1

    # --- time ---------------------------------------------------------------------------

    def tick(self, now: float, unix_offset: float) -> None:
        """Do what is due; `due.next_tick` says when. ``now`` plus the offset is UTC."""
        self.repairing = False
        self.unix_offset = unix_offset
        for transport in self.transports.values():
            for layer in transport.layers.values():
                if layer.missing:
                    self._nack(transport, layer, now)
            due = transport.dtls.timeout() if transport.state == "connecting" else None
            if due is not None and due <= 0 and transport.address is not None:
                transport.dtls.retransmit()
                for datagram in transport.dtls.outgoing():
                    self.datagrams.append((transport.socket, transport.address, datagram))
        self.pressing = self.distributor.tick(now, self.ready)
        if now >= self.next_feedback:
            self.next_feedback = now + transport_cc.OFTEN
            self._congestion_feedback(now)
        if now >= self.next_level:
            packets = self.counters.packets_in
            quiet = packets == self._packets
            self._packets = packets
            self.next_level = now + (QUIET_INTERVAL if quiet else LEVEL_INTERVAL)
            self.router.mix_all(now)
            redundancy.adapt(self.transports.values(), now)
            self._report_levels(now)
        if now >= self.next_housekeeping:
            self.next_housekeeping = now + HOUSEKEEPING_INTERVAL
            self._refill(now)
            self._housekeeping(now)
        if now >= self.next_report:
            self.next_report = now + REPORT_INTERVAL
            for transport in self.transports.values():
                if transport.state == "connected":
                    for compound in feedback.reports(transport, now):
                        self._send_rtcp(transport, compound)

    def _nack(self, transport: Transport, layer: Layer, now: float) -> None:
        due = layer.due_nacks(now, transport.rtt)
        if due:
            self._send_rtcp(transport, feedback.nack_compound(layer, due))
            self.counters.nacks_sent += len(due)
        self.router.key_frames.notice(layer)

    def _refill(self, now: float) -> None:
        """Let sources send on."""
        seconds = now - self._refilled
        self._refilled = now
        for transport in self.transports.values():
            transport.refill(seconds)

    def _congestion_feedback(self, now: float) -> None:
        self.fed_back = False
        for transport in self.transports.values():
            if not transport.extensions.transport_cc or not transport.cc_recorder:
                continue
            self.fed_back = True
            if not transport.cc_recorder.due(transport.line(now) if transport.weak else 0.0, now):
                continue
            media_ssrc = next(iter(transport.layers), 0)
            while fci := transport.cc_recorder.flush():
                empty = rtcp.build_receiver_report(REPORT_SSRC, ())
                compound = rtcp.build_transport_cc(REPORT_SSRC, media_ssrc, fci)
                self._send_rtcp(transport, empty + compound)
                self.counters.transport_cc_sent += 1

    def _report_levels(self, now: float) -> None:
        levels: dict[str, int] = {}
        for transport in self.transports.values():
            for source in transport.sources.values():
                if source.spec.kind == "audio":
                    layer = source.choose("highest", now)
                    if layer is not None:  # of several voices the loudest counts
                        level = round(layer.audio_level)
                        levels[transport.id] = min(level, levels.get(transport.id, level))
        if levels != self._levels or now - self._levels_sent >= LEVEL_REPEAT:
            self._levels = levels
            self._levels_sent = now
            self.events.append(m.Levels(levels=dict(levels)))

    def _housekeeping(self, now: float) -> None:
        since = self._attention.since(now)
        for transport in list(self.transports.values()):
            silent = transport.silence(now, since)
            if transport.state == "connected":
                feedback.refill_rtx(transport)
                if silent > CONSENT_TIMEOUT:
                    reason = f"Nothing was heard for {silent:.1f} s."
                    self._set_state(transport, "vanished", now, reason)
                    continue
            elif (
                transport.state in ("checking", "connecting")
                and now - transport.opened_at > SETUP_TIMEOUT
            ):
                asked = bool(transport.addresses)
                reason = transport.dtls.obstacle if asked else "No ICE check arrived."
                self._set_state(transport, "failed", now, reason)
            for source in transport.sources.values():
                if source.layers:
                    self.intake.announce(source, now, listening_since=since)

    def _heard(self, transport: Transport, now: float) -> None:
        transport.last_heard = now
        if transport.state == "vanished":
            self._set_state(transport, "connected", now)

    def _set_state(
        self, transport: Transport, state: m.State, now: float, reason: str = ""
    ) -> None:
        transport.state = state
        transport.changed()
        if state == "vanished":
            self.counters.consent_lost += 1
        elif state == "failed" and transport.addresses:
            self.counters.dtls_failed += 1
        elif state == "failed":
            self.counters.ice_failed += 1
        self.events.append(m.StateChanged(transport=transport.id, state=state, reason=reason))
        for slot in transport.slots.values():
            self.router.retarget(slot, now)

    # --- commands -----------------------------------------------------------------------

    def command(self, command: m.Command, now: float) -> str:
        """Carry a command out; return a sentence where it is refused."""
        match command:
            case m.Open() | m.OpenTap() | m.OpenRelay():
                return self._open(command, now)
            case m.Close():
                return self._close(command.transport, now)
            case m.SetRoutes():
                refusals = [self.router.set_route(route, now) for route in command.routes]
                for ident in dict.fromkeys(route.transport for route in command.routes):
                    self.distributor.routed(ident, now)
                return " ".join(filter(None, refusals))
            case m.SetAudio():
                self.router.set_audio(command, now)
                return ""
            case m.SetBounds():
                return self.distributor.bound(command.bounds, command.carried, now)
            case m.Prepare():
                return self.distributor.prepare(command, now)
        return "This command is not for the media core."

    def _open(self, spec: Opened, now: float) -> str:
        refused, there = self._openings.open(spec, now)
        if there is not None:
            self._set_state(there, "connected", now)
        return refused

    def _close(self, ident: str, now: float) -> str:
        transport = self.transports.pop(ident, None)
        if transport is None:
            return f"There is no transport {ident!r}."
        transport.dtls.close()
        if transport.address is not None:
            for datagram in transport.dtls.outgoing():
                self.datagrams.append((transport.socket, transport.address, datagram))
        self.ice.remove(transport)
        transport.state = "closed"
        transport.out.clear()
        transport.todo.clear()
        self.intake.forget(transport)
        self.router.forget(transport, now)
        self.distributor.forget(transport)
        for layer in transport.layers.values():
            layer.released()
        transport.released()
        return ""
