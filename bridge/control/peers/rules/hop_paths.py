"""Bridges that a conference passes through, and whether it comes back to where it was. Pure.

Each bridge tells a peer itself and what all its other peers in that conference have told it, never
what this peer told (split horizon). In a tree nobody ever hears its own name; who does, stands in
a loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.control.peers.rules.peer_wire import MAX_HOPS


def passes(own: str, others: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """What one peer is told, out of what the ``others`` have told."""
    found = dict.fromkeys([own])
    for told in others:
        found.update(dict.fromkeys(told))
    return tuple(found)[:MAX_HOPS]


def loops(own: str, told: Sequence[str]) -> bool:
    """Whether a peer that told this would bring our own conference back to us."""
    return own in told
