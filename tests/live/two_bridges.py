"""A province's bridge and a district's on this machine: as the benchmark has them."""

from __future__ import annotations

from benchmarks.peers_tree.two_processes import (
    DISTRICT_POINTS,
    HOST,
    MEETING,
    NUMBERS,
    PROVINCE_POINTS,
    Tree,
    certificates,
    process,
    seen,
    simulated,
    topologies,
    tree,
)

__all__ = [
    "DISTRICT_POINTS",
    "HOST",
    "MEETING",
    "NUMBERS",
    "PROVINCE_POINTS",
    "Tree",
    "certificates",
    "process",
    "seen",
    "simulated",
    "topologies",
    "tree",
]
