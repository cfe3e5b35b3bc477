"""What viewers together may take of each link. Pure; kbit/s.

A viewer is behind the link whose networks hold its address, and behind all links from there up to
the bridge; an address of no network is behind the links without a parent. Who is served by a
machine elsewhere is behind the links to that machine instead, and one relay takes those from there
to the bridge, however many watch. What viewers may take is apart from what conferences may
(`bridge.control.admission`), so that they never slow the points down.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping

from config.needs import path_to_root
from config.schema import Topology

GROWTH = 1.1  # between two numbers of viewers for which bounds differ
Way = tuple[str, ...]
NOTHING: Mapping[str, int] = {}


class LinkShares:
    """The shares of one topology."""

    def __init__(self, topology: Topology) -> None:
        links = {link.id: link for link in topology.links}
        self.budgets = {
            ident: int(link.capacity * link.for_audience * 1000) for ident, link in links.items()
        }
        self._outside: Way = tuple(link.id for link in topology.links if link.parent is None)
        found = [
            (ipaddress.ip_network(network), tuple(x.id for x in path_to_root(link, links)))
            for link in topology.links
            for network in link.networks
        ]
        # The narrowest network that holds an address says where it is.
        self._networks = sorted(found, key=lambda item: -item[0].prefixlen)
        self._least = topology.media.audio * topology.media.audio_slots
        self._leg = topology.media.layers[-1].bitrate + topology.media.content + self._least

    def way(self, address: str) -> Way:
        """The links between an address and the bridge, nearest first."""
        found = self._known(address)
        return self._outside if found is None else found

    def _known(self, address: str) -> Way | None:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return None
        mapped = getattr(found, "ipv4_mapped", None)
        at = mapped if mapped is not None else found
        return next((way for network, way in self._networks if at in network), None)

    def served_from(self, host: str, address: str) -> Way:
        """The links between an address and the machine that serves it; ``host`` "" is the bridge.
        A machine of no link's networks could be anywhere: then all links up to the bridge count."""
        way, far = self.way(address), self._known(host)
        if far is None:
            return way
        return (*(link for link in way if link not in far), *(x for x in far if x not in way))

    def legs(self, hosts: Iterable[str]) -> Counter[str]:
        """What relays to other machines take by link, one to each of ``hosts``, at the most."""
        behind = Counter(link for host in hosts for link in self.way(host))
        return Counter({link: count * self._leg for link, count in behind.items()})

    def carries_leg(
        self, host: str, ways: Iterable[Way], taken: Mapping[str, int] = NOTHING
    ) -> bool:
        """Whether one more relay to a machine fits beside the sound of the viewers that are there
        and what else is taken, as in `full`."""
        behind = Counter(link for other in ways for link in other)
        return all(
            self._leg + taken.get(link, 0) + self._least * behind[link] <= self.budgets[link]
            for link in self.way(host)
        )

    def full(self, ways: Iterable[Way], way: Way, taken: Mapping[str, int] = NOTHING) -> str:
        """The link that has no room for the sound of one more viewer; "" where there is room.
        ``ways`` are those of the viewers that are there, ``taken`` is what others take who cannot
        be sent less, by link."""
        behind = Counter(link for other in ways for link in other)
        for link in way:
            if self.budgets[link] - taken.get(link, 0) < self._least * (behind[link] + 1):
                return link
        return ""

    def bounds(self, ways: Iterable[Way], taken: Mapping[str, int] = NOTHING) -> dict[Way, int]:
        """What each viewer may be sent at most, by its way: an equal share of every link on it, of
        what is left there (``taken`` as in `full`). The
        share is that of somewhat more viewers, so that not everyone that comes changes it."""
        known = list(ways)
        behind = Counter(link for way in known for link in way)
        left = {link: max(0, self.budgets[link] - taken.get(link, 0)) for link in behind}
        each = {link: left[link] // rounded(count) for link, count in behind.items()}
        return {way: min(each[link] for link in way) for way in set(known) if way}


def rounded(count: int) -> int:
    """The next number, of those that are `GROWTH` apart, that is at least ``count``."""
    step = 1
    while step < count:
        step = max(step + 1, int(step * GROWTH))
    return step
