"""What a topology file may say about who only watches."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from config.values import Model

MAX_VIEWERS = 800  # of a worker's 1,024 transports: the others are for rooms, consoles and taps


def _page(value: str) -> str:
    found = urlsplit(value)
    plain = found.scheme in ("http", "https") and bool(found.hostname) and found.path in ("", "/")
    if not plain or found.query or found.fragment or any(sign in value for sign in " ;,'\"*\\@"):
        raise ValueError(f"{value!r} is not the origin of a page, for example https://www.example")
    return value.rstrip("/")


class Audience(Model):
    """Who only watches, at /watch: how many at once, and on which pages of others."""

    viewers: Annotated[
        int, Field(ge=0, le=MAX_VIEWERS, description="at most so many at once, in all conferences")
    ] = 200
    per_address: Annotated[
        int, Field(ge=1, le=MAX_VIEWERS, description="at most so many at once from one address")
    ] = 30
    pages: list[Annotated[str, AfterValidator(_page)]] = Field(
        default=[],
        max_length=50,
        description="origins of pages that may show /watch in a frame, or play by WHEP",
    )
