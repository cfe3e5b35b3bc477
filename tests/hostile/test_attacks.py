"""Each attack of `benchmarks.hostile` against a core without sockets: it is refused for the reason
that it ought to be, and the honest are served."""

from __future__ import annotations

import contextlib

import pytest

from benchmarks.attacks import Attack, attacks
from benchmarks.load import Endpoint, endpoint
from bridge.media.budget import VIDEO
from bridge.media.transport import Address
from tests.media.support import Bench, TestPeer, camera, video, video_slot

STRANGER: Address = ("127.0.0.98", 7)
SENT = 3000  # datagrams of each attack, in a fifth of a second
SSRCS = (10_000, 10_001, 10_002)

REFUSED = {
    "empty and odd datagrams": "unknown_class",
    "RTP from an unknown address": "unknown_address",
    "DTLS from an unknown address": "unknown_address",
    "checks for nobody": "stun_unknown_ufrag",
    "checks with a wrong password": "stun_rate",
    "checks of 300 attributes": "stun_malformed",
    "a recorded check": "stun_rate",
    "forged ClientHellos": "",  # OpenSSL takes them for repetitions
    "small packets": "source_budget",
    "key frame requests": "",  # put together: counted below
    "repair requests": "rtx_missing",
    "reports and feedback": "",
    "new streams": "ssrc_limit",
    "sealed noise": "source_budget",
}


def meeting(b: Bench) -> list[TestPeer]:
    """Three peers that see one another, as in the benchmark."""
    peers = []
    for own, ssrc in enumerate(SSRCS):
        slots = tuple(video_slot(f"s{i}", 20_000 + i) for i in range(3) if i != own)
        peers.append(b.join(f"c0p{own}", (camera(ssrc=ssrc, rtx_ssrc=ssrc + 500),), slots))
    for own in range(3):
        for other in range(3):
            if own != other:
                b.route(f"c0p{own}", f"s{other}", f"c0p{other}")
    for number in (1, 2):
        for peer, ssrc in zip(peers, SSRCS, strict=True):
            b.send(peer, video(number, key=True, ssrc=ssrc))
    return peers


@pytest.mark.parametrize("name", attacks())
def test_an_attack_is_refused_and_the_honest_are_served(name: str) -> None:
    b = Bench()
    peers = meeting(b)
    with contextlib.ExitStack() as sockets:
        members: list[Endpoint] = []
        for peer, ssrc in zip(peers, SSRCS, strict=True):
            member = endpoint("127.0.0.1", ssrc)
            sockets.callback(member.socket.close)
            member.peer, member.seal, member.index = peer.peer, peer.tx, 2
            members.append(member)
        attack: Attack = attacks()[name](members, members[0].socket.getsockname(), SENT / 15_000)
        sockets.callback(attack.sender.close)
    strange = attack.who in ("stranger", "eavesdropper")
    if name == "a recorded check":
        b.core.receive(attack.datagrams[0], peers[0].address, 0, b.now)
    before = len(peers[2].packets("s0"))
    for number in range(SENT):
        b.now += 0.2 / SENT
        datagram = attack.datagrams[number % len(attack.datagrams)]
        b.core.receive(datagram, STRANGER if strange else peers[0].address, 0, b.now)
        if number % 100 == 0:
            b.core.tick(b.now, b.core.unix_offset)
            b.settle()
        if number % 1000 == 999:
            b.send(peers[1], video(3 + number // 1000, ssrc=SSRCS[1]))
    b.settle()
    assert len(peers[2].packets("s1")) == 2 + 3, "an honest source is seen by an honest receiver"
    if REFUSED[name]:
        assert b.dropped(REFUSED[name]) >= 500, b.core.counters.dropped
    # What it makes the honest receive is bounded by the budget of one source.
    assert len(peers[2].packets("s0")) - before <= VIDEO.packets * (VIDEO.burst + 0.2)
    answers = [data for address, data in b.stray if address == STRANGER]
    assert len(answers) <= 60, "a stranger is hardly answered"
    assert b.core.counters.key_frame_requests_sent <= 6
    assert all(b.states(peer.id)[-1] == "connected" for peer in peers)
