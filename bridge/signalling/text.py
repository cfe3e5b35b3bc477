"""Messages of pages as text, and texts as messages: whatever a client sends is one or the other."""

from __future__ import annotations

import msgspec

from bridge.base import strict_json
from bridge.signalling.protocol import FromClient, ToClient

MAX_MESSAGE = 64 << 10  # octets of one message from a client
MAX_DEPTH = 32  # levels of nesting in a message from a client
encoder = msgspec.json.Encoder()


class BadMessage(Exception):
    """The client's text is not a message; ``key`` names the sentence in the catalogue."""

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.detail = detail


def decode(text: str) -> FromClient:
    """Decode a message; raises `BadMessage` for anything else, whatever it is."""
    try:
        value = strict_json.loads(text, max_octets=MAX_MESSAGE, max_depth=MAX_DEPTH)
        message: FromClient = strict_json.convert(value, FromClient)
    except strict_json.NotUsable as error:
        raise BadMessage(error.key, error.detail) from None
    return message


def encode(message: ToClient) -> str:
    return encoder.encode(message).decode()
