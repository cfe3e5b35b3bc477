"""Who hears whom where no conference decides it: an operator speaks to a room alone, a self-test.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from bridge.media import messages as m

TALK = "talk:"  # before the transport, in the name of a group of one that is spoken to


class PrivateLine(NamedTuple):
    """Transports of an operator's console and of the room that it speaks to."""

    console: str
    room: str


def with_private_lines(
    groups: Mapping[str, m.SetAudio], lines: Iterable[PrivateLine], here: Collection[str]
) -> dict[str, m.SetAudio]:
    """The room hears the operator beside what it heard before, and the operator hears the room
    alone; neither is heard by anybody else. Their groups come last, so that the worker takes them
    out of the others first. ``here`` are the transports of this worker: lines of others are left
    out."""
    changed = dict(groups)
    for line in lines:
        if line.room not in here or line.console not in here:
            continue
        own = m.SourceRef(transport=line.room, name="microphone")
        voice = m.SourceRef(transport=line.console, name="microphone")
        before = next((g for g in changed.values() if line.room in g.members), None)
        others: tuple[m.SourceRef, ...] = before.allowed if before is not None else ()
        floor: tuple[m.SourceRef, ...] = before.floor if before is not None else ()
        changed = {ident: _without(group, line) for ident, group in changed.items()}
        changed[f"{TALK}{line.room}"] = m.SetAudio(
            group=f"{TALK}{line.room}",
            members=(line.room,),
            allowed=(voice, *_not_from(line, others)),
            floor=(voice, *_not_from(line, floor)),
        )
        changed[f"{TALK}{line.console}"] = m.SetAudio(
            group=f"{TALK}{line.console}", members=(line.console,), allowed=(own,), floor=(own,)
        )
    return changed


def echo_of(transport: str, session: str) -> m.SetAudio:
    """A self-test: its own voice comes back through the bridge."""
    own = (m.SourceRef(transport=transport, name="microphone"),)
    return m.SetAudio(
        group=f"echo:{session[:24]}", members=(transport,), allowed=own, floor=own, echo=True
    )


def _without(group: m.SetAudio, line: PrivateLine) -> m.SetAudio:
    return m.SetAudio(
        group=group.group,
        members=tuple(member for member in group.members if member not in line),
        allowed=_not_from(line, group.allowed),
        floor=_not_from(line, group.floor),
        echo=group.echo,
    )


def _not_from(line: PrivateLine, sources: tuple[m.SourceRef, ...]) -> tuple[m.SourceRef, ...]:
    """What does not come from the room. A film that the operator plays goes on."""
    return tuple(source for source in sources if source.transport != line.room)
