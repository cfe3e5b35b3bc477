"""``python -m benchmarks.weak_lines [--json FILE]``: a real browser's room behind weak lines.

The kernel narrows the line (a token bucket) and loses packets on it, between two namespaces;
eleven other points are well. Each line once with the bridge's policy for weak lines and once with
it switched off, so that a row is a comparison. Needs root, ip, tc, iptables and Chromium; takes
about ten minutes. Run it alone, or at a raised priority: two browsers encode and decode, and
what they have no time for counts as lost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.chromium import CHROMIUM
from benchmarks.weak_room.expected import ROWS, Figures, Row, View, misses
from benchmarks.weak_room.veth import network

MINUTE = 60.0
VARIANTS: dict[str, tuple[str, ...]] = {"without": ("--unaware",), "with": ()}


def measure(
    rows: list[int], variants: Sequence[str], trace: Path | None
) -> dict[str, dict[str, Any]]:
    """The figures of these rows by variant and name; ``trace`` gets what the bridge and the room
    held at every look."""
    found: dict[str, dict[str, Any]] = {}
    with network() as line:
        for name in variants:
            options = VARIANTS[name]
            command = ["ip", "netns", "exec", line.hub, sys.executable]
            command += ["-m", "benchmarks.weak_room.meeting", str(os.getpid()), *options]
            for index in rows:
                command += ["--row", str(index)]
            if trace is not None:
                command += ["--trace", str(trace)]
            limit = (8 + len(rows)) * MINUTE
            done = subprocess.run(command, stdout=subprocess.PIPE, timeout=limit, check=False)
            lines = done.stdout.decode().strip().splitlines()
            found[name] = json.loads(lines[-1]) if lines else {}
    return found


def figures_of(document: dict[str, Any]) -> Figures:
    """What `Figures.as_json` wrote."""
    views = {name: View(**document[name]) for name in ("room", "others", "base")}
    return Figures(**{**document, **views})


def cell(row: Row, figures: Figures) -> str:
    """A row's figures in one cell of the table."""
    parts = []
    for name, seen in (("room", figures.room), ("others", figures.others)):
        if row.looks in (name, "both"):
            picture = f"{seen.height}p {seen.rate:.0f} fps, longest freeze {seen.freeze:.1f} s"
            parts.append(f"{name}: {picture}, {100 * seen.concealed:.1f} % made up")
    if row.line.down and row.looks == "room":
        parts.append(f"queue {1000 * figures.queue:.0f} ms")
    if row.name.startswith("600 kbit/s →"):
        parts.append(f"best layer after {figures.best_after} s")
    return "; ".join(parts)


def table(found: dict[str, dict[str, Any]], rows: list[int]) -> str:
    """The comparison as Markdown."""
    lines = ["| line of the one room | without | with | not reached |", "|---|---|---|---|"]
    for index in rows:
        row = ROWS[index]
        cells = []
        missed = "not measured"
        for name in VARIANTS:
            document = found.get(name, {}).get(row.name)
            cells.append(cell(row, figures_of(document)) if document else "not measured")
            if document:
                missed = ", ".join(misses(row, figures_of(document))) or "—"
        lines.append(f"| {row.name} | {' | '.join(cells)} | {missed} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weak_lines", description=__doc__)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--row", action="append", type=int, help="0 to 8; all where left out")
    parser.add_argument(
        "--only", choices=VARIANTS, help="with or without the policy; both if left out"
    )
    parser.add_argument("--trace", type=Path, help="every look at the room, as lines of JSON")
    options = parser.parse_args()
    if CHROMIUM is None:
        print("chromium is missing: apt-get install chromium", file=sys.stderr)
        return 1
    rows = options.row or list(range(len(ROWS)))
    variants = [options.only] if options.only else list(VARIANTS)
    found = measure(rows, variants, options.trace)
    print(table(found, rows))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return 0 if all(len(figures) == len(rows) for figures in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
