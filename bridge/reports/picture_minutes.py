"""For how many minutes a point had which picture, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.base.i18n import text


def pictures_text(language: str, pictures: Mapping[str, float]) -> str:
    """``pictures`` are seconds by lines of the picture, "sound" where the line carried none;
    ``language`` is "vi" or "en"."""
    return "; ".join(
        f"{text(language, 'report.sound_only') if name == 'sound' else f'{name}p'}: "
        f"{max(1, round(seconds / 60))} {text(language, 'report.minutes')}"
        for name, seconds in pictures.items()
    )
