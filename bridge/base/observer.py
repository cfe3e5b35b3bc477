"""Instrumentation callbacks; the default does nothing.

The control process passes in an observer that counts for the metrics; tests and tools need none.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.conference import events as e
from bridge.conference.model import State


class Observer:
    """Callbacks for what is counted. All times are seconds. Every method returns at once and
    never raises."""

    def committed(self, seconds: float, saved: bool) -> None:
        """A transaction with events ended."""

    def command(self, word: str, result: str, seconds: float) -> None:
        """A command of somebody was answered: done, refused, not_saved or failed."""

    def changed(self, conference: str, state: State, recorded: Sequence[e.Recorded]) -> None:
        """Events of a conference were applied."""

    def offered(self, point: str, now: float) -> None:
        """A point made an offer; ``now`` is monotonic."""

    def connected(self, point: str, now: float) -> None:
        """A point's media is connected."""

    def join_failed(self, point: str) -> None:
        """A point could not be brought into its conference."""

    def disconnected(self, point: str, reason: str) -> None:
        """A point's media ended: vanished, failed, closed, left or worker_restarted."""

    def showing(self, slot: str, seconds: float) -> None:
        """A receiver's slot switched, so long after it was asked to."""

    def levels(self, levels: dict[str, int]) -> None:
        """Audio levels by point, -dBov."""

    def denied(self, reason: str) -> None:
        """Somebody was refused: password, device_key, enrolment_code, throttled."""

    def hung_up(self, reason: str) -> None:
        """The bridge closed a WebSocket: too_slow, bad_messages, too_many or no_hello."""

    def talked(self, begun: bool) -> None:
        """An operator wanted to speak to a room, and did or was refused."""

    def preset_called(self, result: str) -> None:
        """A camera's preset was called: done, no_agent, or why the camera did not go there."""

    def reloaded(self, accepted: bool) -> None:
        """Somebody asked for another topology to be taken in."""
