"""Both ends of media between two bridges, as their workers are told to open them. Pure: keys and
SSRCs are given.

One transport at either side carries one stream of each kind a direction: the programme, a shared
screen, and the voices that are heard. The workers talk from media port to media port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Literal

from bridge.conference.plan import AUDIO, CONTENT, PROGRAMME
from bridge.control.peers.rules.peer_wire import Accepted, Offer, Picture, Place, Sent
from bridge.media import messages as m
from config.schema import Media

VIDEO_TYPE, VIDEO_RTX_TYPE, OPUS_TYPE, RED_TYPE = 96, 97, 111, 63
OPUS_CLOCK = 48_000
PICTURES = 4  # SSRCs of programme and screen, each with its repair
MICROPHONE = "microphone"


def picture_of(media: Media) -> Picture:
    """What pictures of this bridge are meant to be."""
    best = media.layers[-1]
    return Picture(
        height=best.height,
        bitrate=1000 * best.bitrate,
        frame_rate=best.frame_rate,
        content=1000 * media.content,
    )


def voices_of(sent: Sent) -> int:
    """How many voices are heard at once."""
    return len(sent.ssrcs) - PICTURES


def voice_names(count: int) -> tuple[str, ...]:
    """The names of the sources that carry voices."""
    return tuple(MICROPHONE if n == 0 else f"{MICROPHONE}:{n}" for n in range(count))


def choose(offered: Sequence[Place], own: Sequence[m.MediaAddress]) -> tuple[int, int] | None:
    """Which offered place and which address of ours have one family; None: none have."""
    for number, place in enumerate(offered):
        for index, address in enumerate(own):
            if _version(place.host) == _version(address.host):
                return number, index
    return None


def _version(host: str) -> int:
    """The IP version of an address; -1 where it is none."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return -1


def upper_end(offer: Offer, answer: Accepted, label: str, socket: int) -> m.OpenRelay:
    """What the worker of the side that offered is told."""
    return _end(offer, label, answer.place, socket, offer.down, answer.up, answer.picture)


def lower_end(offer: Offer, answer: Accepted, label: str, socket: int) -> m.OpenRelay:
    """What the worker of the other side is told."""
    far = offer.places[answer.chosen]
    return _end(offer, label, far, socket, answer.up, offer.down, offer.picture)


def _end(
    offer: Offer,
    label: str,
    far: Place,
    socket: int,
    out: Sent,
    into: Sent,
    picture: Picture,
) -> m.OpenRelay:
    meant = {
        PROGRAMME: m.LayerSpec(
            rid="",
            height=picture.height,
            bitrate=picture.bitrate,
            frame_rate=picture.frame_rate,
        ),
        CONTENT: m.LayerSpec(rid="", bitrate=picture.content),
    }
    pictures = (("camera", PROGRAMME), ("content", CONTENT))
    slots: list[m.SlotSpec] = []
    sources: list[m.SourceSpec] = []
    for number, (source, slot) in enumerate(pictures):
        ssrc, rtx = out.ssrcs[2 * number : 2 * number + 2]
        slots.append(
            m.SlotSpec(
                name=slot,
                kind="video",
                codec=offer.codec,
                payload_type=VIDEO_TYPE,
                rtx_payload_type=VIDEO_RTX_TYPE,
                ssrc=ssrc,
                rtx_ssrc=rtx,
            )
        )
        ssrc, rtx = into.ssrcs[2 * number : 2 * number + 2]
        sources.append(
            m.SourceSpec(
                name=source,
                mid="",
                kind="video",
                codec=offer.codec,
                payload_type=VIDEO_TYPE,
                rtx_payload_type=VIDEO_RTX_TYPE,
                ssrcs=(m.StreamSsrc(ssrc=ssrc, rtx_ssrc=rtx),),
                bitrate=meant[slot].bitrate,
                layers=(meant[slot],),
            )
        )
    slots += [_voice_slot(f"{AUDIO}{n}", ssrc) for n, ssrc in enumerate(out.ssrcs[PICTURES:])]
    sources += [
        _voice_source(name, ssrc)
        for name, ssrc in zip(voice_names(voices_of(into)), into.ssrcs[PICTURES:], strict=True)
    ]
    return m.OpenRelay(
        transport=offer.link,
        label=label,
        keys=m.RelayKeys(inbound=into.key, outbound=out.key),
        far=m.MediaAddress(host=far.host, port=far.port),
        sources=tuple(sources),
        slots=tuple(slots),
        cname="bridge",
        socket=socket,
    )


_KIND: Literal["audio"] = "audio"


def _voice_slot(name: str, ssrc: int) -> m.SlotSpec:
    return m.SlotSpec(
        name=name,
        kind=_KIND,
        codec="opus",
        payload_type=OPUS_TYPE,
        red_payload_type=RED_TYPE,
        clock_rate=OPUS_CLOCK,
        ssrc=ssrc,
    )


def _voice_source(name: str, ssrc: int) -> m.SourceSpec:
    return m.SourceSpec(
        name=name,
        mid="",
        kind=_KIND,
        codec="opus",
        payload_type=OPUS_TYPE,
        red_payload_type=RED_TYPE,
        clock_rate=OPUS_CLOCK,
        ssrcs=(m.StreamSsrc(ssrc=ssrc),),
    )
