"""Cost and delay of forwarding: the real worker, real sockets, synthetic DTLS/SRTP peers.

``python -m benchmarks.forwarding [--json FILE]``. The worker runs on the first core, the load
on the last; CPU is the worker's own accounting (getrusage) over the measured interval, divided
by the packets it sent. A null forwarder in C (no cryptography, no rewriting) is measured with
the same load in the same run where gcc is present. Everything stays on 127.0.0.1 and ends by
itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import load
from benchmarks.machine_facts import machine
from benchmarks.synthetic_peer import ClientIdentity, SyntheticPeer, open_message
from benchmarks.worker_control import WorkerControl, camera, routes_to, slots_for
from bridge.media import messages as m
from bridge.media import srtp
from bridge.media.transport_cc import Recorder
from monitoring.statistics import percentile

POINTS = 12
HOST = "127.0.0.1"
# name, conferences, packets per second and source, evenly spaced?
CASES = (
    ("6 600/s", 1, 50, False),
    ("26 400/s", 1, 200, False),
    ("26 400/s, evenly spaced", 1, 200, True),
    ("52 800/s", 1, 400, False),
    ("8 × 26 400/s", 8, 200, False),
)
NULL_CASES = {"6 600/s", "26 400/s", "52 800/s", "8 × 26 400/s"}
CORES = sorted(os.sched_getaffinity(0))  # the forwarder gets the first, the load the last
WARM_UP = 1.0  # seconds before measuring
STEP_TIMEOUT = 60.0  # seconds for a step, on a busy machine too
PATHS = ("compiled", "python")
# These peers report nothing of what arrives; `benchmarks.estimation` has others that do.
NO_ESTIMATION = ("--no-estimation",)


class Worker(WorkerControl):
    """The worker process and a blocking connection to its control socket."""

    def __init__(
        self,
        folder: Path,
        log: IO[bytes] | None = None,
        path: str = "compiled",
        options: Sequence[str] = (),
        core: int = CORES[0],
    ) -> None:
        """``path``: compiled or python, that is how it forwards; ``options`` are of its command
        line."""
        super().__init__()
        control = folder / "worker.sock"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bridge.media", "--listen", HOST),
                *("--control", str(control), "--with-parent", *options),
            ],
            stdin=subprocess.PIPE,
            stderr=log or subprocess.DEVNULL,
            env={**os.environ, "DIEMCAU_HOT_PATH": path},
        )
        os.sched_setaffinity(self.process.pid, {core})
        try:
            self.connect(control, path, STEP_TIMEOUT)
        except BaseException:
            self.process.kill()
            self.close()
            raise

    def close(self) -> None:
        """End the worker, where it has not ended yet."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if self.process.poll() is None:
                self.send(m.Shutdown())
                self.process.wait(STEP_TIMEOUT)
        if self.process.stdin is not None:
            self.process.stdin.close()  # ends it whatever its state
        self.process.wait(STEP_TIMEOUT)
        self.disconnect()


