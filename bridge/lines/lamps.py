"""The three lamps of a point (Hình – Tiếng – Đường truyền: picture, sound, line), each with a
level, a sentence and the steps of the written checklist. Pure."""

from __future__ import annotations

import msgspec

from bridge.agents.protocol import Report
from bridge.base.i18n import Sentence, sentence
from bridge.control.line_quality import LineQuality
from bridge.signalling.protocol import Playback, RoomStatus, SeatView

CHECKLIST = 4  # steps of each written checklist
SHOWN = {"good": "good", "fair": "warn", "poor": "warn", "bad": "bad"}
ORDER = ("good", "fair", "poor", "bad")
FREEZES = 0.05  # share of the last time that a picture stood still
CONCEALED = 0.05  # share of sound that was made up


class Lamp(msgspec.Struct, frozen=True, kw_only=True):
    """Picture, sound or line: good, warn, bad or unknown, and what to do, step by step."""

    name: str
    level: str
    sentence: Sentence
    steps: tuple[Sentence, ...] = ()


def _lamp(name: str, level: str, key: str, checklist: str = "", **values: str) -> Lamp:
    steps: tuple[Sentence, ...] = ()
    if level in ("warn", "bad") and checklist:
        steps = tuple(sentence(f"checklist.{checklist}_{n}") for n in range(1, CHECKLIST + 1))
    whole = key if "." in key else f"lamp.{key}"
    return Lamp(name=name, level=level, sentence=sentence(whole, **values), steps=steps)


def lamps(
    state: str,
    room: RoomStatus | None,
    quality: LineQuality | None,
    agent: Report | None,
    seat: SeatView | None = None,
) -> tuple[Lamp, ...]:
    """Picture, sound and line of a point. ``state`` is the point's, ``room`` its page's, ``agent``
    its agent's last report; ``seat`` its seat in a conference: what arrives at the bridge."""
    here = state in ("ready", "connecting", "in_session") and room is not None
    playback = quality.playback if quality is not None else None
    devices: set[str] | None = None
    if agent is not None:
        devices = {device.kind for device in agent.devices}
    inside = seat if here and seat is not None and seat.present else None
    picture = sound = ""
    if room is not None and here:
        picture = _fault(
            "camera", room.camera_fault, room.sending, inside is None or inside.picture
        )
        voice = inside.voice if inside is not None and not inside.self_muted else "live"
        sound = _fault("microphone", room.microphone_fault, room.sending, voice != "none")
        if not sound and voice == "silent":
            sound = "device.microphone_silent"
    return (
        _device("picture", "camera", room.camera if here and room else None, devices, playback)
        if not picture
        else _lamp("picture", "bad", picture, "picture"),
        _device(
            "sound", "microphone", room.microphone if here and room else None, devices, playback
        )
        if not sound
        else _lamp("sound", "bad", sound, "sound"),
        _line(here, quality),
    )


def _fault(kind: str, fault: str, sends: bool, arrives: bool) -> str:
    """The key of a sentence on what a room's page says of a device, and on what the bridge misses
    of it; "" where nothing is wrong."""
    if fault:
        return f"device.{kind}_{fault}"
    return f"device.{kind}_unheard" if sends and not arrives else ""


def _device(
    name: str,
    kind: str,
    used: bool | None,
    devices: set[str] | None,
    playback: Playback | None,
) -> Lamp:
    if devices is not None and kind not in devices:
        return _lamp(name, "bad", f"{name}_missing", name)
    if name == "sound" and devices is not None and "speaker" not in devices:
        return _lamp(name, "bad", "speaker_missing", name)
    if used is None:
        if devices is not None:
            return _lamp(name, "unknown", f"{name}_no_page", name)
        return _lamp(name, "unknown", f"{name}_offline")
    if not used:
        return _lamp(name, "bad", f"{name}_bad", name)
    if playback is not None and name == "picture" and playback.frozen > FREEZES:
        return _lamp(name, "warn", "picture_freezes", "line")
    if playback is not None and name == "sound" and playback.concealed > CONCEALED:
        return _lamp(name, "warn", "sound_breaks", "line")
    return _lamp(name, "good", f"{name}_good")


def _line(here: bool, quality: LineQuality | None) -> Lamp:
    if quality is not None and quality.reach == "no":
        if quality.router == "yes":
            return _lamp("line", "warn", "line_room_off", "lost")
        return _lamp("line", "bad", "line_unreachable", "lost")
    known = [] if quality is None else [v for v in (quality.up, quality.down) if v != "unknown"]
    if quality is None or not known:
        if here or (quality is not None and quality.reach == "yes"):
            return _lamp("line", "good", "line_connected")
        if quality is not None and quality.router == "yes":
            return _lamp("line", "warn", "line_room_off", "lost")
        return _lamp("line", "bad", "line_offline", "lost")
    worst = max(known, key=ORDER.index)
    if worst == "good":
        return _lamp("line", "good", "line_good")
    ways = [w for w, level in (("up", quality.up), ("down", quality.down)) if level == worst]
    way = ways[0] if len(ways) == 1 else "both"
    loss = max(getattr(quality, f"{w}_loss") for w in ways)
    return _lamp("line", SHOWN[worst], f"line_{worst}_{way}", "line", loss=f"{100 * loss:.1f}")
