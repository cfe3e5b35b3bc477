"""Probes with real sockets: over the in-process hop on loopback, and over the kernel's own
network namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from endpoints.netem.impairment import Hop, Impairment, Profile
from endpoints.reflector.engine import Reflector
from endpoints.reflector.socket import ReflectorSocket
from monitoring.probing import stamp, timestamps
from monitoring.probing.prober import CLASSES, Prober, Target
from monitoring.probing.session import Probe
from monitoring.quality.line_state import Health
from monitoring.statistics import wilson
from tests.live import namespaces
from tests.paths import ROOT
from tests.waiting import HANG

SOURCE = "127.0.14.100"
KEY = b"k" * 32
ERROR = timestamps.ErrorEstimate(True, False, 0.001)
ALL = tuple(CLASSES.values())


@contextlib.asynccontextmanager
async def probing() -> AsyncIterator[Prober]:
    prober = Prober([SOURCE])
    task = asyncio.create_task(prober.run())
    try:
        yield prober
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def reflecting(
    host: str,
    down: Profile | None = None,
    up: Profile | None = None,
    strip: frozenset[str] = frozenset(),
    **options: Any,
) -> AsyncIterator[tuple[ReflectorSocket, Hop]]:
    hop = Hop(Impairment(down or Profile(), 5), Impairment(up or Profile(), 6), strip)
    options = {"key": KEY, "senders": frozenset({SOURCE}), "error": ERROR} | options
    made = ReflectorSocket(Reflector(**options), host, 0, hop)
    try:
        yield made, hop
    finally:
        made.close()


def target(made: ReflectorSocket, rate: float = 50.0, **style: Any) -> Target:
    host, port = made.address
    return Target(host, port, stamp.Style(**({"key": KEY} | style)), True, ALL, rate)


async def until(condition: Callable[[], bool], seconds: float = HANG) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - packets have no event
            await asyncio.sleep(0.02)


def settled(prober: Prober, name: str) -> list[Probe]:
    probes = list(prober.sessions(name).values())
    for probe in probes:
        probe.settle(asyncio.get_running_loop().time())
    return probes


async def test_losses_are_told_apart_by_direction_and_delays_are_right() -> None:
    """Four lines at once: a good one, one that loses going down, one going up, a slow one."""
    loss = Profile(loss=0.05)
    async with (
        probing() as prober,
        reflecting("127.0.14.1") as (good, _),
        reflecting("127.0.14.2", down=loss) as (down, down_hop),
        reflecting("127.0.14.3", up=loss) as (up, up_hop),
        reflecting("127.0.14.4", down=Profile(delay=0.03), up=Profile(delay=0.01)) as (slow, _),
    ):
        lines = {"good": good, "down": down, "up": up, "slow": slow}
        prober.set_targets({name: target(line) for name, line in lines.items()})
        await until(lambda: sum(p.down.expected for p in settled(prober, "down")) >= 1500)
        totals = {}
        for name in lines:
            probes = settled(prober, name)
            totals[name] = (
                (sum(p.down.expected for p in probes), sum(p.down.lost for p in probes)),
                (sum(p.up.expected for p in probes), sum(p.up.lost for p in probes)),
            )
        assert totals["good"][0][1] == totals["good"][1][1] == 0
        assert totals["slow"][0][1] == totals["slow"][1][1] == 0
        (expected, lost), (_, other) = totals["down"]
        assert other == 0
        assert abs(lost - down_hop.down.lost) <= 3 + down_hop.down.offered - expected
        low, high = wilson(lost, expected)
        assert low <= down_hop.down.lost / down_hop.down.offered <= high
        (_, other), (expected, lost) = totals["up"]
        assert other == 0
        assert abs(lost - up_hop.up.lost) <= 3 + up_hop.up.offered - expected
        delays = prober.sessions("slow")["ef"].delays(asyncio.get_running_loop().time(), 30)
        assert delays is not None
        assert delays.down is not None
        assert delays.up is not None
        # The least delay is the line's; a loaded machine only adds.
        samples = prober.sessions("slow")["ef"].samples
        assert min(s.down for s in samples) == pytest.approx(0.030, abs=0.001)
        assert min(s.up for s in samples) == pytest.approx(0.010, abs=0.002)
        assert abs(delays.offset) <= delays.uncertainty


async def test_marks_are_reported_kept_or_changed_and_where() -> None:
    async with (
        probing() as prober,
        reflecting("127.0.14.1") as (kept, _),
        reflecting("127.0.14.2", strip=frozenset({"down"})) as (down, _),
        reflecting("127.0.14.3", strip=frozenset({"up"})) as (up, _),
    ):
        lines = {"kept": kept, "down": down, "up": up}
        prober.set_targets({name: target(line) for name, line in lines.items()})
        await until(
            lambda: all(p.dscp_up is not None for n in lines for p in prober.sessions(n).values())
        )

        def marks(name: str) -> dict[str, tuple[int | None, int | None]]:
            return {k: (p.dscp_down, p.dscp_up) for k, p in prober.sessions(name).items()}

        assert marks("kept") == {"ef": (46, 46), "af41": (34, 34), "be": (0, 0)}
        assert marks("down") == {"ef": (0, 46), "af41": (0, 34), "be": (0, 0)}
        assert marks("up") == {"ef": (46, 0), "af41": (34, 0), "be": (0, 0)}


async def test_a_cut_line_is_lost_within_five_seconds_and_back_within_five() -> None:
    loop = asyncio.get_running_loop()
    async with probing() as prober, reflecting("127.0.14.1") as (line, hop):
        prober.set_targets({"x": target(line, rate=5)})
        health = Health("x")

        looks = [loop.time()]

        def reachable() -> bool | None:
            looks.append(loop.time())
            return health.feed(prober.sessions("x"), looks[-1], looks[-1])[0].reachable

        def pause() -> float:
            """The longest time that this process, prober and reflector in it, did not run."""
            return max(b - a for a, b in itertools.pairwise(looks))

        await until(lambda: reachable() is True)
        hop.down.cut()
        cut = loop.time()
        await until(lambda: reachable() is False)
        lost = loop.time() - cut
        hop.down.restore()
        cut = loop.time()
        await until(lambda: reachable() is True)
        back = loop.time() - cut
        print(f"lost after {lost:.2f} s, back after {back:.2f} s, pauses up to {pause():.2f} s")
        # Five seconds, and what a busy machine took from us: probes and replies wait in pauses.
        assert 2.5 < lost < 5 + 2 * pause()
        assert back < 5 + 2 * pause()


async def test_strangers_and_forgeries_move_no_figure() -> None:
    """10,000 packets a second from an address that nobody probes, at prober and reflector."""
    async with (
        probing() as prober,
        reflecting("127.0.14.1") as (line, _),
        reflecting("127.0.14.2") as (other, _),
    ):
        prober.set_targets({"x": target(line), "y": target(other)})
        await until(lambda: prober.sessions("x")["ef"].last_reply is not None)
        port = next(iter(prober._sockets.values())).address[1]
        forged = stamp.encode_sender(
            stamp.Style(key=KEY), seq=1, stamp=1, error=ERROR, ssid=1, dscp=46
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.14.66", 0))
            stranger.setblocking(False)
            for _ in range(100):  # 10,000 a second
                for _ in range(100):
                    with contextlib.suppress(BlockingIOError):
                        stranger.sendto(forged, line.address)
                        stranger.sendto(forged, (SOURCE, port))
                await asyncio.sleep(0.01)
            await until(lambda: line.reflector.counters["stranger"] > 1000)
            with pytest.raises(BlockingIOError):
                stranger.recv(100)  # not one answer
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as spoofer:
            spoofer.bind(("127.0.14.2", 0))  # a probed host, another port
            for _ in range(20):
                spoofer.sendto(bytes(112), (SOURCE, port))
        await until(lambda: prober.counters["unknown"] >= 20)
        assert prober.counters["stranger"] > 100
        await asyncio.sleep(1.2)
        for name in ("x", "y"):
            for probe in settled(prober, name):
                assert (probe.up.lost, probe.restarts) == (0, 0)
                assert probe.counters["hmac"] == 0


async def test_a_wrong_key_gets_no_reply() -> None:
    async with probing() as prober, reflecting("127.0.14.1", key=b"other" * 7) as (line, _):
        prober.set_targets({"x": target(line)})
        await until(lambda: line.reflector.counters["hmac"] > 10)
        assert prober.sessions("x")["ef"].last_reply is None


class TwampLight(asyncio.DatagramProtocol):
    """A router's TWAMP-Light reflector after RFC 5357 appendix I and section 4.2.1, written from
    the RFC and without our code: it repeats the sender's sequence number, or counts."""

    def __init__(self, stateful: bool) -> None:
        self.count = 0
        self.stateful = stateful
        self.lose: set[int] = set()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        sequence, seconds, fraction, error = struct.unpack_from("!IIIH", data)
        if sequence in self.lose:
            return
        own = self.count if self.stateful else sequence
        self.count += 1
        reply = struct.pack("!IIIHH", own, seconds, fraction, 0x0001, 0)
        reply += struct.pack("!II", seconds, fraction)
        reply += struct.pack("!IIIHHB", sequence, seconds, fraction, error, 0, 255)
        self.transport.sendto(reply.ljust(len(data), b"\0"), address)