def join(
    worker: Worker, conferences: int, points: int = POINTS, shown: int = POINTS - 1
) -> list[load.Endpoint]:
    """Bring all peers in: ICE check, DTLS handshake, keys, slots routed. Each of the ``points`` of
    a conference is shown the next ``shown`` ones."""
    identity = ClientIdentity.generate()
    endpoints: list[load.Endpoint] = []
    routes: list[m.Route] = []
    for number in range(conferences * points):
        conference, own = divmod(number, points)
        peer_endpoint = load.endpoint(HOST, 10_000 + number)
        others = sorted((own + step) % points for step in range(1, shown + 1))
        spec = open_message(
            f"c{conference}p{own}",
            fingerprint=identity.fingerprint,
            sources=(camera(peer_endpoint.ssrc, 90_000 + number),),
            slots=slots_for(others),
            extensions=m.Extensions(transport_cc=3),
        )
        worker.send(spec)
        worker.stats()  # answered in order: the transport is open now
        peer = SyntheticPeer(identity, spec)
        _handshake(peer, peer_endpoint.socket, worker.target)
        assert peer.keys is not None
        peer_endpoint.peer = peer
        peer_endpoint.seal = srtp.Outbound(peer.keys)
        # What the worker seals for this peer is opened with its own (outbound) keys.
        mirrored = srtp.MasterKeys(peer.keys.profile, b"", peer.keys.inbound)
        opener = srtp.Outbound(mirrored)
        key = srtp.derive(
            peer.keys.inbound[:16], peer.keys.inbound[16:], srtp.LABEL_RTP_ENCRYPTION, 16
        )
        peer_endpoint.open_seal = AESGCM(key).decrypt
        peer_endpoint.open_salt = opener.salt
        endpoints.append(peer_endpoint)
        routes += routes_to(spec.transport, others, f"c{conference}p")
    worker.send(m.SetRoutes(routes=tuple(routes)))
    worker.stats()  # answered in order: every route is known now
    # The first packet makes the worker learn the SSRC, the second opens the gates; of many peers
    # some have to be repeated.
    for _ in range(1 + max(1, points // POINTS)):
        load.wake(endpoints, worker.target)
        worker.stats()
        time.sleep(0.2)
    return endpoints


def _handshake(peer: SyntheticPeer, sock: socket.socket, target: tuple[str, int]) -> None:
    sock.sendto(peer.check(), target)
    deadline = time.monotonic() + STEP_TIMEOUT
    outgoing = peer.dtls()
    while peer.keys is None:
        if time.monotonic() > deadline:
            raise TimeoutError("the DTLS handshake did not end")
        for datagram in outgoing:
            sock.sendto(datagram, target)
        outgoing = []
        try:
            data = sock.recv(2048)
        except BlockingIOError:
            time.sleep(0.001)
            continue
        if 20 <= data[0] <= 63:
            outgoing = peer.dtls(data)
    for datagram in outgoing:
        sock.sendto(datagram, target)


class Measured(NamedTuple):
    """What a run of load gave, and the worker's figures around it."""

    result: load.Result
    before: m.Stats
    after: m.Stats

    @property
    def cpu(self) -> float:
        """Seconds of the worker's processor time."""
        return self.after.cpu_seconds - self.before.cpu_seconds

    def grown(self, counter: str) -> int:
        """By how much one of the worker's counters has grown."""
        return self.after.counters[counter] - self.before.counters[counter]


def measure(
    *,
    rate: float,
    seconds: float,
    warm_up: float = WARM_UP,
    path: str = "compiled",
    options: Sequence[str] = NO_ESTIMATION,
    paced: bool = False,
    reporting: bool = False,
    conferences: int = 1,
    points: int = POINTS,
    shown: int = POINTS - 1,
    core: int = CORES[0],
    together: Callable[[], object] = lambda: None,
) -> Measured:
    """Load a worker of its own on a ``core``, after ``warm_up`` seconds of the same; `join` has
    ``conferences``, ``points`` and ``shown``. ``reporting`` peers tell what has arrived.
    ``together`` returns when everybody is to begin."""
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder), path=path, options=options, core=core)
        endpoints: list[load.Endpoint] = []
        try:
            endpoints = join(worker, conferences, points, shown)
            if reporting:
                for peer in endpoints:
                    peer.arrivals = Recorder()

            def go(duration: float) -> load.Result:
                load.wake(endpoints, worker.target)
                return load.run(
                    endpoints,
                    target=worker.target,
                    group=shown + 1,
                    packets_per_second=rate,
                    seconds=duration,
                    paced=paced,
                )

            go(warm_up)
            together()
            before = worker.stats()
            return Measured(go(seconds), before, worker.stats())
        finally:
            worker.close()
            for peer in endpoints:
                peer.socket.close()


def worker_row(name: str, path: str, run: Measured) -> dict[str, Any]:
    """The row of a case against the worker, which forwarded by ``path``."""
    packets = run.grown("packets_out")
    sends = run.grown("gso_batches") + run.grown("sends_single")
    row = _row(name, f"worker, {path}", run.cpu, packets, run.result)
    row["packets_per_send"] = round(packets / max(1, sends), 1)
    row["gso_segments"] = run.grown("gso_segments")
    row["rss_mib"] = round(run.after.rss_bytes / 2**20, 1)
    dropped = (name for name in run.after.counters if name.startswith("dropped."))
    row["dropped"] = {name: run.grown(name) for name in dropped if run.grown(name)}
    return row


