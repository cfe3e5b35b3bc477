"""What a worker costs while nobody sends: twelve connected, silent rooms, on both paths.

``python -m benchmarks.silent [--seconds S]``. CPU is the worker's own accounting (getrusage).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks import forwarding

SETTLE = 2.0  # seconds after the last handshake


def measure(path: str, seconds: float) -> tuple[float, float]:
    """Share of a core, and MiB resident, of a worker that forwards by ``path``."""
    with tempfile.TemporaryDirectory() as folder:
        worker = forwarding.Worker(Path(folder), path=path)
        endpoints = []
        try:
            endpoints = forwarding.join(worker, 1)
            time.sleep(SETTLE)
            before, began = worker.stats(), time.monotonic()
            time.sleep(seconds)
            after = worker.stats()
            passed = time.monotonic() - began
        finally:
            worker.close()
            for peer in endpoints:
                peer.socket.close()
    return (after.cpu_seconds - before.cpu_seconds) / passed, after.rss_bytes / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="per path")
    options = parser.parse_args()
    for path in forwarding.PATHS:
        share, resident = measure(path, min(options.seconds, 60.0))
        print(f"{path:10} {share:7.2%} of a core {resident:6.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
