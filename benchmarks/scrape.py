"""What a scrape costs: ``python -m benchmarks.scrape [--seconds N]``.

First a control process without worker, with 12 and with 150 points of which everything is known:
how long the snapshot keeps the event loop, how long its text takes (in a thread), size and series.
Then a running demo of 12 points: the worker's forwarding delay without any scrape, and while one
scraper asks without a pause and ten more ask and never read."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer

from bridge.app.process import ControlProcess
from bridge.control.line_quality import LineQuality
from bridge.demo.account import start_conference
from bridge.demo.run import Demo
from bridge.media import messages as m
from config.loader import load
from config.schema import Topology
from monitoring.exposition import catalogue
from monitoring.exposition.distributions import Distributions
from monitoring.exposition.snapshot import exposition

ROOT = Path(__file__).parent.parent
RUNS = 20
SLOTS = 15  # a room's slots with twelve points


def topology(points: int) -> Topology:
    """The demo's, with more points where they are asked for."""
    base = load(ROOT / "config" / "lac-thuy.yaml")
    first = base.points[-1]
    more = [first.model_copy(update={"id": f"{first.id}-{n}"}) for n in range(points)]
    bridge = base.bridge.model_copy(
        update={"metrics": base.bridge.metrics.model_copy(update={"port": 0})}
    )
    return base.model_copy(update={"points": [*base.points, *more][:points], "bridge": bridge})


def figures(points: tuple[str, ...]) -> m.Stats:
    """What a busy worker says."""
    source: dict[str, Any] = {
        "packets": 1000,
        "octets": 1_000_000,
        "lost": 3,
        "recovered": 2,
        "nacked": 3,
        "unrepaired": 1,
        "jitter_ms": 1.0,
        "active": True,
    }
    slot: dict[str, Any] = {"packets": 1000, "octets": 1_000_000, "receiver_loss": 0.0}
    return m.Stats(
        request=1,
        uptime=100.0,
        cpu_seconds=10.0,
        rss_bytes=1 << 26,
        loop_lag_ms=0.1,
        gso=True,
        counters={"packets_in": 10, "packets_out": 100},
        delay_us=(100.0, 300.0, 900.0),
        delay_counts=(10,) * (len(m.DELAY_BOUNDS) + 1),
        delay_sum=1.0,
        transports=tuple(
            m.TransportStats(
                transport=f"t-{p}",
                label=p,
                state="connected",
                rtt_ms=3.0,
                remb=2_000_000,
                downlink_loss=0.0,
                allocation=1_000_000,
                sources=tuple(m.SourceStats(name="camera", rid=rid, **source) for rid in "qhf"),
                slots=tuple(m.SlotStats(name=f"thumb:{n}", **slot) for n in range(SLOTS)),
            )
            for p in points
        ),
    )


async def cost(points: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        process = ControlProcess(topology(points), state=Path(folder), folder=Path(folder))
        await process.prepare()
        process.health.start()
        names = process.control.topology.points
        known = LineQuality(
            up="good",
            down="fair",
            up_loss=0.0,
            down_loss=0.02,
            rtt_ms=3.0,
            at=0.0,
            reach="yes",
            up_mos=4.3,
            down_mos=4.1,
        )
        process.health.publish(dict.fromkeys(names, known))
        for p in names:
            for kind in process.control.topology.current.probes.classes:
                process.health.prober.distributions[p, kind] = Distributions()
        began = time.perf_counter()
        process.meters.take_worker(figures(names), "0", "w", names)
        taken = time.perf_counter() - began
        began = time.perf_counter()
        process.collector.tick(1.0)
        tick = time.perf_counter() - began
        snapshots, texts, body = [], [], b""
        for _ in range(RUNS):
            began = time.perf_counter()
            snapshot = process.collector.snapshot()
            between = time.perf_counter()
            body, _ = exposition(snapshot)
            snapshots.append(between - began)
            texts.append(time.perf_counter() - between)
        await process.metrics.start(None)
        whole, squeezed = [], 0
        async with aiohttp.ClientSession(auto_decompress=False) as http:
            for _ in range(RUNS):
                began = time.perf_counter()
                async with http.get(f"{process.metrics.url}/metrics") as response:
                    squeezed = len(await response.read())
                whole.append(time.perf_counter() - began)
        await process.metrics.stop()
        process.health.prober.close()
        await process.engine.dispose()
    return {
        "points": points,
        "series": snapshot.series,
        "octets": len(body),
        "octets_gzip": squeezed,
        "snapshot_ms": round(1e3 * statistics.median(snapshots), 2),
        "text_ms": round(1e3 * statistics.median(texts), 2),
        "scrape_ms": round(1e3 * statistics.median(whole), 2),
        "scrape_ms_worst": round(1e3 * max(whole), 2),
        "worker_figures_ms": round(1e3 * taken, 2),
        "tick_ms": round(1e3 * tick, 2),
        "metrics": len(catalogue.METRICS),
    }


async def forwarding(seconds: float) -> dict[str, Any]:
    """Forwarding delay of a demo in turns: without scrapes, with them, without, with."""
    demo = Demo(topology(12), points=12, seconds=None, report=None, open_browser=False)
    run = asyncio.create_task(demo.run())
    found: dict[str, list[tuple[float, ...]]] = {"alone": [], "scraped": []}
    try:
        await demo.started.wait()
        process = demo.process
        while sum(s.transport_up for s in process.control.sessions.all()) < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        await start_conference(process)
        await asyncio.sleep(10)  # the encoders have settled
        for name in ("alone", "scraped") * 2:
            scrapers = (
                [asyncio.create_task(_scrape(process.metrics.url))]
                + [asyncio.create_task(_never_read(process.metrics.url)) for _ in range(10)]
                if name == "scraped"
                else []
            )
            before = await process.worker.stats()
            await asyncio.sleep(seconds)
            after = await process.worker.stats()
            for task in scrapers:
                task.cancel()
            await asyncio.gather(*scrapers, return_exceptions=True)
            assert before is not None
            assert after is not None
            counts = [b - a for a, b in zip(before.delay_counts, after.delay_counts, strict=True)]
            mean = (after.delay_sum - before.delay_sum) / max(sum(counts), 1)
            late = sum(counts[5:]) / max(sum(counts), 1)  # over 10 ms
            found[name].append((round(1e6 * mean, 1), round(late, 5), sum(counts)))
    finally:
        demo.stop()
        await run
    means = {name: statistics.mean(item[0] for item in items) for name, items in found.items()}
    return {
        "mean_us_over_10ms_samples": found,
        "ratio_of_means": round(means["scraped"] / means["alone"], 3),
    }


async def _scrape(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{url}/metrics") as response:
                await response.read()


async def _never_read(url: str) -> None:
    host, _, port = url.partition("://")[2].rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1024)
    try:
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.Event().wait()
    finally:
        writer.close()


def main(
    seconds: Annotated[float, typer.Option(help="of each of the four turns of the demo")] = 15.0,
    demo: Annotated[bool, typer.Option(help="measure forwarding, too")] = True,
) -> None:
    """Print everything as JSON."""
    result: dict[str, Any] = {"scrape": [asyncio.run(cost(points)) for points in (12, 150)]}
    if demo:
        result["forwarding"] = asyncio.run(forwarding(seconds))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    typer.run(main)
