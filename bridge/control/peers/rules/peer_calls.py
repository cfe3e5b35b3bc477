"""What is done about a bridge that calls us into a conference which nobody has here: operators are
told once, and a conference is opened, again and again while that is refused. Pure; ``now`` is
monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

KEPT = 64  # calls that are remembered
AGAIN, AGAIN_MAX = 2.0, 60.0  # seconds between two tries to open one, and at most


@dataclass(frozen=True, slots=True)
class _Call:
    trying: bool = False
    over: bool = False
    tries: int = 0
    due: float = 0.0


class PeerCalls:
    """The calls of all peers, each of a peer and its conference."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], _Call] = {}

    def called(self, peer: str, conference: str) -> bool:
        """A peer calls; True where that is new."""
        if (peer, conference) in self._calls:
            return False
        self._calls[peer, conference] = _Call()
        while len(self._calls) > KEPT:
            del self._calls[next(iter(self._calls))]
        return True

    def due(self, peer: str, conference: str, now: float) -> bool:
        """Whether a conference is to be opened for a call now. Then it is being tried, until
        `refused` or `met` says what came of it."""
        call = self._calls.get((peer, conference))
        if call is None or call.over or call.trying or (call.tries and now < call.due):
            return False
        self._calls[peer, conference] = replace(call, trying=True)
        return True

    def refused(self, peer: str, conference: str, now: float) -> bool:
        """It could not be opened: the next try is twice as far away. True for the first time."""
        call = self._calls.get((peer, conference))
        if call is None:
            return False
        due = now + min(AGAIN_MAX, AGAIN * 2.0 ** min(call.tries, 10))
        self._calls[peer, conference] = replace(call, trying=False, tries=call.tries + 1, due=due)
        return not call.tries

    def met(self, peer: str) -> None:
        """A conference with that peer is here, whoever opened it. Once it is ended here, the calls
        so far open no other."""
        for key, call in self._calls.items():
            if key[0] == peer and not call.over:  # asked with every look at the links
                self._calls[key] = replace(call, over=True)
