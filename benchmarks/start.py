"""How long a control process takes to be ready on a long log: ``python -m benchmarks.start``.

The parts of a start that grow with the log, each by itself: looking at the database (whole, and
where a mark says that nobody has touched it), and rebuilding the state without and with a snapshot.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bridge.conference import events as e
from bridge.conference.model import Booking, Title
from bridge.store import tables
from bridge.store.database import engine_of, migrate
from bridge.store.integrity import verify, write_mark
from bridge.store.log import EventLog
from bridge.store.snapshots import Snapshots

BATCH = 20_000


def events_of(number: int) -> Iterator[e.Event]:
    """A conference whose banner is changed again and again."""
    title = Title(vi="Họp", en="Meeting")
    yield e.Opened(booking=Booking(id="long", title=title, points=("a", "b"), chair="a"))
    yield e.Started()
    for index in range(number - 2):
        yield e.BannerSet(text=f"{index}")


async def filled(folder: Path, number: int) -> None:
    """A database with ``number`` events of one running conference."""
    engine = engine_of("", folder)
    await migrate(engine)
    rows: list[dict[str, object]] = []
    async with engine.begin() as connection:
        for seq, event in enumerate(events_of(number), 1):
            rows.append(
                {
                    "conference": "long",
                    "seq": seq,
                    "at": float(seq),
                    "actor": "user:lan",
                    "reason": "banner",
                    "kind": e.kind_of(event),
                    "body": e.encoder.encode(event).decode(),
                }
            )
            if len(rows) == BATCH:
                await connection.execute(sa.insert(tables.events), rows)
                rows = []
        if rows:
            await connection.execute(sa.insert(tables.events), rows)
    await engine.dispose()


async def rebuilt(folder: Path, *, save: bool) -> float:
    engine = engine_of("", folder)
    began = time.monotonic()
    log, snapshots = EventLog(engine), Snapshots(engine)
    for conference in await log.running():
        await snapshots.rebuild(conference, log)
    seconds = time.monotonic() - began
    if save:
        await snapshots.save()
    await engine.dispose()
    return seconds


def looked(folder: Path) -> float:
    began = time.monotonic()
    verify(folder)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    number = parser.parse_args().events
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(filled(folder, number))
        print(f"{number} events, seconds")
        print(f"{looked(folder):7.3f}  the database looked through whole")
        print(f"{asyncio.run(rebuilt(folder, save=True)):7.3f}  replay of the whole log")
        write_mark(folder, number)
        print(f"{looked(folder):7.3f}  the database, where a mark fits it")
        print(f"{asyncio.run(rebuilt(folder, save=False)):7.3f}  the state from its snapshot")


if __name__ == "__main__":
    main()
