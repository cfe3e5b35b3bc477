"""Lengths of time as reports write them."""

from __future__ import annotations


def length(seconds: float) -> str:
    """Hours, minutes and seconds, as "1:05:09"."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