def measure_null(
    binary: Path, mode: str, name: str, conferences: int, rate: float, seconds: float
) -> dict[str, Any]:
    """One case against the null forwarder in C."""
    endpoints = [load.endpoint(HOST, 10_000 + i) for i in range(conferences * POINTS)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    ports = [str(peer.socket.getsockname()[1]) for peer in endpoints]
    process = subprocess.Popen(
        [str(binary), str(port), mode, str(POINTS), *ports], stdout=subprocess.PIPE, text=True
    )
    try:
        os.sched_setaffinity(process.pid, {CORES[0]})
        assert process.stdout is not None
        process.stdout.readline()
        result = load.run(
            endpoints,
            target=(HOST, port),
            group=POINTS,
            packets_per_second=rate,
            seconds=seconds,
            paced=False,
        )
        process.terminate()
        sent, cpu = process.stdout.read().split()
    finally:
        process.kill()
        process.wait()
        for peer in endpoints:
            peer.socket.close()
    return _row(name, f"null forwarder, C, {mode}", float(cpu), int(sent), result)


def _row(
    name: str, forwarder: str, cpu: float, packets: int, result: load.Result
) -> dict[str, Any]:
    return {
        "case": name,
        "forwarder": forwarder,
        "packets_per_second": round(packets / result.seconds),
        "cpu_us_per_packet": round(cpu / max(1, packets) * 1e6, 2),
        "core_share": round(cpu / result.seconds, 3),
        "lost": result.expected - result.received,
        "expected": result.expected,
        "delay_ms": {
            str(p): round(percentile(result.delays, p / 100) * 1000, 3) if result.delays else 0.0
            for p in (50, 99, 99.9)
        },
    }


def compile_null(folder: Path) -> Path | None:
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    binary = folder / "null_forwarder"
    source = Path(__file__).parent / "null_forwarder.c"
    subprocess.run([gcc, "-O2", "-o", str(binary), str(source)], check=True)
    return binary


def run(
    seconds: float, only: str | None, show: Callable[[str], None], paths: Sequence[str] = PATHS
) -> dict[str, Any]:
    """All cases; ``show`` gets a line after each."""
    os.sched_setaffinity(0, {CORES[-1]})
    rows: list[dict[str, Any]] = []
    show(
        f"{'case':26} {'forwarder':26} {'pkt/s':>8} {'µs/pkt':>7} {'× null':>7} "
        f"{'core':>5} {'lost':>7} {'p50':>7} {'p99':>7} {'p99.9':>7} ms"
    )
    with tempfile.TemporaryDirectory() as folder:
        binary = compile_null(Path(folder))
        for name, conferences, rate, paced in CASES:
            if only is not None and only not in name:
                continue
            base: dict[str, float] = {}
            if binary is not None and name in NULL_CASES:
                for mode in ("sendto", "gso"):
                    row = measure_null(binary, mode, name, conferences, rate, seconds / 2)
                    base[mode] = row["cpu_us_per_packet"]
                    rows.append(row)
                    show(_line(row))
            for path in paths:
                measured = measure(
                    rate=rate, seconds=seconds, path=path, paced=paced, conferences=conferences
                )
                row = worker_row(name, path, measured)
                if base:
                    row["ratio_to_null"] = {
                        mode: round(row["cpu_us_per_packet"] / cost, 2)
                        for mode, cost in base.items()
                    }
                rows.append(row)
                show(_line(row))
    os.sched_setaffinity(0, set(CORES))
    return {"machine": machine(), "seconds": seconds, "rows": rows}


def _line(row: dict[str, Any]) -> str:
    ratio = row.get("ratio_to_null")
    text = f"{ratio['sendto']:.2f}" if ratio else ""
    d = row["delay_ms"]
    return (
        f"{row['case']:26} {row['forwarder']:26} {row['packets_per_second']:8} "
        f"{row['cpu_us_per_packet']:7.2f} {text:>7} {row['core_share']:5.2f} {row['lost']:7} "
        f"{d['50']:7.2f} {d['99']:7.2f} {d['99.9']:7.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--seconds", type=float, default=8.0, help="per case")
    parser.add_argument("--only", help="only cases whose name holds this")
    parser.add_argument("--path", choices=PATHS, help="only this way of forwarding")
    parser.add_argument("--points", type=int, help="one conference of so many, and nothing else")
    parser.add_argument("--shown", type=int, default=26, help="pictures that each of them is shown")
    parser.add_argument("--rate", type=float, default=30, help="packets a second and picture")
    options = parser.parse_args()
    if len(CORES) < 2:
        print("note: with one core the load competes with the forwarder", file=sys.stderr)
    paths = PATHS if options.path is None else (options.path,)
    seconds = min(options.seconds, 60.0)
    if options.points is not None:
        os.sched_setaffinity(0, {CORES[-1]})
        name, shown = f"{options.points} points, {options.shown} shown", options.shown
        for path in paths:
            measured = measure(
                rate=options.rate, seconds=seconds, path=path, points=options.points, shown=shown
            )
            row = worker_row(name, path, measured)
            print(_line(row), row["rss_mib"], "MiB", row["dropped"], flush=True)
        return
    figures = run(seconds, options.only, lambda line: print(line, flush=True), paths)
    print(json.dumps(figures["machine"], ensure_ascii=False))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
