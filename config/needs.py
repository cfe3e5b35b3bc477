"""What a conference needs at each point, against what its links give. Pure; kbit/s."""

from __future__ import annotations

from dataclasses import dataclass

from config.schema import Link, Media, Point, Topology


@dataclass(frozen=True, slots=True)
class Need:
    """kbit/s a point sends (``up``) and receives (``down``) in a conference of all points."""

    up: int
    down: int


@dataclass(frozen=True, slots=True)
class LinkLoad:
    """kbit/s that all points behind a link need together, and what it gives to video."""

    link: Link
    need: Need
    budget: int

    @property
    def fits(self) -> bool:
        return self.need.up <= self.budget and self.need.down <= self.budget


def path_to_root(link: Link, links: dict[str, Link]) -> list[Link]:
    """The link and its parents, nearest first."""
    way = [link]
    while way[-1].parent is not None:
        way.append(links[way[-1].parent])
    return way


def point_need(media: Media, points: int) -> Need:
    """Up: every simulcast layer, a shared screen and a voice. Down: the programme at the
    highest layer, the other points (as many as there are slots) at the lowest, a screen, and the
    voices heard."""
    up = sum(layer.bitrate for layer in media.layers) + media.content + media.audio
    thumbnails = min(points - 1, media.thumbnails) * media.layers[0].bitrate
    down = media.layers[-1].bitrate + thumbnails + media.content
    return Need(up, down + media.audio_slots * media.audio)


def need_of(topology: Topology, point: Point) -> Need:
    """What one point needs; an observer sends nothing."""
    need = point_need(topology.media, len(topology.points))
    if point.sip is not None:  # one picture each way, and the voices as one
        both = point.sip.bitrate + topology.media.audio
        need = Need(both, both)
    return need if point.role == "member" else Need(0, need.down)


def budget(link: Link) -> int:
    """kbit/s of a link that video may use."""
    return int(link.capacity * link.video_share * 1000)


def link_loads(topology: Topology) -> dict[str, LinkLoad]:
    """Load of every link, by id."""
    links = {link.id: link for link in topology.links}
    up: dict[str, int] = dict.fromkeys(links, 0)
    down: dict[str, int] = dict.fromkeys(links, 0)
    for point in topology.points:
        need = need_of(topology, point)
        for link in path_to_root(links[point.link], links):
            up[link.id] += need.up
            down[link.id] += need.down
    return {
        ident: LinkLoad(link, Need(up[ident], down[ident]), budget(link))
        for ident, link in links.items()
    }


def bottleneck(topology: Topology, point: Point) -> LinkLoad:
    """The link on the point's way with the smallest budget for each point behind it."""
    links = {link.id: link for link in topology.links}
    loads = link_loads(topology)
    way = [loads[link.id] for link in path_to_root(links[point.link], links)]
    return min(way, key=lambda load: load.budget / max(load.need.down, 1))


PROBE_OCTETS = 112 + 8 + 20 + 28  # authenticated STAMP, class of service, seal, IP and UDP


def probe_load(topology: Topology) -> float:
    """kbit/s of probes to and from every point, each direction."""
    probes = topology.probes
    return probes.rate * len(probes.classes) * PROBE_OCTETS * 8 / 1000