@pytest.mark.parametrize("stateful", [True, False])
async def test_a_twamp_light_reflector_is_probed(stateful: bool) -> None:
    loop = asyncio.get_running_loop()
    protocol = TwampLight(stateful)
    protocol.lose = set(range(20, 60, 4))
    transport, _ = await loop.create_datagram_endpoint(
        lambda: protocol, local_addr=("127.0.14.9", 0)
    )
    try:
        async with probing() as prober:
            port = transport.get_extra_info("sockname")[1]
            style = stamp.Style(twamp=True, size=64)
            router = Target("127.0.14.9", port, style, stateful, (CLASSES["ef"],), 50)
            prober.set_targets({"x": router})
            await until(lambda: settled(prober, "x")[0].down.expected > 100)
            probe = settled(prober, "x")[0]
            assert probe.down.lost == 10
            assert probe.up.lost == (0 if stateful else 10)  # it cannot tell the directions
            assert probe.dscp_down is None
            assert probe.dscp_up == 0  # it marks nothing itself
    finally:
        transport.close()


async def test_a_reflector_that_restarts_in_the_middle() -> None:
    async with probing() as prober:
        async with reflecting("127.0.14.1") as (line, _):
            port = line.address[1]
            prober.set_targets({"x": target(line)})
            await until(
                lambda: (
                    prober.sessions("x")["ef"].up.expected >= 0
                    and settled(prober, "x")[0].up.expected > 50
                )
            )
        again = ReflectorSocket(
            Reflector(senders=frozenset({SOURCE}), key=KEY, error=ERROR), "127.0.14.1", port
        )
        try:
            before = settled(prober, "x")[0].up.expected
            await until(lambda: settled(prober, "x")[0].up.expected > before + 50)
            probe = settled(prober, "x")[0]
            assert probe.restarts + (probe.outage is not None) >= 1
            assert probe.up.lost == 0
        finally:
            again.close()


