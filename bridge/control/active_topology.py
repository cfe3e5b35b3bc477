"""The topology that is in use now. A reload swaps it for another."""

from __future__ import annotations

from config.schema import Topology


class ActiveTopology:
    """Holds one topology; whoever keeps this object sees a reload at once."""

    def __init__(self, topology: Topology) -> None:
        self._current = topology

    @property
    def current(self) -> Topology:
        return self._current

    @property
    def points(self) -> tuple[str, ...]:
        """Ids of all points, in the order of the file."""
        return tuple(point.id for point in self._current.points)

    def layer_heights(self) -> tuple[int, ...]:
        """Lines of a camera's layers, lowest first."""
        return tuple(layer.height for layer in self._current.media.layers)

    def swap(self, topology: Topology) -> None:
        """Use another topology from now on."""
        self._current = topology
