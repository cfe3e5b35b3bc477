"""What a topology file may say about other bridges: a province above, districts below."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from config.values import Identifier, Ip, Model, Port, Text

PEER_PORT = 7444  # TCP
MAX_PEERS = 40  # of the worker's 64 ends of relays; a province has some twenty-four districts
MAX_ADDRESSES = 8  # of one peer: as many as a bridge may have hosts
MAX_CERTIFICATES = 4  # of one peer: the present one, and the next before it is renewed


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Peering(Model):
    """How this bridge meets others: where it listens for them (nowhere where left out, then it only
    calls), and its own certificate."""

    listen: Ip | None = Field(default=None, description="where other bridges connect to")
    port: Port = PEER_PORT
    certificate: Text | None = Field(
        default=None, description="PEM file; `bridge.py peer show` makes one in the state folder"
    )
    key: Text | None = None


class Peer(Model):
    """Another bridge, which is one point in conferences of this one."""

    id: Identifier
    point: Identifier = Field(description="which of points it is here")
    side: Literal["above", "below"] = Field(
        description="above: the province of this district; below: a district of this province"
    )
    address: (
        Annotated[
            list[Ip],
            Field(min_length=1, max_length=MAX_ADDRESSES),
            BeforeValidator(_several, json_schema_input_type=Ip | list[Ip]),
        ]
        | None
    ) = Field(
        default=None,
        description="where it listens, or a list of its hosts'; left out where it connects to us",
    )
    port: Port = PEER_PORT
    certificates: list[Text] = Field(
        min_length=1,
        max_length=MAX_CERTIFICATES,
        description="PEM files of the certificates that it may show, beside the topology file",
    )
    templates: list[Identifier] = Field(
        default=[],
        max_length=50,
        description="kinds of conferences that it may be in; all that have its point where empty",
    )
    opens: Identifier | None = Field(
        default=None,
        description="template of the conference that is opened here when it calls and none has it",
    )
    media: Ip | None = Field(
        default=None, description="which of bridge.media.listen its media comes to; the first"
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=60)] = Field(
        default=6, description="how often it may ask for the floor"
    )

    def may_join(self, template: str) -> bool:
        """Whether it may be in conferences of a template."""
        return not self.templates or template in self.templates
