"""``python -m benchmarks.peers_tree [--takes N] [--simulate] [--json FILE]``: how long a take at
the province takes until it is decoded in every room of a district, with two bridges on this
machine; with ``--simulate``, 24 districts of 12, their take latency and the traffic on every link
of the tree."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from benchmarks.peers_tree import tree_model
from bridge.conference import commands as c
from bridge.conference.model import Actor
from bridge.control.draft import Done
from monitoring.statistics import percentile
from tests.live.two_bridges import (
    DISTRICT_POINTS,
    MEETING,
    PROVINCE_POINTS,
    Tree,
    seen,
    tree,
)

OPERATOR = Actor(kind="user", name="demo", role="operator")
PATIENCE = 90.0  # seconds until both have met
TAKE = 10.0  # seconds after which a take counts as not seen
LOOK = 0.02


async def measure(takes: int) -> dict[str, object]:
    """Take one room of the province after the other, and look when a district's room shows it."""
    with tempfile.TemporaryDirectory() as folder:
        async with tree(Path(folder)) as both:
            above = await _met(both)
            found: list[float] = []
            lost = 0
            for number in range(takes):
                point = PROVINCE_POINTS[(number + 1) % 2]
                began = time.monotonic()
                await both.province.conductor.submit(above, c.Take(point=point), OPERATOR)
                at = await _shown(both, point, began)
                if at is None:
                    lost += 1
                else:
                    found.append(1000 * (at - began))
                await asyncio.sleep(0.5)
    return {
        "takes": takes,
        "not_seen": lost,
        "p50_ms": round(percentile(sorted(found), 0.5), 1),
        "p95_ms": round(percentile(sorted(found), 0.95), 1),
        "max_ms": round(max(found), 1),
    }


async def _met(both: Tree) -> str:
    """Open and start the meeting at both; wait until the district sees the province."""
    idents = []
    for served in (both.province, both.district):
        scheduler = served.scheduler
        opened = await scheduler.open(scheduler.templates()[MEETING], OPERATOR)
        assert isinstance(opened, Done), opened
        await served.conductor.submit(opened.conference, c.Start(), OPERATOR)
        idents.append(opened.conference)
    if await _shown(both, PROVINCE_POINTS[0], 0.0, PATIENCE) is None:
        raise SystemExit("The two bridges have not met.")
    return idents[0]


async def _shown(both: Tree, point: str, after: float, patience: float = TAKE) -> float | None:
    """When every room of the district has decoded a picture of a point; None: it did not."""
    for _ in range(round(patience / LOOK)):
        found = [seen(both.district, room) for room in DISTRICT_POINTS]
        if all(who == point and since > after for who, since in found):
            return max(since for _, since in found)
        await asyncio.sleep(LOOK)
    return None


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=int, default=40)
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    takes = measure(options.takes) if not options.simulate else None
    result = asyncio.run(takes) if takes is not None else tree_model.simulate()
    text = json.dumps(result, indent=2, ensure_ascii=False)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
