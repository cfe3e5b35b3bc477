"""Makes the transports, taps and ends of relays that a worker is told to open."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.media import messages as m
from bridge.media import relay_end
from bridge.media.dtls import DtlsServer, Identity
from bridge.media.ice import IceLite
from bridge.media.makers import Makers
from bridge.media.parts import MAX_RELAYS, MAX_TRANSPORTS
from bridge.media.relay_end import NoDtls, RelaySender, UsedKeys
from bridge.media.tap import Tap, as_open, tap_address
from bridge.media.transport import REPORT_SSRC, Transport

MAX_TAPS = 16  # each may hold some megabytes that its reader has not taken
Opened = m.Open | m.OpenTap | m.OpenRelay


class Openings:
    """Opens what it is told to. ``transports`` is shared with the core."""

    def __init__(
        self,
        transports: dict[str, Transport],
        ice: IceLite,
        identity: Identity,
        makers: Makers,
        random_bits: Callable[[int], int],
        *,
        estimation: bool,
    ) -> None:
        self._transports = transports
        self._ice = ice
        self._identity = identity
        self._makers = makers
        self._random_bits = random_bits
        self._estimation = estimation
        self._used = UsedKeys()

    def open(self, spec: Opened, now: float) -> tuple[str, Transport | None]:
        """Make a transport; returns why not, or it where it is connected at once."""
        refused = refusal(spec, self._transports)
        if refused:
            return refused, None
        match spec:
            case m.OpenTap():
                return "", self._tap(spec, now)
            case m.OpenRelay():
                return self._relay(spec, now)
        if self._ice.knows(spec.ice.local_ufrag):
            return "The ICE username fragment is in use.", None
        cookie = self._random_bits(128).to_bytes(16, "big")
        dtls = DtlsServer(self._identity, cookie, spec.fingerprint)
        transport = self._makers.transport(spec, dtls, now, estimation=self._estimation)
        self._transports[spec.transport] = transport
        self._makers.add_slots(transport, spec, self._random_bits)
        self._ice.add(transport)
        return "", None

    def _tap(self, spec: m.OpenTap, now: float) -> Transport:
        tap = self._transports[spec.transport] = Tap(spec, self._identity, now)
        Makers().add_slots(tap, as_open(spec), self._random_bits)  # fed by Python only
        self._ice.admit(tap, tap_address(spec.transport))
        return tap

    def _relay(self, spec: m.OpenRelay, now: float) -> tuple[str, Transport | None]:
        both = relay_end.between_bridges(spec)
        sends = bool(spec.slots) and not both
        far = relay_end.own_address(spec.transport) if sends else relay_end.socket_address(spec.far)
        if far in self._ice.by_address:
            return "Another transport has this address.", None
        keys = relay_end.keys_of(spec)
        if not self._used.note(keys):
            return "These keys were in use before.", None
        dtls, opened = NoDtls(self._identity), relay_end.as_open(spec)
        end: Transport
        if sends:
            end = RelaySender(spec, dtls, now)
            Makers().add_slots(end, opened, self._random_bits)  # one receiver: fed by Python
        else:
            estimation = both and self._estimation
            end = self._makers.transport(opened, dtls, now, estimation=estimation)
            if both:
                end.tell_levels()
                Makers().add_slots(end, opened, self._random_bits)
        self._transports[spec.transport] = end
        self._ice.admit(end, far)
        end.reach(far, relay_end.RELAY_SOCKET if sends else spec.socket)
        end.key(keys)
        return "", end


def refusal(spec: Opened, transports: Mapping[str, Transport]) -> str:
    """Why a transport is not opened; "" where it is."""
    if spec.transport in transports:
        return f"Transport {spec.transport!r} exists already."
    if len(transports) >= MAX_TRANSPORTS:
        return f"The worker holds {MAX_TRANSPORTS} transports, its limit."
    ssrcs = [s.ssrc for s in spec.slots] + [s.rtx_ssrc for s in spec.slots if s.rtx_ssrc]
    if len(set(ssrcs)) != len(ssrcs) or REPORT_SSRC in ssrcs or 0 in ssrcs:
        return "SSRCs of slots must differ, and 0 and 1 are reserved."
    if isinstance(spec, m.OpenRelay):
        ends = sum(relay_end.is_end(transport) for transport in transports.values())
        if ends >= MAX_RELAYS:
            return f"The worker holds {MAX_RELAYS} ends of relays, its limit."
        return relay_end.problem(spec)
    if isinstance(spec, m.OpenTap):
        taps = [t for t in transports.values() if isinstance(t, Tap)]
        if len(taps) >= MAX_TAPS:
            return f"The worker holds {MAX_TAPS} taps, its limit."
        if any(tap.path == spec.path for tap in taps):
            return "Another tap has this path."
        if any(s.rtx_ssrc or s.rtx_payload_type or s.red_payload_type for s in spec.slots):
            return "A tap repeats nothing: its slots have no RTX and no redundant audio."
    return ""
