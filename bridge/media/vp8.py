"""The VP8 payload descriptor (RFC 7741 section 4.2), as far as forwarding needs it."""

from __future__ import annotations

from typing import NamedTuple

START_CODE = b"\x9d\x01\x2a"  # of a key frame
FRAME_HEADER = 10  # octets of a key frame up to its first partition


class Munge(NamedTuple):
    """What to add to PictureID (modulo 2^15) and TL0PICIDX (modulo 2^8) of a source, so that
    a slot's numbers go on without a jump when its source changes."""

    picture_id: int
    tl0_index: int


class Numbers(NamedTuple):
    """PictureID and TL0PICIDX of a packet; -1 where absent. ``wide`` is a 15-bit PictureID."""

    picture_id: int
    tl0_index: int
    wide: bool


def is_key_frame_start(payload: bytes) -> bool:
    """True for the first packet of a key frame: S=1, PID=0 and the P bit of the VP8 header 0."""
    if not payload or payload[0] & 0x1F != 0x10:
        return False
    pos = header_offset(payload)
    return pos < len(payload) and not payload[pos] & 0x01


def height(payload: bytes) -> int:
    """Lines of the picture that a key frame's first packet begins; 0 where it does not say."""
    pos = header_offset(payload)
    return frame_size(payload[pos : pos + FRAME_HEADER])[1]


def frame_size(frame: bytes) -> tuple[int, int]:
    """Width and height that a key frame says (RFC 6386 section 9.1), or zeros."""
    if len(frame) < FRAME_HEADER or frame[3:6] != START_CODE:
        return 0, 0
    width, height = (int.from_bytes(frame[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width, height


def header_offset(payload: bytes) -> int:
    """Where the VP8 header begins, behind the descriptor; past the end where that is cut short."""
    size = len(payload)
    pos = 1
    if payload[0] & 0x80:
        if size < 2:
            return size
        flags = payload[1]
        pos = 2
        if flags & 0x80:
            pos += 2 if size > 2 and payload[2] & 0x80 else 1
        if flags & 0x40:
            pos += 1
        if flags & 0x30:
            pos += 1
    return pos


def numbers(payload: bytes) -> Numbers:
    """Read PictureID and TL0PICIDX."""
    size = len(payload)
    picture_id = tl0_index = -1
    wide = False
    if size > 2 and payload[0] & 0x80:
        flags = payload[1]
        pos = 2
        if flags & 0x80:
            wide = bool(payload[2] & 0x80)
            if wide and size > 3:
                picture_id = (payload[2] & 0x7F) << 8 | payload[3]
            elif not wide:
                picture_id = payload[2]
            pos += 2 if wide else 1
        if flags & 0x40 and pos < size:
            tl0_index = payload[pos]
    return Numbers(picture_id, tl0_index, wide)


def continue_from(last: Numbers, new: Numbers) -> Munge | None:
    """Return what makes ``new`` the successor of ``last``; None where nothing is to do."""
    picture_id = tl0_index = 0
    if last.picture_id >= 0 and new.picture_id >= 0 and new.wide:
        picture_id = (last.picture_id + 1 - new.picture_id) & 0x7FFF
    if last.tl0_index >= 0 and new.tl0_index >= 0:
        tl0_index = (last.tl0_index + 1 - new.tl0_index) & 0xFF
    return Munge(picture_id, tl0_index) if picture_id or tl0_index else None


def munge(payload: bytes, change: Munge) -> bytes:
    """Return the payload with its numbers shifted; unchanged where it carries none."""
    size = len(payload)
    if size < 4 or not payload[0] & 0x80:
        return payload
    flags = payload[1]
    pos = 2
    head = payload[:2]
    if flags & 0x80:
        if payload[2] & 0x80:
            shifted = ((payload[2] << 8 | payload[3]) + change.picture_id) & 0x7FFF | 0x8000
            head += shifted.to_bytes(2, "big")
            pos = 4
        else:
            head += payload[2:3]
            pos = 3
    if flags & 0x40 and pos < size:
        head += bytes(((payload[pos] + change.tl0_index) & 0xFF,))
        pos += 1
    return head + payload[pos:]


class Temporal(NamedTuple):
    """The temporal layer of a packet (TID), -1 where it carries none; ``sync`` (Y): it depends on
    the lowest temporal layer only."""

    layer: int
    sync: bool


NO_TEMPORAL = Temporal(-1, False)


def temporal(payload: bytes) -> Temporal:
    """Read TID and Y."""
    size = len(payload)
    if size < 3 or not payload[0] & 0x80:
        return NO_TEMPORAL
    flags = payload[1]
    if not flags & 0x20:
        return NO_TEMPORAL
    pos = 2
    if flags & 0x80:
        pos += 2 if payload[2] & 0x80 else 1
    if flags & 0x40:
        pos += 1
    if pos >= size:
        return NO_TEMPORAL
    return Temporal(payload[pos] >> 6, bool(payload[pos] & 0x20))
