"""Plans conferences on the tree of links before they take place: what does not fit is lowered in
steps, and refused only where not even the sound fits. Pure; kbit/s.

A conference is promised what its plan says. Another one is planned with what is left, so that it
never takes what the first was promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.control.admission import ladder
from bridge.control.admission.ladder import Step
from bridge.control.admission.link_tree import Tree
from config.schema import Media


@dataclass(frozen=True, slots=True)
class Meeting:
    """A conference, as far as links are concerned. ``observers`` are among the points, and send
    nothing."""

    id: str
    points: tuple[str, ...]
    observers: frozenset[str] = frozenset()

    def others(self, point: str) -> int:
        """How many points send a picture to this one."""
        return sum(1 for p in self.points if p != point and p not in self.observers)


@dataclass(frozen=True, slots=True)
class Load:
    """What a link or a point carries: kbit/s in each direction."""

    up: int = 0
    down: int = 0


@dataclass(frozen=True, slots=True)
class Promise:
    """What a meeting was promised: steps by point and direction. ``loads`` is what that takes of
    each link, ``at_least`` how far everybody behind it is lowered. ``refused`` is the link that
    does not even carry the sound; "" for none."""

    meeting: Meeting
    up: Mapping[str, Step]
    down: Mapping[str, Step]
    loads: Mapping[str, Load]
    at_least: Mapping[str, Step]
    refused: str = ""

    @property
    def worst(self) -> Step:
        """How far anybody is lowered."""
        return max((*self.up.values(), *self.down.values()), default=Step.FULL)


Need = Callable[[list[str], Mapping[str, Step]], int]


def plan_meeting(
    tree: Tree, media: Media, meeting: Meeting, taken: Mapping[str, Load] | None = None
) -> Promise:
    """Plan one meeting with what others, that have taken ``taken``, leave of each link."""
    before = taken or {}
    room_up = {n: b - before.get(n, Load()).up for n, b in tree.budgets.items()}
    room_down = {n: b - before.get(n, Load()).down for n, b in tree.budgets.items()}

    def need_down(points: list[str], steps: Mapping[str, Step]) -> int:
        return sum(sum(ladder.down(media, meeting.others(p), steps[p])) for p in points)

    def need_up(points: list[str], steps: Mapping[str, Step]) -> int:
        """All the time, and one of them on air."""
        sent = [ladder.up(media, steps[p]) for p in points if p not in meeting.observers]
        return sum(u.always for u in sent) + max((u.on_air for u in sent), default=0)

    behind = tree.links_of(meeting.points)
    down, short_down = _lowered(behind, meeting.points, room_down, need_down)
    up, short_up = _lowered(behind, meeting.points, room_up, need_up)
    loads = {
        link: Load(need_up(points, up), need_down(points, down)) for link, points in behind.items()
    }
    at_least = {
        link: max(min(up[p] for p in points), min(down[p] for p in points))
        for link, points in behind.items()
    }
    return Promise(meeting, up, down, loads, at_least, short_down or short_up)


def _lowered(
    behind: Mapping[str, list[str]], points: Iterable[str], room: Mapping[str, int], need: Need
) -> tuple[dict[str, Step], str]:
    """Steps by point, and the link that does not carry even the sound. At every link those behind
    it that are lowered least are lowered together, until it carries them; links nearest to the
    points come first, so that a thin one lowers nobody but those behind it."""
    steps = dict.fromkeys(points, Step.FULL)
    for link, those in behind.items():
        while need(those, steps) > room[link]:
            least = min(steps[point] for point in those)
            if least == Step.SOUND:
                return steps, link
            for point in those:
                if steps[point] == least:
                    steps[point] = Step(least + 1)
    return steps, ""


def promises(
    tree: Tree, media: Media, meetings: Sequence[Meeting], kept: Mapping[str, Promise]
) -> dict[str, Promise]:
    """The promises of all meetings, given in the order in which they were opened. What ``kept``
    promises stays as it is where the meeting has the same points; the others are planned in order
    with what is left."""
    found: dict[str, Promise] = {}
    for meeting in meetings:
        before = kept.get(meeting.id)
        if before is not None and before.meeting == meeting and not before.refused:
            found[meeting.id] = before
    for meeting in meetings:
        if meeting.id not in found:
            others = taken_by(found.values())
            found[meeting.id] = plan_meeting(tree, media, meeting, others)
    return found


def taken_by(made: Iterable[Promise]) -> dict[str, Load]:
    """What promises take of each link together."""
    taken: dict[str, Load] = {}
    for promise in made:
        for link, load in promise.loads.items():
            so_far = taken.get(link, Load())
            taken[link] = Load(so_far.up + load.up, so_far.down + load.down)
    return taken
