"""What the failover benchmark finds in a log, how it plans, and the lines that it cuts."""

from __future__ import annotations

import asyncio
import random

import pytest

from benchmarks.failover_log.__main__ import plan
from benchmarks.failover_log.cuttable import CuttableLine
from benchmarks.failover_log.log_comparison import Row, compare
from benchmarks.failover_log.troubles import FAULTS
from tests.waiting import HANG

LOG = [Row(1, ""), Row(2, "a"), Row(3, "b")]
COMMITS = [(1, "h1"), (1, "h1"), (2, "h2")]


@pytest.mark.parametrize(
    ("acknowledged", "rows", "commits", "bad"),
    [
        ({"a": 2, "b": 3}, LOG, COMMITS, ""),
        ({"a": 2}, LOG, COMMITS, ""),  # what was done and not acknowledged may be there
        ({"a": 2, "c": 4}, LOG, COMMITS, "lost"),
        ({"a": 3}, LOG, COMMITS, "moved"),
        ({"a": 2}, [*LOG, Row(4, "a")], COMMITS, "doubled"),
        ({"b": 3}, [Row(1, ""), Row(3, "b")], COMMITS, "holes"),
        ({"a": 2}, LOG, [*COMMITS, (2, "h1")], "shared"),
    ],
)
def test_what_is_found(
    acknowledged: dict[str, int], rows: list[Row], commits: list[tuple[int, str]], bad: str
) -> None:
    found = compare(acknowledged, rows, commits)
    wrong = {
        name for name in ("lost", "moved", "doubled", "holes", "shared") if getattr(found, name)
    }
    assert wrong == ({bad} if bad else set())
    assert found.good == (not bad)


def test_every_kind_of_fault_has_its_turn() -> None:
    planned = plan(3 * len(FAULTS), random.Random(1))
    assert [sum(names[0] == kind for names in planned) for kind in FAULTS] == [3] * len(FAULTS)
    assert planned == plan(3 * len(FAULTS), random.Random(1))
    assert any(len(names) == 2 for names in planned)


async def test_a_line_is_cut_without_a_word_and_with_one() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    line = CuttableLine(server.sockets[0].getsockname()[1])
    await line.start()
    async with asyncio.timeout(HANG):
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(b"1")
        assert await reader.readexactly(1) == b"1"
        line.become("silent")
        writer.write(b"2")
        late = asyncio.create_task(reader.readexactly(1))
        other, other_writer = await asyncio.open_connection("127.0.0.1", line.port)
        other_writer.write(b"3")
        await asyncio.sleep(0)
        assert not late.done()
        line.become("whole")
        assert (await late, await other.readexactly(1)) == (b"2", b"3")
        line.become("refused")
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        for each in (writer, other_writer):
            each.close()
        await line.stop()
        server.close()
        await server.wait_closed()
