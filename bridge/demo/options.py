"""What is wrong with the options of a demo, as sentences with a next step. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bridge.demo.loopback import first_points
from config.schema import Topology

ALONE = "What can be given with --hosts: --points, --seconds, --report, --file, --no-browser."
FEWEST = 2  # points: one alone sees nobody


def problem(
    topology: Topology,
    points: int | None,
    impaired: Iterable[str],
    rooms: Sequence[str],
    report: Path | None,
) -> str:
    """Why a demo of a topology cannot be as it was asked for; "" where it can. ``points`` is how
    many (None: all), ``impaired`` the points whose lines are made bad, ``rooms`` those that are
    left to real rooms, ``report`` the file to be written."""
    most = len(topology.points)
    count = most if points is None else points
    if not FEWEST <= count <= most:
        return f"A demo of this topology has {FEWEST} to {most} points; {count} cannot be."
    known = [point.id for point in topology.points]
    for point in (*rooms, *impaired):
        if point not in known:
            return f"The topology has no point {point}. Its points: {', '.join(known)}."
    if len(set(rooms)) >= count:
        return "At least one point must be simulated: name fewer rooms, or take more points."
    taking_part = [point.id for point in first_points(topology, count, rooms).points]
    for point in impaired:
        if point not in taking_part:
            return (
                f"{point} does not take part in a demo of {count} points, so its line cannot be "
                f"made bad. Those who do: {', '.join(taking_part)}."
            )
        if point in rooms:
            return f"{point} is left to a real room: only lines of simulated points are made bad."
    if report is not None and report.is_dir():
        return f"{report} is a folder. Name a file for the report, for example {report}/demo.json."
    if report is not None and not report.resolve().parent.is_dir():
        return f"There is no folder {report.parent} for the report; create it first."
    return ""


def hosts_problem(given: Mapping[str, object]) -> str:
    """Why a demo with two hosts cannot be as it was asked for; "" where it can. ``given`` are
    options that it does not have, by name, with what was given."""
    for name, value in given.items():
        if value:
            return f"A demo with two hosts has no --{name}. {ALONE}"
    return ""
