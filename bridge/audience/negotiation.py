"""A viewer's offer (WHEP, draft-ietf-wish-whep section 4): receiving lines only. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.conference.plan import AUDIO, CONTENT, PROGRAMME
from bridge.media import messages as m
from bridge.signalling import sdp
from bridge.signalling.answer import Local, negotiate

PICTURES = (PROGRAMME, CONTENT)
SPARE_LINES = 4  # media lines that an offer may have beyond what there is to receive


def read(text: str, voices: int) -> sdp.Offer:
    """Parse an offer that wants to receive. Raises `sdp.SdpError`."""
    offer = sdp.parse(text, max_media=len(PICTURES) + voices + SPARE_LINES)
    for media in offer.media:
        if media.direction == "sendonly" and media.port:
            raise sdp.SdpError(f"Who watches sends nothing: line {media.mid!r} must be recvonly.")
    return offer


def answer(
    offer: sdp.Offer, *, transport: str, label: str, voices: int, local: Local
) -> tuple[m.Open, str]:
    """The worker's `open` of a viewer, and the answer's text. Raises `sdp.SdpError`."""
    spec, text = negotiate(
        offer,
        transport=transport,
        label=label,
        video_slots=PICTURES,
        audio_slots=tuple(f"{AUDIO}{number}" for number in range(voices)),
        sources={},
        local=local,
    )
    return replace(spec, patient=True), text
