"""A relay: one conference's programme from the worker of its points to a worker of its audience, or
what two conferences of different bridges send each other.

Both ends are transports like those of rooms, so slots, rings, retransmission and requests for key
frames are the same; only that there is no ICE and no DTLS: the control process gives both ends the
far address and the keys. The sending end has slots and a socket of its own, the receiving end has
sources and takes them in at the media port, from that socket's address alone. An end towards
another bridge has both, and each talks from its media port to the other's: one transport at either
side, whose line is estimated as a room's is.

**No index is sealed twice under one key.** Each direction has a key of its own (`problem` refuses
equal ones), and only one end seals with it. The control process draws keys for one relay and keeps
them nowhere, so a restarted worker, and a restarted control process, get others; a worker refuses
keys that it has had (`UsedKeys`), so one key belongs to one transport. Inside of that the argument
of `bridge.media.slot` holds: SSRCs differ (`openings.refusal`), and each has one owner of its
indices. The receiving end seals reports alone, whose indices libsrtp counts.
"""

from __future__ import annotations

import hashlib
import ipaddress

from bridge.media import messages as m
from bridge.media.dtls import DtlsServer, Identity
from bridge.media.parts import MASTER_SIZE
from bridge.media.srtp import AEAD_AES_128_GCM, MasterKeys
from bridge.media.tap import NOBODY
from bridge.media.transport import Address, Transport

RELAY_SOCKET = -2  # in place of the index of a media socket: the sending end's own
KEYS_KEPT = 65_536  # pairs of keys that a worker remembers; then it opens no relays any more


class NoDtls(DtlsServer):
    """Placeholder for the DTLS association of a relay's transport; closed from the start."""

    __slots__ = ()

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity, bytes(16), NOBODY)
        self.closed = True


class RelaySender(Transport):
    """The sending end. ``far`` is where the receiving worker listens."""

    __slots__ = ("far",)

    def __init__(self, spec: m.OpenRelay, dtls: DtlsServer, now: float) -> None:
        super().__init__(as_open(spec), dtls, now, estimation=False)
        self.tell_levels()
        self.far = socket_address(spec.far)


class UsedKeys:
    """Digests of the keys that a worker has had."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def note(self, keys: MasterKeys) -> bool:
        """Take keys into use; False where one of them was in use before."""
        found = {hashlib.sha256(key).digest() for key in (keys.inbound, keys.outbound)}
        if found & self._seen or len(self._seen) >= KEYS_KEPT * 2:
            return False
        self._seen |= found
        return True


def is_end(transport: Transport) -> bool:
    """Whether a transport is an end of a relay."""
    return isinstance(transport.dtls, NoDtls)


def keys_of(spec: m.OpenRelay) -> MasterKeys:
    """Master key and salt of each direction; `problem` has been asked."""
    given = spec.keys
    return MasterKeys(AEAD_AES_128_GCM, bytes.fromhex(given.inbound), bytes.fromhex(given.outbound))


def problem(spec: m.OpenRelay) -> str:
    """What is wrong with an order; "" where nothing is."""
    if not spec.sources and not spec.slots:
        return "An end of a relay has slots or sources."
    try:
        sizes = {len(bytes.fromhex(key)) for key in (spec.keys.inbound, spec.keys.outbound)}
        ipaddress.ip_address(spec.far.host)
    except ValueError:
        sizes = set()
    if sizes != {MASTER_SIZE} or not 0 < spec.far.port < 1 << 16 or spec.socket < 0:
        return f"A relay has a far address, and two keys of {MASTER_SIZE} octets in hexadecimal."
    if spec.keys.inbound.lower() == spec.keys.outbound.lower():
        return "The directions of a relay have different keys."
    return ""


def socket_address(given: m.MediaAddress) -> Address:
    """An address as a socket tells it."""
    ip = ipaddress.ip_address(given.host)
    return (str(ip), given.port) if ip.version == 4 else (str(ip), given.port, 0, 0)


def own_address(transport: str) -> Address:
    """What stands for the far address at the sending end, whose socket knows it."""
    return "relay", transport


def between_bridges(spec: m.OpenRelay) -> bool:
    """Whether it goes both ways, to the points of another bridge."""
    return bool(spec.sources and spec.slots)


def as_open(spec: m.OpenRelay) -> m.Open:
    """A relay's end as the description of a transport. Requests for key frames that come over it
    speak for an audience, which never hurries a source, or for another bridge's rooms."""
    both = between_bridges(spec)
    return m.Open(
        transport=spec.transport,
        label=spec.label,
        ice=m.Ice(
            local_ufrag=spec.transport, local_password="", remote_ufrag="", remote_password=""
        ),
        fingerprint=NOBODY,
        extensions=m.Extensions(
            audio_level=m.RELAYED_LEVEL, transport_cc=m.RELAYED_NUMBER if both else 0
        ),
        sources=spec.sources,
        slots=spec.slots,
        cname=spec.cname,
        patient=not both,
    )
