"""For how many minutes a point had which picture, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.base.i18n import text

NAMES = {"sound": "report.sound_only", "shown": "picture.shown"}


def pictures_text(language: str, pictures: Mapping[str, float]) -> str:
    """``pictures`` are seconds by lines of the picture, "sound" where the line carried none,
    "shown" where its lines are not known; ``language`` is "vi" or "en"."""
    return "; ".join(
        f"{text(language, NAMES[name]) if name in NAMES else f'{name}p'}: "
        f"{max(1, round(seconds / 60))} {text(language, 'report.minutes')}"
        for name, seconds in pictures.items()
    )
