"""Merges what probes, router and media tell of one line. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.control.line_quality import LineQuality, Mark
from bridge.signalling.protocol import Playback
from monitoring.quality.levels import worse
from monitoring.quality.line_state import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is shown with a line's quality and is not measured on the line. ``at`` is UTC seconds,
    ``agent`` whether one is connected, ``router`` the figures of the point's router."""

    at: float
    agent: bool
    router: Figures | None
    maintenance: bool
    incidents: int
    watching: tuple[str, ...]
    playback: Playback | None


def speaker(agent: Figures | None, router: Figures | None, *, connected: bool) -> Figures | None:
    """Whose figures speak for a point: the agent's; the router's where the room PC is off, that
    is, does not answer and has no agent ``connected``."""
    if agent is None or (agent.reachable is False and not connected):
        return router if router is not None and router.reachable is not None else agent
    return agent


def believed(probed: Figures | None, *, has_media: bool, heard: bool) -> Figures | None:
    """Probes that do not come back while media does (a firewall, say) mean that nothing is known
    from them, and not that the point is lost. ``heard``: media came just now."""
    if probed is None or probed.reachable is not False or not has_media:
        return probed
    return None if heard or not probed.answered else probed


def merge(probed: Figures | None, media: LineQuality | None, around: Around) -> LineQuality:
    """Quality of a line: of each direction the worse of what probes (``probed``) and the worker
    (``media``) say; None for one that says nothing."""
    base = LineQuality(
        up="unknown",
        down="unknown",
        up_loss=0.0,
        down_loss=0.0,
        rtt_ms=0.0,
        at=round(around.at, 3),
        agent=around.agent,
        router="" if around.router is None else _reach(around.router.reachable),
        maintenance=around.maintenance,
        incidents=around.incidents,
        watching=around.watching,
        playback=around.playback,
    )
    if probed is None or probed.reachable is None:
        if media is None:
            return base
        return replace(
            base,
            up=media.up,
            down=media.down,
            up_loss=media.up_loss,
            down_loss=media.down_loss,
            rtt_ms=media.rtt_ms,
            source="media",
        )
    levels = (probed.up, probed.down)
    losses = (probed.up_loss, probed.down_loss)
    if media is not None and probed.reachable:
        levels = (worse(probed.up, media.up), worse(probed.down, media.down))
        losses = (max(losses[0], media.up_loss), max(losses[1], media.down_loss))
    return replace(
        base,
        up=levels[0],
        down=levels[1],
        up_loss=round(losses[0], 4),
        down_loss=round(losses[1], 4),
        rtt_ms=_rounded(probed.round_trip) or 0.0,
        reach=_reach(probed.reachable),
        up_variation=_rounded(probed.up_variation),
        down_variation=_rounded(probed.down_variation),
        up_mos=_rounded(probed.up_mos),
        down_mos=_rounded(probed.down_mos),
        offset_ms=_rounded(probed.offset),
        uncertainty_ms=_rounded(probed.uncertainty),
        marks={kind: Mark(mark.sent, mark.down, mark.up) for kind, mark in probed.marks.items()},
        source="both" if media is not None else "probe",
        silent=round(probed.silent, 1),
    )


def _reach(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
