"""What a codec says of its H.264: profile, level and packetization mode (RFC 6184 section 8.1).
Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

BASELINE = "42e0"  # constrained baseline: what every decoder takes
DECODE_BASELINE = {0x42, 0x4D, 0x58, 0x64}
"""Profiles (profile_idc) whose decoders take constrained baseline: baseline, main, extended,
high (ITU-T H.264 annex A)."""
LEVELS = {  # level_idc: macroblocks of a frame, macroblocks a second (ITU-T H.264 table A-1)
    10: (99, 1_485),
    11: (396, 3_000),
    12: (396, 6_000),
    13: (396, 11_880),
    20: (396, 11_880),
    21: (792, 19_800),
    22: (1_620, 20_250),
    30: (1_620, 40_500),
    31: (3_600, 108_000),
    32: (5_120, 216_000),
    40: (8_192, 245_760),
    41: (8_192, 245_760),
    42: (8_704, 522_240),
    50: (22_080, 589_824),
    51: (36_864, 983_040),
}
SIZES = ((1920, 1080), (1280, 720), (1024, 576), (848, 480), (640, 360), (480, 270), (320, 180))


@dataclass(frozen=True, slots=True)
class Format:
    """Profile (the first two octets of profile-level-id in hexadecimal), level (level_idc),
    packetization mode, and the macroblocks beyond the level's that are said to be possible."""

    profile: str = BASELINE
    level: int = 31
    mode: int = 1
    max_frame: int = 0
    max_rate: int = 0

    @property
    def baseline(self) -> bool:
        """Whether what is sent under it is (constrained) baseline."""
        return self.profile[:2] == "42"

    @property
    def takes_baseline(self) -> bool:
        """Whether its decoder takes constrained baseline."""
        return int(self.profile[:2], 16) in DECODE_BASELINE

    def takes(self, width: int, height: int, frame_rate: float) -> bool:
        """Whether a picture of this size and rate is within the level."""
        most = LEVELS.get(self.level, LEVELS[10])
        blocks = -(-width // 16) * -(-height // 16)
        frame, rate = max(most[0], self.max_frame), max(most[1], self.max_rate)
        return blocks <= frame and blocks * frame_rate <= rate

    def largest(self, height: int, frame_rate: float) -> tuple[int, int]:
        """The largest picture within the level that is not higher than ``height``."""
        for size in SIZES:
            if size[1] <= height and self.takes(*size, frame_rate):
                return size
        return 176, 144

    def written(self, *, mode: int, profile: str = "") -> str:
        """As parameters of a description."""
        return (
            f"profile-level-id={profile or self.profile}{self.level:02x};packetization-mode={mode}"
        )


def read_format(fmtp: str) -> Format:
    """What a codec's parameters say, whatever their case, order and spaces; what is missing or
    cannot be read has the value that RFC 6184 gives it: mode 0, and baseline of level 1."""
    values: dict[str, str] = {}
    for part in re.split(r"[;\s]+", fmtp.strip()):
        name, _, value = part.partition("=")
        values.setdefault(name.strip().lower(), value.strip())
    identifier = values.get("profile-level-id", "")
    profile, level = "4200", 10
    if re.fullmatch(r"[0-9A-Fa-f]{6}", identifier):
        profile, level = identifier[:4].lower(), int(identifier[4:], 16)
        if profile[:2] == "42" and int(profile[2:], 16) & 0x40:
            profile = BASELINE  # constraint_set1: constrained baseline
        if level not in LEVELS:
            level = max((known for known in LEVELS if known <= level), default=10)
    mode = values.get("packetization-mode", "0")
    return Format(
        profile,
        level,
        int(mode) if mode in ("0", "1", "2") else 0,
        _number(values.get("max-fs")),
        _number(values.get("max-mbps")),
    )


def _number(value: str | None) -> int:
    return int(value) if value is not None and re.fullmatch(r"\d{1,7}", value) else 0


def level_for(width: int, height: int, frame_rate: float) -> int:
    """The lowest level that has room for a picture."""
    return next(
        (level for level in LEVELS if Format(level=level).takes(width, height, frame_rate)), 51
    )
