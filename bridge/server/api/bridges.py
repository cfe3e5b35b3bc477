"""Other bridges that are points here, for whoever looks after this one."""

from __future__ import annotations

import msgspec

from bridge.base.i18n import Sentence, known, sentence
from bridge.server.api.routes import Call, Route


class OtherBridge(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. ``connected`` is whether its control process is, from ``address``; ``media``
    whether pictures and sound can flow; ``conference`` is the one that it has us in, ``wants``
    whether we are called there. ``why`` is what hinders, as a sentence; ``refused`` what was not
    taken from it, by reason."""

    id: str
    point: str
    side: str
    connected: bool
    address: str
    media: bool
    conference: str
    wants: bool
    why: Sentence | None
    refused: dict[str, int]


class OtherBridges(msgspec.Struct, frozen=True, kw_only=True):
    """All of them; ``strangers`` is what was not let in, by reason."""

    now: float
    peers: tuple[OtherBridge, ...]
    strangers: dict[str, int]


async def show(call: Call) -> OtherBridges:
    links = call.services.peers
    found = []
    for ident, link in links.links.items():
        trouble = link.problem or ("" if link.connected else links.trouble.get(ident, ""))
        told = link.told if link.connected else None
        found.append(
            OtherBridge(
                id=ident,
                point=link.peer.point,
                side=link.peer.side,
                connected=link.connected,
                address=link.address,
                media=link.session.transport_up,
                conference=told.conference if told is not None else "",
                wants=told is not None and told.wants,
                why=_why(trouble, link.peer.id),
                refused=dict(links.counts.get(ident, {})),
            )
        )
    return OtherBridges(
        now=call.services.conductor.now(),
        peers=tuple(found),
        strangers=dict(links.counts.get("", {})),
    )


def _why(trouble: str, name: str) -> Sentence | None:
    if not trouble:
        return None
    key = f"peer.{trouble}" if known(f"peer.{trouble}") else f"notice.peer_{trouble}"
    return sentence(key, peer=name) if key.startswith("notice.") else sentence(key)


ROUTES = [
    Route(
        "GET",
        "/api/v1/peers",
        show,
        None,
        "Other bridges that are points here: how each is, and what was refused",
        answer=OtherBridges,
    ),
]
