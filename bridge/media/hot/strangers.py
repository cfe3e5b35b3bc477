"""Datagrams that nothing may come of, refused before Python sees them. Compiled.

Each is refused for the reason that `bridge.media.core`, `bridge.media.ice` and
`bridge.media.transport` would give, and counted like there; what is not certain is left to them. So
a flood costs what it takes to receive it, and of what needs a checksum or an HMAC no more is looked
at than the rates there allow.
"""

from __future__ import annotations

from bridge.media import stun
from bridge.media.demux import DTLS, FIRST_BYTE, MAX_DATAGRAM, RTP, STUN
from bridge.media.hot.compiling import compiled
from bridge.media.hot.lookup import find_username
from bridge.media.hot.octets import Octets, int64, load16, load32
from bridge.media.hot.world import (
    ASKED,
    OVER_AND_OUT,
    PYTHON_KNOWS,
    World,
    username_step,
)
from bridge.media.transport import STRANGE_RATE

username_then = compiled(username_step)
UNVALIDATED = -1  # as the row of a sender


@compiled
def refused(w: World, i: int, size: int, sender: int, now: float) -> bool:
    """Drop datagram ``i`` where it is certain that nothing comes of it; ``sender`` is the row of
    the transport whose address it has, or negative."""
    data = w.received[i]
    if size == 0:
        w.empty += 1
        return True
    if size > MAX_DATAGRAM:
        w.oversize += 1
        return True
    kind = FIRST_BYTE[data[0]]
    if kind == STUN:
        return _check(w, data, size, sender, now)
    if kind not in (DTLS, RTP):
        w.unknown_class += 1
        return True
    if sender < 0:
        if w.checks:  # of this turn: one of them may make the address known
            return False
        w.unknown_address += 1
        return True
    return kind == DTLS and _of_handshake(w, sender)


@compiled
def _of_handshake(w: World, t: int) -> bool:
    """`Transport.refuses_dtls`."""
    transport = w.transports[t]
    if transport.dtls == OVER_AND_OUT:
        w.dtls_closed += 1
        return True
    if transport.dtls == PYTHON_KNOWS:
        return False
    _begin_turn(w, t)
    budget = w.budgets[transport.dtls]
    # Those left before in this turn have not been taken from the budget yet.
    if budget.packets < transport.dtls_left or budget.octets < 0:
        w.dtls_rate += 1
        return True
    transport.dtls_left += 1
    return False


@compiled
def _begin_turn(w: World, t: int) -> None:
    transport = w.transports[t]
    if transport.turn != w.turn:
        transport.turn = w.turn
        transport.checks_left = 0
        transport.dtls_left = 0


@compiled
def _check(w: World, data: Octets, size: int, sender: int, now: float) -> bool:
    """`IceLite.receive`, as far as it costs little."""
    if not stun.HEADER_SIZE <= size <= stun.MAX_SIZE:
        w.stun_malformed += 1
        return True
    length = load16(data, 2)
    if load32(data, 4) != stun.MAGIC_COOKIE or length % 4 or length != size - stun.HEADER_SIZE:
        w.stun_malformed += 1
        return True
    method = load16(data, 0)
    if method == stun.BINDING_SUCCESS and _was_asked(w, data):
        w.checks += 1
        return False
    if method != stun.BINDING_REQUEST:
        w.stun_method += 1
        return True
    at, octets = _username(data, size)
    if not octets:
        w.stun_malformed += 1
        return True
    first = 0
    second = 0
    for n in range(at, at + octets):
        first, second = username_then(first, second, int64(data[n]))
    t = find_username(w, first, second)
    if t < 0:
        w.stun_unknown_ufrag += 1
        return True
    if sender != t:
        transport = w.transports[t]
        _begin_turn(w, t)
        left = transport.strange_left + (now - transport.strange_at) * STRANGE_RATE
        if min(STRANGE_RATE, left) < transport.checks_left + 1:
            w.stun_rate += 1
            return True
        transport.checks_left += 1
    w.checks += 1
    return False


@compiled
def _was_asked(w: World, data: Octets) -> bool:
    """Whether this may be the answer to a check of ours."""
    if w.asked > ASKED:
        return True
    begin = load32(data, 8) << 31 ^ load32(data, 12)
    found = False
    for n in range(w.asked):
        found = found or w.answers[n] == begin
    return found


@compiled
def _username(data: Octets, size: int) -> tuple[int, int]:
    """`stun.peek_username`: where it begins, and its octets; 0 for none."""
    at = stun.HEADER_SIZE
    for _ in range(stun.MAX_PEEKED):
        if at > size - 4:
            break
        octets = load16(data, at + 2)
        if load16(data, at) == stun.ATTR_USERNAME:
            return at + 4, min(octets, size - at - 4)
        at += 4 + octets + (-octets % 4)
    return 0, 0
