"""Both ends of a relay, as the workers are told to open them. Pure: keys and SSRCs are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from bridge.conference.plan import AUDIO, CONTENT, PROGRAMME
from bridge.control.listeners import RELAY, conference_of
from bridge.media import messages as m
from config.schema import Media

VIDEO_TYPE, VIDEO_RTX_TYPE, OPUS_TYPE, RED_TYPE = 96, 97, 111, 63
OPUS_CLOCK = 48_000


@dataclass(frozen=True, slots=True)
class Relay:
    """One conference on its way to one worker. ``ssrcs`` are as many as `ssrcs_needed` says, all
    different; ``down`` and ``up`` are the keys of both directions, hexadecimal."""

    id: str
    worker: str
    conference: str
    ssrcs: tuple[int, ...]
    down: str
    up: str

    @property
    def label(self) -> str:
        """What both workers keep, so that a restarted process knows it."""
        return f"{RELAY}{self.worker}:{self.conference}"


def worker_of(label: str) -> str:
    """The audience's worker in a relay's label."""
    return label.removeprefix(RELAY).rpartition(":")[0]


def of_label(ident: str, label: str) -> Relay:
    """A relay that both workers hold. Its keys are known to them alone."""
    return Relay(ident, worker_of(label), conference_of(label), (), "", "")


def ssrcs_needed(voices: int) -> int:
    """Two pictures with their retransmissions, and voices."""
    return 4 + voices


def sending_end(relay: Relay, far: m.MediaAddress, media: Media) -> m.OpenRelay:
    """What the points' worker is told; ``far`` is where the other one listens."""
    slots = tuple(
        m.SlotSpec(ssrc=ssrc, rtx_ssrc=rtx_ssrc, **stream)
        for stream, ssrc, rtx_ssrc in _streams(relay.ssrcs, media)
    )
    return m.OpenRelay(
        transport=relay.id,
        label=relay.label,
        keys=m.RelayKeys(inbound=relay.up, outbound=relay.down),
        far=far,
        slots=slots,
        cname="relay",
    )


def receiving_end(
    relay: Relay, far: m.MediaAddress, media: Media, *, socket: int = 0
) -> m.OpenRelay:
    """What the audience's worker is told; ``far`` is what the points' worker sends from."""
    best = media.layers[-1]
    meant = {
        PROGRAMME: m.LayerSpec(
            rid="",
            height=best.height,
            bitrate=1000 * best.bitrate,
            frame_rate=best.frame_rate,
        ),
        CONTENT: m.LayerSpec(rid="", bitrate=1000 * media.content),
    }
    sources = tuple(
        m.SourceSpec(
            mid="",
            ssrcs=(m.StreamSsrc(ssrc=ssrc, rtx_ssrc=rtx_ssrc),),
            layers=(meant[stream["name"]],) if stream["name"] in meant else (),
            **stream,
        )
        for stream, ssrc, rtx_ssrc in _streams(relay.ssrcs, media)
    )
    return m.OpenRelay(
        transport=relay.id,
        label=relay.label,
        keys=m.RelayKeys(inbound=relay.down, outbound=relay.up),
        far=far,
        sources=sources,
        cname="audience",
        socket=socket,
    )


class _Stream(TypedDict):
    """What both ends are told alike of a stream."""

    name: str
    kind: Literal["audio", "video"]
    codec: m.Codec
    payload_type: int
    rtx_payload_type: int
    red_payload_type: int
    clock_rate: int


def _streams(ssrcs: Sequence[int], media: Media) -> list[tuple[_Stream, int, int]]:
    """Every stream with its SSRC and that of its retransmissions."""
    programme, programme_rtx, content, content_rtx, *voices = ssrcs
    return [
        (_picture(PROGRAMME, media), programme, programme_rtx),
        (_picture(CONTENT, media), content, content_rtx),
        *((_voice(f"{AUDIO}{number}"), ssrc, 0) for number, ssrc in enumerate(voices)),
    ]


def _picture(name: str, media: Media) -> _Stream:
    return {
        "name": name,
        "kind": "video",
        "codec": media.codec,
        "payload_type": VIDEO_TYPE,
        "rtx_payload_type": VIDEO_RTX_TYPE,
        "red_payload_type": 0,
        "clock_rate": 90_000,
    }


def _voice(name: str) -> _Stream:
    return {
        "name": name,
        "kind": "audio",
        "codec": "opus",
        "payload_type": OPUS_TYPE,
        "rtx_payload_type": 0,
        "red_payload_type": RED_TYPE,
        "clock_rate": OPUS_CLOCK,
    }
