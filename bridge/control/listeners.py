"""Transports that listen to a conference and belong to no session: taps, viewers, and relays to the
workers of an audience. No clock, no waiting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

TAP = "tap:"  # before the conference, in the label of the tap that carries its programme
VIEWER = "viewer:"  # before how it was admitted and the conference, in the label of a viewer
RELAY = "relay:"  # before the audience's worker and the conference, in the label of a relay


class Listeners:
    """Those that a worker holds, by transport."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._heard: set[str] = set()

    def clear(self) -> None:
        self._labels.clear()
        self._heard.clear()

    def adopt(self, transport: str, label: str) -> bool:
        """Note one by its label; False where it is none."""
        if not label.startswith((TAP, VIEWER, RELAY)):
            return False
        self._labels[transport] = label
        return True

    def close(self, transport: str) -> None:
        self._labels.pop(transport, None)
        self._heard.discard(transport)

    def begin(self, relay: str) -> None:
        """The far end of a relay takes in what is sent from now on."""
        self._heard.add(relay)

    def of_audience(self, transport: str) -> bool:
        """Whether it is a viewer, or a relay to viewers."""
        return self._labels.get(transport, "").startswith((VIEWER, RELAY))

    @property
    def viewers(self) -> Mapping[str, str]:
        """The labels of viewers."""
        return self._of(VIEWER)

    @property
    def relays(self) -> Mapping[str, str]:
        """The labels of relays."""
        return self._of(RELAY)

    def taps(self) -> list[tuple[str, str]]:
        """Conferences and the transports of their taps."""
        return [(conference_of(label), tap) for tap, label in self._of(TAP).items()]

    def tap_of(self, conference: str) -> str:
        """The transport of a conference's tap; "" where there is none."""
        return next((tap for of, tap in self.taps() if of == conference), "")

    def listening(self) -> Iterator[tuple[str, str]]:
        """Transports that are to be sent something, and their conferences."""
        for transport, label in self._labels.items():
            if not label.startswith(RELAY) or transport in self._heard:
                yield transport, conference_of(label)

    def _of(self, kind: str) -> dict[str, str]:
        return {ident: label for ident, label in self._labels.items() if label.startswith(kind)}


def conference_of(label: str) -> str:
    """The conference in the label of a listener."""
    return label.rpartition(":")[2]
