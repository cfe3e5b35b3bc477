"""What a topology file may say about who only watches."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from config.values import Ip, Model, Port, Text

MAX_VIEWERS = 800  # of the points' worker's 1,024 transports: the others are for rooms and consoles
MAX_OF_WORKER = 960  # of a worker of the audience; the rest of its transports is for relays
MAX_WORKERS = 16  # on this machine, and as many machines

RELAY_PORT = 7443  # TCP

MAX_HLS = 300  # the control process serves them, beside all else that it does


def _page(value: str) -> str:
    found = urlsplit(value)
    plain = found.scheme in ("http", "https") and bool(found.hostname) and found.path in ("", "/")
    if not plain or found.query or found.fragment or any(sign in value for sign in " ;,'\"*\\@"):
        raise ValueError(f"{value!r} is not the origin of a page, for example https://www.example")
    return value.rstrip("/")


class Hls(Model):
    """Watching by HLS, some seconds later, where UDP does not pass."""

    viewers: Annotated[
        int, Field(ge=0, le=MAX_HLS, description="at most so many at once; 0: HLS is not offered")
    ] = 30
    transcode: bool = Field(
        default=False,
        description="also where media.codec is vp8: its pictures are encoded anew for this, which "
        "takes a good part of a core for each conference that somebody watches so",
    )


class RelayHost(Model):
    """A second machine that serves viewers: where its worker listens for this bridge, and the file
    with the key that both have."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="its name in figures")]
    address: Annotated[Ip, Field(description="where it listens for this bridge")]
    port: Annotated[Port, Field(description="TCP")] = RELAY_PORT
    key: Annotated[
        Text, Field(description="file with 64 hexadecimal digits, the same on both machines")
    ]


class Audience(Model):
    """Who only watches, at /watch: how many at once, where they are served, and on which pages of
    others."""

    viewers: Annotated[
        int,
        Field(
            ge=0,
            le=2 * MAX_WORKERS * MAX_OF_WORKER,
            description="at most so many at once, in all conferences",
        ),
    ] = 200
    per_address: Annotated[
        int,
        Field(
            ge=1,
            le=2 * MAX_WORKERS * MAX_OF_WORKER,
            description="at most so many at once from one address",
        ),
    ] = 30
    workers: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_WORKERS,
            description="processes of their own for viewers; 0: the points' worker serves them",
        ),
    ] = 0
    relays: list[RelayHost] = Field(
        default=[], max_length=MAX_WORKERS, description="machines that serve viewers, too"
    )
    hls: Hls = Hls()
    pages: list[Annotated[str, AfterValidator(_page)]] = Field(
        default=[],
        max_length=50,
        description="origins of pages that may show /watch in a frame, or play by WHEP",
    )

    @property
    def room(self) -> int:
        """The most viewers that the workers hold together."""
        own = self.workers + len(self.relays)
        return own * MAX_OF_WORKER if own else MAX_VIEWERS

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.viewers > self.room:
            raise ValueError(
                f"{self.viewers} viewers are more than its workers hold, which is {self.room}: "
                f"{MAX_OF_WORKER} for each of workers and relays, {MAX_VIEWERS} where there is none"
            )
        return self
