"""Who may see a paper. Pure."""

from __future__ import annotations

import msgspec

from bridge.base.roles import User
from bridge.conference.model import SeenBy, State


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Rooms of ``points`` (none: all of its conference) and people with the right ``seen_by`` see
    it, until ``until`` (UTC seconds; None: for good). With ``collect`` rooms see it no longer than
    the conference lasts."""

    points: tuple[str, ...] = ()
    seen_by: SeenBy = "watch"
    until: float | None = None
    collect: bool = True

    def over(self, now: float) -> bool:
        """Whether the time of seeing it has passed."""
        return self.until is not None and now >= self.until

    def for_user(self, user: User, now: float) -> bool:
        """Whether a person may see it. Who directs conferences, and auditors, see it also when its
        time is over: somebody has to be able to look for it."""
        if user.may("direct") or user.may("inspect"):
            return user.may(self.seen_by) or user.may("inspect")
        return user.may(self.seen_by) and not self.over(now)

    def for_room(self, point: str, now: float) -> bool:
        """Whether a room of the conference may see it."""
        return (not self.points or point in self.points) and not self.over(now)


def belongs(of: str, state: State) -> bool:
    """Whether a paper ``of`` a conference or template is one of this conference's."""
    return of in (state.booking.id, state.booking.template)
