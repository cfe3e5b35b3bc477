"""The worker's ICE-lite agent (RFC 8445 section 2.7): which addresses are a peer's.

A peer proves an address with a check that carries the right integrity. While it connects that is
enough. Once it has keys, media flows, and others would gain from moving it: somebody who repeats a
recorded check from his own address, or a member who forges the source address of another one. So a
new address is then asked first: a check of the bridge's own, which only who knows the peer's
password and really receives there can answer. Until the answer comes the old address keeps the
media.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.media import stun
from bridge.media.counters import Counters, Drop
from bridge.media.transport import Address, Pending, Transport

MAX_ADDRESSES = 4  # validated addresses of a peer that roams
MAX_PENDING = 4  # addresses of a peer that are being asked
CHECK_RATE = 50.0  # checks per second taken of a validated address; Chromium sends under 25
ASK_INTERVAL = 0.05  # seconds between two checks of ours to one address
TRANSACTIONS_KEPT = 64  # recent checks of a peer, each of which counts for one address
TAKEN_OVER_AFTER = 2.0  # seconds of silence after which an address may go to another peer


class IceLite:
    """The agent of all transports of a worker. Answers are appended to ``datagrams``."""

    def __init__(
        self,
        counters: Counters,
        datagrams: Callable[[int, Address, bytes], None],
        random_bits: Callable[[int], int],
    ) -> None:
        self._counters = counters
        self._send = datagrams
        self._random_bits = random_bits
        self._by_ufrag: dict[bytes, Transport] = {}
        self.by_address: dict[Address, Transport] = {}
        self._given: set[Address] = set()
        self.asked: dict[bytes, Transport] = {}  # transaction of our check → who was asked

    def knows(self, ufrag: str) -> bool:
        return ufrag.encode() in self._by_ufrag

    def add(self, transport: Transport) -> None:
        self._by_ufrag[transport.local_ufrag.encode()] = transport

    def admit(self, transport: Transport, address: Address) -> None:
        """Take a transport whose address needs no proof: the reader of a tap, the other end of a
        relay. Nobody else gets it."""
        transport.addresses.append(address)
        self.by_address[address] = transport
        self._given.add(address)

    def remove(self, transport: Transport) -> None:
        """Forget a transport that was closed."""
        self._by_ufrag.pop(transport.local_ufrag.encode(), None)
        for address in transport.addresses:
            self.by_address.pop(address, None)
            self._given.discard(address)
        for pending in transport.pending.values():
            self.asked.pop(pending.transaction, None)

    def receive(self, data: bytes, address: Address, socket: int, now: float) -> Transport | None:
        """Take a STUN datagram; return the transport that was heard by it, if any.

        What costs least comes first: length and type, then the ufrag, then the rate, and only
        then checksums and the HMAC.
        """
        kind = stun.kind(data)
        if kind < 0:
            self._counters.drop(Drop.STUN_MALFORMED)
            return None
        if kind == stun.BINDING_SUCCESS:
            return self._answer(data, address, now)
        if kind != stun.BINDING_REQUEST:
            self._counters.drop(Drop.STUN_METHOD)
            return None
        username = stun.peek_username(data)
        local, _, remote = username.partition(b":")
        transport = self._by_ufrag.get(local)
        if transport is None or remote != transport.remote_ufrag:
            self._counters.drop(Drop.STUN_UNKNOWN_UFRAG if username else Drop.STUN_MALFORMED)
            return None
        if not _within_rate(transport, address, now):
            self._counters.drop(Drop.STUN_RATE)
            return None
        message = stun.parse(data)
        if message is None:
            self._counters.drop(Drop.STUN_MALFORMED)
            return None
        if message.username != username or not stun.verify(data, message, transport.local_password):
            self._counters.drop(Drop.STUN_INTEGRITY)
            return None
        if not _counts(transport, message.transaction, address):
            self._counters.drop(Drop.STUN_REPLAYED)
            return None
        validated = self._check(transport, address, socket, message.use_candidate, now)
        answer = stun.binding_success(
            message.transaction, (address[0], address[1]), transport.local_password
        )
        self._send(socket, address, answer)
        self._counters.stun_answered += 1
        return transport if validated else None

    def _check(
        self, transport: Transport, address: Address, socket: int, nominated: bool, now: float
    ) -> bool:
        """A right check came from ``address``; True where that address is validated."""
        if address not in transport.addresses:
            if address in self._given:
                return False
            other = self.by_address.get(address)
            taken = other is not None and now - other.last_heard < TAKEN_OVER_AFTER
            if taken or transport.keys is not None:
                self._ask(transport, address, socket, nominated, now)
                return False
            self._take(transport, address)
        if transport.address is None or (nominated and transport.address != address):
            transport.address = address
            transport.socket = socket
            transport.changed()
        return True

    def _take(self, transport: Transport, address: Address) -> None:
        other = self.by_address.get(address)
        if other is not None:  # the same socket now serves a fresh session
            other.addresses.remove(address)
            other.changed()
        transport.addresses.append(address)
        self.by_address[address] = transport
        transport.changed()
        if len(transport.addresses) > MAX_ADDRESSES:
            oldest = next(a for a in transport.addresses if a != transport.address)
            transport.addresses.remove(oldest)
            transport.check_credit.pop(oldest, None)
            del self.by_address[oldest]

    # --- checks of our own ----------------------------------------------------------------

    def _ask(
        self, transport: Transport, address: Address, socket: int, nominated: bool, now: float
    ) -> None:
        """Send a check to an address that wants to be the peer's."""
        known = transport.pending.get(address)
        if known is not None:
            if now - known.sent_at < ASK_INTERVAL:
                transport.pending[address] = known._replace(nominated=known.nominated or nominated)
                return
            self.asked.pop(known.transaction, None)
            nominated = nominated or known.nominated
        elif len(transport.pending) >= MAX_PENDING:
            dropped = transport.pending.pop(next(iter(transport.pending)))
            self.asked.pop(dropped.transaction, None)
        transaction = self._random_bits(96).to_bytes(12, "big")
        transport.pending[address] = Pending(transaction, socket, nominated, now)
        self.asked[transaction] = transport
        check = stun.lite_request(
            transaction,
            username=transport.remote_ufrag + b":" + transport.local_ufrag.encode(),
            password=transport.remote_password,
        )
        self._send(socket, address, check)
        self._counters.stun_asked += 1

    def _answer(self, data: bytes, address: Address, now: float) -> Transport | None:
        """An answer to a check of ours: the address is the peer's."""
        transport = self.asked.get(data[8:20])
        pending = transport.pending.get(address) if transport is not None else None
        if transport is None or pending is None or pending.transaction != data[8:20]:
            self._counters.drop(Drop.STUN_METHOD)
            return None
        message = stun.parse(data)
        if message is None:
            self._counters.drop(Drop.STUN_MALFORMED)
            return None
        if not stun.verify(data, message, transport.remote_password):
            self._counters.drop(Drop.STUN_INTEGRITY)
            return None
        del transport.pending[address]
        del self.asked[pending.transaction]
        self._take(transport, address)
        if pending.nominated:
            transport.address = address
            transport.socket = pending.socket
            transport.changed()
        return transport


def _within_rate(transport: Transport, address: Address, now: float) -> bool:
    """Whether one more check is looked at. Every validated address has an allowance of its own;
    all others share one, so that nobody uses up what is the peer's."""
    if address in transport.addresses:
        left, at = transport.check_credit.get(address, (CHECK_RATE, now))
        left = min(CHECK_RATE, left + (now - at) * CHECK_RATE)
        transport.check_credit[address] = (max(0.0, left - 1), now)
        return left >= 1
    return transport.admits_stranger(now)


def _counts(transport: Transport, transaction: bytes, address: Address) -> bool:
    """Whether a check is the peer's own. A repetition from the same address is a retransmission
    (RFC 8489 section 6.2.1), from another one it is a recording."""
    first = transport.transactions.setdefault(transaction, address)
    if len(transport.transactions) > TRANSACTIONS_KEPT:
        del transport.transactions[next(iter(transport.transactions))]
    return first == address
