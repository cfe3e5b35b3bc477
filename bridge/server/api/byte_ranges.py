"""Finds byte ranges that a file cannot satisfy (RFC 9110 section 14), so that they are refused
with a sentence."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web


def size_of(path: Path) -> int | None:
    """Octets of a file; None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def unusable(request: web.Request, size: int) -> bool:
    """Whether what a request asks for is no single range of octets, or none of a file of ``size``
    octets. A request whose range depends on a version (If-Range) is not looked at."""
    if "If-Range" in request.headers:
        return False
    try:
        start = request.http_range.start
    except ValueError:
        return True
    return start is not None and start >= size


def whole(size: int) -> dict[str, str]:
    """What there would have been, beside a refusal (section 14.4)."""
    return {"Content-Range": f"bytes */{size}"}
