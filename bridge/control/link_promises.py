"""What running conferences were promised on the tree of links, and whether another one fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.conference.model import Booking, Refusal, State
from bridge.control.active_topology import ActiveTopology
from bridge.control.admission.link_tree import OWN, Tree, tree_of
from bridge.control.admission.planning import (
    Load,
    Meeting,
    Promise,
    plan_meeting,
    promises,
    taken_by,
)
from config.schema import Topology

ENDLESS = 1 << 40  # kbit/s; a link that lowers nothing


def meeting_of(state: State) -> Meeting:
    """A conference as links see it: its points but for those that were dropped, and those that
    come in only when somebody asks them to. Pure."""
    inside = (p for p, s in state.seats.items() if not s.dropped and _comes(s.connect, s.accepted))
    return Meeting(state.booking.id, tuple(inside), frozenset(state.booking.observers))


def booked(booking: Booking) -> Meeting:
    """A conference that is to be opened. Pure."""
    inside = (p for p in booking.points if _comes(booking.connect.get(p, "automatic"), False))
    return Meeting(booking.id, tuple(inside), frozenset(booking.observers))


def _comes(connect: str, accepted: bool) -> bool:
    return connect != "none" or accepted


class LinkPromises:
    """Keeps the promises of the conferences that run. What one was promised stays, whatever is
    opened after it; a topology that is loaded anew, or a line that is measured anew, has all of
    them planned again in the order in which they were opened."""

    def __init__(self, topology: ActiveTopology) -> None:
        self._topology = topology
        self._measured: dict[str, int] = {}
        self._planned_for: tuple[Topology, dict[str, int]] | None = None
        self.made: dict[str, Promise] = {}

    @property
    def tree(self) -> Tree:
        """The links as the file has them, lower where lines were measured to carry less."""
        points = self._topology.points
        known = {p: carried for p, carried in self._measured.items() if p in points}
        return tree_of(self._topology.current, known)

    @property
    def plain(self) -> Tree:
        """The links as the file has them."""
        return tree_of(self._topology.current)

    @property
    def measured(self) -> Mapping[str, int]:
        """kbit/s that lines were found to carry for conferences, where the file says more."""
        return self._measured

    def measure(self, point: str, carried: int | None) -> None:
        """The line of a point was found to carry ``carried`` kbit/s and no more, or (None) all that
        was asked of it."""
        if carried is None:
            self._measured.pop(point, None)
        else:
            self._measured[point] = carried

    def admit(
        self, running: Mapping[str, State], before: State | None, after: State
    ) -> Refusal | None:
        """Why a conference may not become ``after``: a link on its way does not even carry the
        sound. Only what is opened, started or gets another point is looked at; ``running`` are the
        conferences beside it."""
        meeting = meeting_of(after)
        if after.phase == "ended":
            return None
        same = before is not None and before.phase == after.phase
        if same and before is not None and set(meeting.points) <= set(meeting_of(before).points):
            return None
        return self.refusal(self._plan(running, meeting))

    def plan(self, running: Sequence[State], booking: Booking) -> Promise:
        """What a conference would be promised if it was opened now."""
        return self._plan({state.booking.id: state for state in running}, booked(booking))

    def taken(self, beside: Sequence[State]) -> dict[str, Load]:
        """What these conferences would take of each link, if they ran together."""
        meetings = self._known([meeting_of(state) for state in beside])
        made = promises(self.tree, self._topology.current.media, meetings, {})
        return taken_by(made.values())

    def whole(self, meeting: Meeting) -> dict[str, Load]:
        """What a meeting would take of each link if nothing was lowered."""
        endless = Tree(dict.fromkeys(self.tree.budgets, ENDLESS), self.tree.ways)
        made = plan_meeting(endless, self._topology.current.media, meeting)
        return dict(made.loads)

    def _plan(self, running: Mapping[str, State], meeting: Meeting) -> Promise:
        """Plan a meeting with what the others were promised, and what is left of each link."""
        tree, media = self.tree, self._topology.current.media
        others = [
            meeting_of(state)
            for ident, state in running.items()
            if ident != meeting.id and state.phase != "ended"
        ]
        kept = promises(tree, media, self._known(others), self._kept())
        return plan_meeting(tree, media, self._known([meeting])[0], taken_by(kept.values()))

    def settle(self, running: Sequence[State]) -> None:
        """Conferences, their points, links or measurements have changed."""
        meetings = self._known([meeting_of(state) for state in running])
        self.made = promises(self.tree, self._topology.current.media, meetings, self._kept())
        self._planned_for = (self._topology.current, dict(self._measured))

    def _kept(self) -> Mapping[str, Promise]:
        same = self._planned_for == (self._topology.current, self._measured)
        return self.made if same else {}

    def _known(self, meetings: Sequence[Meeting]) -> list[Meeting]:
        """Without points that the topology has no longer."""
        points = set(self._topology.points)
        return [
            Meeting(x.id, tuple(p for p in x.points if p in points), x.observers) for x in meetings
        ]

    def refusal(self, promise: Promise) -> Refusal | None:
        """Why a plan is none, as a sentence that names the link."""
        if not promise.refused:
            return None
        topology = self._topology.current
        tree = self.tree
        link = promise.refused
        if link.startswith(OWN):
            point = topology.point(link.removeprefix(OWN))
            link = point.link if point is not None else link
        name = next((x.name for x in topology.links if x.id == link), None)
        load = promise.loads[promise.refused]
        taken = taken_by(p for p in self.made.values() if p.meeting.id != promise.meeting.id)
        beside = taken.get(promise.refused, Load())
        budget = tree.budgets[promise.refused]
        need, room = load.down, budget - beside.down
        if need <= room:  # then it is the way up that is full
            need, room = load.up, budget - beside.up
        return Refusal(
            key="refusal.link_full",
            arguments={
                "link": name.text("vi") if name is not None else link,
                "link_en": name.text("en") if name is not None else link,
                "need": str(need),
                "room": str(max(0, room)),
            },
        )
