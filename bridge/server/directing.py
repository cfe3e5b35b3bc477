"""Commands of people, however they arrive: carried out, and audited where they are refused.

The WebSocket and the REST interface both go through `direct`, so a refused command leaves the same
line in the audit trail whichever of the two it came by.
"""

from __future__ import annotations

from bridge.accounts.auth import Auth
from bridge.conference import commands as c
from bridge.conference.model import Actor, Refusal
from bridge.control.conductor import Conductor
from bridge.control.draft import Result

AUDITED = frozenset({"refusal.not_allowed", "refusal.other_director"})


def audited(refusal: Refusal) -> bool:
    """Whether a refusal belongs in the audit trail: where the asker lacks the right, or somebody
    else directs. What the state of the conference forbids (the point is absent, nobody waits for
    the floor) happens all day, harms nobody and would hide the others. Pure."""
    return refusal.key in AUDITED


async def direct(
    conductor: Conductor,
    auth: Auth,
    conference: str,
    command: c.Asked,
    actor: Actor,
    *,
    address: str,
    key: str = "",
) -> Result:
    """Carry a command out. ``address`` is where it came from, ``key`` makes a repetition
    harmless. Raises `NotSaved`."""
    result = await conductor.submit(conference, command, actor, key)
    if isinstance(result, Refusal):
        await note_refusal(auth, conference, command, actor, result, address=address)
    return result


async def note_refusal(
    auth: Auth,
    conference: str,
    command: c.Asked,
    actor: Actor,
    refusal: Refusal,
    *,
    address: str,
) -> None:
    """Audit a refused command where `audited` asks for it."""
    if audited(refusal):
        action = f"command {c.name_of(command)}"
        await auth.note(actor.label, address, action, conference, refusal.key)
