"""Long runs (`make soak`), and a short slice of each that `make test-live` runs too."""

from __future__ import annotations

import random
import socket
import time
from pathlib import Path

import pytest

from benchmarks import forwarding, load
from tests.live.test_worker import Meeting, running

GROWTH = 8 << 20  # octets the worker may grow after its rings are full
RING = 1024  # packets of a source that the worker keeps
READ_EVERY = 10  # seconds: who does not read what a worker says loses answers, too
RING_SECONDS = 6  # at 200 packets a second it is full


@pytest.mark.parametrize(
    "seconds", [pytest.param(10, id="slice"), pytest.param(600, marks=pytest.mark.soak, id="soak")]
)
@pytest.mark.parametrize("path", ["compiled", "python"])
def test_the_worker_does_not_grow(tmp_path: Path, path: str, seconds: int) -> None:
    with running(tmp_path, path) as (worker, _):
        meeting = Meeting(worker)

        def go(duration: float) -> load.Result:
            return load.run(
                meeting.endpoints,
                target=worker.target,
                group=forwarding.POINTS,
                packets_per_second=200,
                seconds=duration,
                paced=False,
            )

        try:
            filled = 0
            while filled < RING * forwarding.POINTS:  # a busy machine needs longer
                filled += go(RING_SECONDS).sent
            before = worker.stats().rss_bytes
            sent = 0
            for _ in range(seconds // READ_EVERY):
                sent += go(READ_EVERY).sent
                after = worker.stats().rss_bytes
        finally:
            meeting.close()
        print(f"{path}: {before / 2**20:.1f} → {after / 2**20:.1f} MiB in {seconds} s")
        assert sent > 0
        assert after - before < GROWTH


@pytest.mark.parametrize(
    "seconds", [pytest.param(3, id="slice"), pytest.param(300, marks=pytest.mark.soak, id="soak")]
)
def test_noise_without_end(tmp_path: Path, seconds: int) -> None:
    """Mutated genuine datagrams and pure noise, from a stranger and from a peer's address."""
    rng = random.Random(seconds)
    with (
        running(tmp_path) as (worker, log),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        meeting = Meeting(worker)
        printed = log.stat().st_size
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for _ in range(50):
                    data = bytearray(rng.randbytes(rng.randrange(0, 400)))
                    if data:
                        data[0] = rng.choice(
                            (0, 1, 20, 22, 23, 0x80, 0x90, 0xB0, rng.randrange(256))
                        )
                    sender = rng.choice((stranger, meeting.endpoints[0].socket))
                    sender.sendto(bytes(data), worker.target)
                worker.stats()
            meeting.is_well()
        finally:
            meeting.close()
        assert log.stat().st_size == printed
