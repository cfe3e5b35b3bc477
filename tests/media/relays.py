"""Two cores joined by a relay over a simulated network: the points' worker, and an audience's."""

from __future__ import annotations

import os
from collections.abc import Callable

from bridge.media import messages as m
from bridge.media import rtcp
from bridge.media.core import MediaCore
from bridge.media.parts import MASTER_SIZE
from bridge.media.relay_end import RELAY_SOCKET, RelaySender, own_address
from bridge.media.transport import Address, Transport
from tests.media.support import Bench, TestPeer, audio_slot, camera, microphone, video_slot

SENDER = m.MediaAddress(host="127.0.0.1", port=41_000)
RECEIVER = m.MediaAddress(host="127.0.0.2", port=42_000)
FROM: Address = (SENDER.host, SENDER.port)
PICTURE, PICTURE_RTX, VOICE = 7000, 7001, 7100
PT, RTX_PT, OPUS_PT, RED_PT = 96, 97, 111, 63

Keep = Callable[[bytes], bool]


def keys() -> tuple[m.RelayKeys, m.RelayKeys]:
    """Fresh keys of the sending and the receiving end."""
    down, up = os.urandom(MASTER_SIZE).hex(), os.urandom(MASTER_SIZE).hex()
    return m.RelayKeys(inbound=up, outbound=down), m.RelayKeys(inbound=down, outbound=up)


def sending(own: m.RelayKeys, ident: str = "relay") -> m.OpenRelay:
    return m.OpenRelay(
        transport=ident,
        label="relay:1:c",
        keys=own,
        far=RECEIVER,
        slots=(
            m.SlotSpec(
                name="programme",
                kind="video",
                codec="vp8",
                payload_type=PT,
                rtx_payload_type=RTX_PT,
                ssrc=PICTURE,
                rtx_ssrc=PICTURE_RTX,
            ),
            m.SlotSpec(
                name="audio0",
                kind="audio",
                codec="opus",
                payload_type=OPUS_PT,
                red_payload_type=RED_PT,
                clock_rate=48_000,
                ssrc=VOICE,
            ),
        ),
        cname="relay",
    )


def receiving(own: m.RelayKeys, ident: str = "relay") -> m.OpenRelay:
    return m.OpenRelay(
        transport=ident,
        label="relay:1:c",
        keys=own,
        far=SENDER,
        sources=(
            m.SourceSpec(
                name="programme",
                mid="",
                kind="video",
                codec="vp8",
                payload_type=PT,
                rtx_payload_type=RTX_PT,
                ssrcs=(m.StreamSsrc(ssrc=PICTURE, rtx_ssrc=PICTURE_RTX),),
            ),
            m.SourceSpec(
                name="audio0",
                mid="",
                kind="audio",
                codec="opus",
                payload_type=OPUS_PT,
                red_payload_type=RED_PT,
                clock_rate=48_000,
                ssrcs=(m.StreamSsrc(ssrc=VOICE),),
            ),
        ),
        cname="audience",
    )


class Sending(Bench):
    """The conference's worker. ``kept`` says which packets the network carries to the audience."""

    def __init__(self) -> None:
        super().__init__(seed=1, path="python")
        self.wire: list[bytes] = []
        """What left the sending end, sealed."""
        self.sealed: list[tuple[bytes, bytes]] = []
        """Its RTP: header and sealed payload."""
        self._out: list[bytes] = []

    def settle(self) -> None:
        self.core.flush(self.now, self._or_relay)
        mine = [data for index, _, data in self.core.datagrams if index == RELAY_SOCKET]
        self.core.datagrams = [d for d in self.core.datagrams if d[0] != RELAY_SOCKET]
        self._out += mine
        super().settle()

    def _or_relay(self, transport: Transport) -> None:
        if isinstance(transport, RelaySender):
            pairs = list(zip(transport.out[::2], transport.out[1::2], strict=True))
            self.sealed += pairs
            self._out += [head + body for head, body in pairs]
        else:
            self._deliver(transport)

    def take(self) -> list[bytes]:
        """What left since the last call."""
        out, self._out = self._out, []
        self.wire += out
        return out


class Relayed:
    """Both workers, a room that sends to the one, a viewer of the other."""

    def __init__(self, path: str = "") -> None:
        self.main = Sending()
        self.audience = Bench(seed=2, path=path)
        self.room = self.main.join(
            "room", (camera(ssrc=1000, rtx_ssrc=1500), microphone(ssrc=2000))
        )
        self.viewer = self.join("viewer")
        self.keep: Keep = lambda _: True
        self.open(*keys())

    def join(self, name: str) -> TestPeer:
        number = 5000 + 10 * len(self.audience.peers)
        slots = (video_slot("programme", number), audio_slot("audio0", number + 1))
        return self.audience.join(name, (), slots, patient=True)

    def open(self, mine: m.RelayKeys, theirs: m.RelayKeys, ident: str = "relay") -> None:
        main, audience = self.main, self.audience
        assert main.core.command(sending(mine, ident), main.now) == ""
        assert audience.core.command(receiving(theirs, ident), audience.now) == ""
        main.route(ident, "programme", "room")
        voice = m.SourceRef(transport="room", name="microphone")
        mix = m.SetAudio(group="c", members=(ident,), allowed=(voice,))
        assert main.core.command(mix, main.now) == ""
        audience.route("viewer", "programme", ident, name="programme")
        relayed = m.SourceRef(transport=ident, name="audio0")
        mix = m.SetAudio(group="c", members=tuple(audience.peers), allowed=(relayed,))
        assert audience.core.command(mix, audience.now) == ""

    def carry(self) -> None:
        """Let the network carry what has been sent, both ways."""
        self.main.settle()
        for data in self.main.take():
            if self.keep(data):
                self.audience.core.receive(data, FROM, 0, self.audience.now)
        self.audience.settle()
        stray, self.audience.stray = self.audience.stray, []
        for address, data in stray:
            if address == FROM:
                for ident in [t for t in self.main.core.transports if t.startswith("relay")]:
                    far = own_address(ident)
                    MediaCore.receive(self.main.core, data, far, RELAY_SOCKET, self.main.now)
            else:
                self.audience.stray.append((address, data))
        self.main.settle()

    def send(self, packet: bytes) -> None:
        """The room sends a packet."""
        self.main.send(self.room, packet)
        self.carry()

    def run(self, seconds: float, step: float = 0.01) -> None:
        for _ in range(round(seconds / step)):
            for peer in self.audience.peers.values():  # who is silent is taken for gone
                self.audience.send_rtcp(peer, rtcp.build_receiver_report(9, ()))
            self.main.run(step, step)
            self.carry()
            self.audience.run(step, step)
            self.carry()
