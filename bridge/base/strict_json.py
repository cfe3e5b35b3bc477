"""Strict parsing of JSON from outside: bounded, no duplicate keys, no NaN, no lone surrogates.
Pure.

RFC 8259 leaves what duplicate keys mean to each reader, and two readers that disagree are a hole;
here they are an error, as I-JSON (RFC 7493) asks.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec


class NotUsable(Exception):
    """The text cannot be used; ``key`` names the sentence in the catalogue."""

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.detail = detail


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotUsable("protocol.duplicate_key")
    return found


def _constant(name: str) -> Any:
    raise ValueError(name)


def loads(text: str | bytes, *, max_octets: int, max_depth: int) -> Any:
    """Parse strictly. Raises `NotUsable`."""
    try:
        raw = text.encode("utf-8") if isinstance(text, str) else text
        decoded = raw.decode("utf-8")
    except UnicodeError:  # a lone surrogate, or no UTF-8
        raise NotUsable("protocol.not_json") from None
    if len(raw) > max_octets:
        raise NotUsable("protocol.too_large")
    if _depth(decoded) > max_depth:
        raise NotUsable("protocol.too_deep")
    try:
        value = json.loads(decoded, object_pairs_hook=_pairs, parse_constant=_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # an escaped lone surrogate
    except NotUsable:
        raise
    except (ValueError, RecursionError, UnicodeError):
        raise NotUsable("protocol.not_json") from None
    return value


def convert(value: Any, kind: Any) -> Any:
    """A parsed value as ``kind`` (a msgspec type). Raises `NotUsable`."""
    try:
        return msgspec.convert(value, type=kind, strict=True)
    except msgspec.ValidationError as error:
        raise NotUsable("protocol.not_understood", str(error)) from None


def _depth(text: str) -> int:
    """The deepest nesting, brackets inside strings counted too: an upper bound is enough."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest
