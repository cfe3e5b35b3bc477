"""How long the bridge is away after a kill: the real processes, their real start.

``python -m benchmarks.restart [--rounds N] [--spinners N] [--spare] [--respawn] [--json FILE]``. In
every round the worker, then the control process, then both get SIGKILL; the control process is
started again at once, as systemd would, or with ``--respawn`` begins by itself again, as with our
unit. What is measured is the time from the kill until ``/healthz`` answers 200, that is until a
conference could be held. ``--spinners 2`` keeps two cores busy beside it, and with ``--spare`` a
spare worker is given the time to become ready before each kill. How soon pictures are there again
`tests/live/test_picture_times.py` prints. Everything stays on 127.0.0.1 and in a folder that is
thrown away. A round takes some ten seconds, with ``--spare`` half a minute.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from bridge.app.state_folder import LOCK
from bridge.base.end_with_parent import told_with_us
from bridge.base.peer_process import listener_pid
from bridge.demo.point_processes import LOOPBACK
from bridge.demo.ports import free_port
from monitoring.statistics import percentile

ROOT = Path(__file__).parent.parent
TOPOLOGY = ROOT / "config" / "lac-thuy.yaml"
KINDS = ("worker", "control", "both")
MOST = 60.0  # seconds
LOOK = 0.02  # seconds between two looks
CALM = 2.0  # seconds between two kills
SPARE = 9.0  # seconds until a spare worker is ready, where there is one


class Bridge:
    """``bridge.py serve`` in a folder of its own."""

    def __init__(self, folder: Path, *, spare: bool, respawn: bool) -> None:
        document = yaml.safe_load(TOPOLOGY.read_text("utf-8"))
        self._port = free_port(LOOPBACK, socket.SOCK_STREAM)
        document["bridge"]["web"]["port"] = self._port
        document["bridge"]["web"]["listen"] = LOOPBACK
        document["bridge"]["media"]["listen"] = [LOOPBACK]
        document["bridge"]["media"]["port"] = free_port(LOOPBACK, socket.SOCK_DGRAM)
        document["bridge"]["media"]["spare"] = spare
        document["bridge"]["state"] = "state"
        self._file = folder / "topology.yaml"
        self._file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
        self._lock = folder / "state" / "worker.sock"
        self._holder = folder / "state" / LOCK
        self._options = ["--respawn"] if respawn else []
        self.process: subprocess.Popen[bytes] | None = None
        self._worker = 0

    def start(self) -> None:
        """Start the control process, which finds its worker or starts one."""
        self.process = subprocess.Popen(
            [sys.executable, "bridge.py", "serve", *self._options, str(self._file)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def worker(self) -> int:
        """The process that listens as the worker; 0: there is none."""
        return listener_pid(self._lock)

    def healthy(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=MOST)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def holder(self) -> int:
        """The control process."""
        return int(self._holder.read_text("ascii") or 0)  # empty while it is written

    def until_healthy(self, other_than: int = 0, holder: int = 0) -> None:
        """Wait until it is healthy, with other processes than those that were killed. Raises
        TimeoutError."""
        end = time.monotonic() + MOST
        while time.monotonic() < end:
            if (
                self.healthy()
                and self.holder() != holder
                and (not other_than or self.worker() not in (0, other_than))
            ):
                return
            time.sleep(LOOK)
        raise TimeoutError("the bridge did not come back")

    def kill(self, kind: str) -> float:
        """Kill what ``kind`` says; seconds until all is back."""
        worker, holder = self.worker(), self.holder()
        begun = time.monotonic()
        if kind != "worker":
            os.kill(holder, signal.SIGKILL)
        if kind != "control":
            os.kill(worker, signal.SIGKILL)
        if kind != "worker" and self.process is not None and not self._options:
            self.process.wait()
            self.start()
        self.until_healthy(worker if kind != "control" else 0, holder if kind != "worker" else 0)
        return time.monotonic() - begun

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(MOST)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        worker = self.worker()
        if worker:
            os.kill(worker, signal.SIGKILL)


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that do nothing but need a core each."""
    spinner = told_with_us([sys.executable, "-c", "while True: pass"])
    spinners = [subprocess.Popen(spinner, cwd=ROOT) for _ in range(count)]
    try:
        yield
    finally:
        for each in spinners:
            each.kill()
            each.wait()


def measure(rounds: int, spinners: int, *, spare: bool, respawn: bool) -> dict[str, list[float]]:
    """Seconds until all was back, by what was killed."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        bridge = Bridge(Path(folder), spare=spare, respawn=respawn)
        bridge.start()
        try:
            bridge.until_healthy()
            with busy(spinners):
                for number in range(rounds):
                    for kind in KINDS:
                        time.sleep(SPARE if spare else CALM)
                        found[kind].append(bridge.kill(kind))
                    last = ", ".join(f"{kind} {found[kind][-1]:.2f}" for kind in KINDS)
                    print(f"round {number + 1}: {last}", file=sys.stderr)
        finally:
            bridge.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--spinners", type=int, default=0)
    parser.add_argument("--spare", action="store_true", help="with a spare worker, as by default")
    parser.add_argument("--respawn", action="store_true", help="as by our unit for systemd")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options.rounds, options.spinners, spare=options.spare, respawn=options.respawn)
    print(f"{options.rounds} rounds, {options.spinners} spinning processes beside them; seconds")
    for kind in KINDS:
        took = sorted(found[kind])
        p50, p95 = percentile(took, 0.5), percentile(took, 0.95)
        print(f"{kind:8} p50 {p50:.2f}  p95 {p95:.2f}  most {took[-1]:.2f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
