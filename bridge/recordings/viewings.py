"""Who is reading which recording, so that the audit trail has everybody once. Pure."""

from __future__ import annotations

QUIET = 600.0  # seconds without a request after which somebody begins anew
MOST = 4096  # viewings that are remembered; who is forgotten is noted once more


class Viewings:
    """Remembers each user's last request for a recording, to tell a new viewing from a
    continued one. Times are UTC seconds."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}

    def begins(self, user: str, recording: str, now: float, first: bool) -> bool:
        """Whether a request begins a viewing; ``first`` says that it asks for the first octet."""
        key = (user, recording)
        last = self._last.pop(key, None)
        self._last[key] = now
        if len(self._last) > MOST:
            del self._last[next(iter(self._last))]
        return first or last is None or not 0 <= now - last < QUIET
