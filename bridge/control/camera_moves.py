"""What points' cameras were asked for last, as consoles show it. Pure: the camera itself is steered
by the point's agent."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.base.i18n import Sentence

MOST = 2  # requests to one camera at once: one that it works on, one that waits


@dataclass(frozen=True, slots=True)
class Move:
    """The preset that was called last, at UTC seconds. ``problem`` is why the camera does not go
    there; ``waits`` until it has answered."""

    preset: int
    at: float
    waits: bool = True
    problem: Sentence | None = None


class CameraMoves:
    """The last move of every camera that was steered since this process began."""

    def __init__(self) -> None:
        self._moves: dict[str, Move] = {}
        self._waiting: dict[str, int] = {}

    def begin(self, point: str, preset: int, now: float) -> Move | None:
        """Note a request; None where so many wait for this camera that another one is too many."""
        if self._waiting.get(point, 0) >= MOST:
            return None
        self._waiting[point] = self._waiting.get(point, 0) + 1
        move = self._moves[point] = Move(preset, now)
        return move

    def end(self, point: str, move: Move, problem: Sentence | None) -> None:
        """Note what came of a request; of an earlier one it is not shown any more."""
        self._waiting[point] -= 1
        if self._moves[point] is move:
            self._moves[point] = Move(move.preset, move.at, waits=False, problem=problem)

    def all(self) -> dict[str, Move]:
        """By point."""
        return dict(self._moves)
