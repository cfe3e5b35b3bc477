"""Which database a host has known last, beside its other files. A server that lost its place to a
copy of it comes back as if nothing had been; a host that begins anew must not lead on that one."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from bridge.base.files import write_private
from bridge.store.leading.guarantees import NOTHING, Seen

FILE = "database.seen"


def read_seen(state: Path) -> Seen:
    """The database that was known last; one that cannot be read is none."""
    try:
        found = json.loads((state / FILE).read_bytes())
        return Seen(int(found["system"]), int(found["timeline"]))
    except (OSError, ValueError, TypeError, KeyError):
        return NOTHING


def write_seen(state: Path, seen: Seen) -> None:
    """Note it, where it is another one than before. A disk that is full keeps the older one."""
    if seen != NOTHING and seen != read_seen(state):
        with contextlib.suppress(OSError):
            write_private(state / FILE, json.dumps(seen._asdict()))
