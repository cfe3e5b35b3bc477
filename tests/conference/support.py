"""A conference run by hand: commands in, events and states out."""

from __future__ import annotations

from typing import Any

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import peer_commands as p
from bridge.conference.apply import apply
from bridge.conference.attendance import Person
from bridge.conference.legality import TABLE
from bridge.conference.model import (
    SCHEDULER,
    SYSTEM,
    Actor,
    Booking,
    Paper,
    Refusal,
    Rules,
    State,
    Title,
)
from bridge.conference.state_machine import decide

POINTS = ("a", "b", "c", "d")
LAN = Actor(kind="user", name="lan", role="operator")
MINH = Actor(kind="user", name="minh", role="operator")
TITLE = Title(vi="Họp", en="Meeting")


def point(name: str) -> Actor:
    return Actor(kind="point", name=name)


VALUES: dict[str, Any] = {
    "point": "b",
    "minutes": 5,
    "layout": "grid",
    "pane": 1,
    "points": ("b",),
    "officer": "c",
    "muted": True,
    "sound": True,
    "off": True,
    "reason": "x",
    "seconds": 20,
    "page": 1,
    "version": 1,
    "pages": (1,),
    "kept": "x-p2",
    "sha256": "ab",
    "paper": "x-p1",
    "newest": Paper(id="x-p1", version=1, title="x", pages=2, octets=9, sha256="ab"),
    "zoom": 1.0,
    "x": 0.5,
    "y": 0.5,
    "up": "good",
    "down": "good",
    "picture": "360",
    "text": "x",
    "locked": True,
    "take_over": True,
    "lock": True,
    "but": "chair",
    "writing": True,
    "problem": "",
    "admits": "code",
    "viewers": {"code": 2},
    "peak": 3,
    "number": None,
    "item": None,
    "decision": 1,
    "title": "Báo cáo",
    "kind": "approval",
    "options": (),
    "weights": {},
    "quorum": 0,
    "majority": "half",
    "signed": False,
    "secret": False,
    "by": "points",
    "persons": (),
    "present": True,
    "open": True,
    "shows": "a",
    "of": "c",
    "floor": "queued",
    "items": (
        c.AgendaEntry(title="Khai mạc"),
        c.AgendaEntry(title="Báo cáo", point="b", minutes=10),
    ),
}


SAMPLES: dict[type[c.Command], c.Command] = {
    kind: kind(**{name: VALUES[name] for name in kind.__struct_fields__})
    for kind in TABLE
    if kind not in (c.CastBallot, c.CastSecretly, c.CountSecretly, c.ListPersons, p.NoteMembers)
} | {
    c.CastBallot: c.CastBallot(number=1, choice="for", point="b"),
    c.CastSecretly: c.CastSecretly(number=1, point="b"),
    c.CountSecretly: c.CountSecretly(number=1, counts=None),
    c.ListPersons: c.ListPersons(persons={"ab": Person(point="b", seal="x")}),
    p.NoteMembers: p.NoteMembers(point="b", members=(), total=0, present=0),
}


"""One command of each kind."""
ACTORS = [
    *(
        Actor(kind="user", name="lan", role=r)
        for r in ("admin", "operator", "technician", "viewer")
    ),
    Actor(kind="user", name="minh", role="operator"),
    Actor(kind="user", name="eve", role=""),
    point("b"),
    point("c"),
    SCHEDULER,
    SYSTEM,
]


class Run:
    """``log`` is everything that happened; `do` raises nothing, it returns refusals."""

    def __init__(self, *, present: tuple[str, ...] = POINTS, **booking: object) -> None:
        settings: dict[str, object] = {
            "id": "hop-1",
            "title": TITLE,
            "points": POINTS,
            "chair": "a",
            "rules": Rules(),
            **booking,
        }
        self.now = 1000.0
        self.log: list[e.Recorded] = []
        self.state: State
        self._record(e.Opened(booking=Booking(**settings)), "scheduler", "open")  # type: ignore[arg-type]
        for name in present:
            self.do(c.PointUp(point=name), SYSTEM)

    def _record(self, event: e.Event, actor: str, reason: str) -> None:
        recorded = e.Recorded(
            conference="hop-1",
            seq=len(self.log) + 1,
            at=self.now,
            actor=actor,
            reason=reason,
            event=event,
        )
        self.state = apply(self.state if self.log else None, recorded)
        self.log.append(recorded)

    def do(self, command: c.Command, actor: Actor = LAN) -> tuple[e.Event, ...] | Refusal:
        outcome = decide(self.state, command, actor, self.now)
        if not isinstance(outcome, Refusal):
            for event in outcome:
                self._record(event, actor.label, c.name_of(command))
        return outcome

    def ok(self, command: c.Command, actor: Actor = LAN) -> tuple[e.Event, ...]:
        outcome = self.do(command, actor)
        assert not isinstance(outcome, Refusal), outcome
        return outcome

    def refused(self, command: c.Command, actor: Actor = LAN) -> str:
        before = self.state
        outcome = self.do(command, actor)
        assert isinstance(outcome, Refusal), outcome
        assert self.state == before
        return outcome.key

    def heard(self) -> set[str]:
        return {name for name, seat in self.state.seats.items() if seat.heard}


def live(**options: object) -> Run:
    """A conference that has started."""
    run = Run(**options)  # type: ignore[arg-type]
    run.ok(c.Start())
    return run