def tools_missing() -> str:
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in ("ip", "tc", "iptables") if shutil.which(name) is None]
    if missing:
        return f"missing: {', '.join(missing)}"
    name = f"dc{os.getpid()}try"
    try:
        namespaces.sh(f"ip netns add {name}")
        namespaces.inside(name, "tc qdisc add dev lo root tbf rate 1mbit burst 16kb latency 60ms")
        namespaces.inside(name, "iptables -t mangle -A POSTROUTING -j DSCP --set-dscp 0")
        namespaces.inside(
            name, "iptables -A INPUT -m statistic --mode random --probability 0.1 -j DROP"
        )
    except (subprocess.CalledProcessError, OSError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return f"this kernel or container does not let us: {said.strip()[:120]}"
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return ""


SKIPPED = tools_missing()


@pytest.mark.skipif(bool(SKIPPED), reason=SKIPPED or "fine")
async def test_twelve_namespaces() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.live.namespaces",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await child.communicate()
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGINT)  # it removes its namespaces
            await child.wait()
    assert child.returncode == 0, err.decode()
    found = json.loads(out)
    points = {p["fault"] or name: p for name, p in found["points"].items()}
    assert len(points) == 12
    for name, point in points.items():
        assert point["reachable"], name
        assert point["down"][0] > 1500, name
        for direction in ("down", "up"):
            expected, lost = point[direction]
            dropped = found["dropped"].get(name, 0) if name == f"loss_{direction}" else 0
            # What the kernel has counted by then, but for what was not yet certain.
            assert abs(lost - dropped) <= 0.01 * expected * bool(dropped), (name, direction, found)
        kept = {"ef": [46, 46, 46], "af41": [34, 34, 34], "be": [0, 0, 0]}
        if name == "remark_down":
            kept = {"ef": [46, 0, 46], "af41": [34, 0, 34], "be": [0, 0, 0]}
        elif name == "remark_up":
            kept = {"ef": [46, 46, 0], "af41": [34, 34, 0], "be": [0, 0, 0]}
        assert point["marks"] == kept, name
    dropped = found["dropped"]
    for name in ("loss_down", "loss_up"):
        low, high = wilson(dropped[name], points[name]["down"][0], z=4.0)
        assert low <= namespaces.LOSS <= high, dropped
    pause = found["longest_pause"]
    print(
        f"lost after {found['lost_after']:.2f} s, back after {found['back_after']:.2f} s, "
        f"pauses up to {pause:.2f} s"
    )
    assert 2.5 < found["lost_after"] < 5 + 2 * pause
    assert found["back_after"] < 5 + 2 * pause
    assert found["others_reachable"]
    ramps = found["ramps"]
    share, sent, replied = ramps["narrow"][-1]
    assert replied < 0.8 * sent, ramps  # 1 Mbit/s does not carry what it was asked for
    assert share == 1.0
    share, sent, replied = ramps["good"][-1]
    assert replied > 0.98 * sent, ramps
