"""A real Prometheus scrapes a running demo with a bad line: every query of every dashboard and
every rule returns data, and the figures are what the line really did."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bridge.conference import commands as c
from bridge.conference.model import Actor
from bridge.control.draft import Done
from bridge.demo.account import DEMO_ACTOR, start_conference
from bridge.demo.prometheus import NoPrometheus, prometheus
from bridge.demo.run import Demo
from bridge.signalling import protocol
from monitoring.grafana.generate import DASHBOARDS
from monitoring.grafana.panels import Panel
from tests.live.test_ready import everybody_is_well, running_demo
from tests.monitoring.prometheus.test_alerts import RULES
from tests.paths import ROOT
from tests.waiting import HANG, eventually

POINT = "khoan-du"
BESIDE = "dong-tam"  # simulated by the same process
IMPAIRED = "loss-down=5%,delay-down=20ms,strip-up"
SCRAPES = "3s"  # between two, and for each: a busy machine takes more than one
WATCHED = 25.0  # seconds from the first command until the queries
NAMES = re.compile(r"[a-z]*:?\bdiemcau_[a-z0-9_]+(?::[a-z0-9_]+)?|\bscrape_duration_seconds|\bup\b")

# Panels of which a query rightly returns nothing in a demo that is well.
RIGHTLY_EMPTY = {
    "Alerts": "no alert has held for its time",
    "Certificate expires": "the demo runs without a certificate",
    "Length p50": "no conference has ended",
    "Round trip against what is usual": "there is no day of figures yet",
    "Drops by reason": "nothing is dropped on a good day",
    "Audience by worker": "the demo's viewers are served by the points' worker",
    "Relays to the audience": "the same",
    "Sound only": "no line is so thin",
    "Lines below plan": "each line carries what the topology says",
    "One-way delay p50": "machines without NTP cannot measure it",
}
RULES_WITHOUT_DATA = {
    "point:diemcau_probe_rtt_seconds:baseline_7d": "there is no day of figures yet",
    "point:diemcau_probe_rtt_seconds:minutely": "evaluated once a minute",
}

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="needs Debian's prometheus"
)


class Api:
    """Prometheus's HTTP interface."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def get(self, path: str, **parameters: str) -> Any:
        async with self._http.get(f"{self._url}/api/v1/{path}", params=parameters) as response:
            body = await response.json()
        assert body["status"] == "success", (parameters, body)
        return body["data"]

    async def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """What an expression gives now or at a moment (Unix seconds)."""
        moment = {} if at is None else {"time": f"{at:.3f}"}
        found: list[dict[str, Any]] = (await self.get("query", query=expr, **moment))["result"]
        return found

    async def value(self, expr: str, at: float | None = None) -> float:
        """The one number that an expression gives at a moment, or as soon as there is one: a scrape
        that a busy machine has missed leaves nothing until the next."""
        async with asyncio.timeout(HANG):
            found = await self.query(expr, at)
            while not found and at is None:
                await asyncio.sleep(0.2)
                found = await self.query(expr)
        assert len(found) == 1, (expr, found)
        return float(found[0]["value"][1])

    async def scraped(self) -> float:
        """When the newest figures are from (Unix seconds). All that is asked of this moment is of
        one scrape, also when a later one has come or was missed."""
        return await self.value("max(timestamp(diemcau_build_info))")

    async def until(self, expr: str, seconds: float = HANG) -> None:
        """Wait until a query returns something."""
        async with asyncio.timeout(seconds):
            while not await self.query(expr):  # noqa: ASYNC110 - a scrape has no event
                await asyncio.sleep(0.2)

    async def until_data(self, expr: str) -> None:
        """Wait until a query returns a number."""
        async with asyncio.timeout(HANG):
            while not has_data(await self.query(expr)):  # noqa: ASYNC110 - a scrape has no event
                await asyncio.sleep(0.2)


def substituted(expr: str) -> str:
    """A panel's query as Grafana would send it, over all of this run: a busy machine takes more
    than a minute from an event to the look at it."""
    for name, value in (
        ("$bridge", ".*"),
        ("$point", POINT),
        ("$__rate_interval", "15m"),
        ("$__range", "15m"),
        ("$__interval", "5s"),
    ):
        expr = expr.replace(name, value)
    return expr


def has_data(found: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(float(item["value"][1])) for item in found)


async def events(demo: Demo) -> None:
    """Something of everything: takes, the floor asked for and granted, a refused login."""
    process = demo.process
    conference = await start_conference(process)
    await eventually(lambda: len(process.conductor.states[conference].present) == 12)
    asker = Actor(kind="point", name=POINT)
    await process.conductor.submit(conference, c.RequestFloor(point=POINT), asker)
    for target in ("an-binh", POINT, "yen-bong", POINT):
        done = await process.conductor.submit(conference, c.Grant(point=target), DEMO_ACTOR)
        assert isinstance(done, Done), done
        await asyncio.sleep(1.0)
    # One room offers anew: it joins while somebody counts.
    session = process.control.sessions.of_point("an-binh")
    assert session is not None
    session.post(protocol.Media(reason="called"))
    async with aiohttp.ClientSession() as http:
        body = {"name": "nobody", "password": "wrong wrong wrong"}
        async with http.post(f"{process.url}/api/v1/login", json=body) as response:
            assert response.status == 401


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[tuple[Demo, Api]]:
    async with running_demo(tmp_path, impaired={POINT: IMPAIRED}) as (demo, _):
        process = demo.process
        async with (
            prometheus(process.metrics.url, process.url, tmp_path / "prometheus", SCRAPES) as url,
            aiohttp.ClientSession() as http,
        ):
            yield demo, Api(http, url)


async def test_queries_rules_and_figures(watched: tuple[Demo, Api], tmp_path: Path) -> None:
    """One run for all of it: a demo takes its time."""
    demo, api = watched
    await everybody_is_well(demo)
    await api.until("diemcau_build_info")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await events(demo)
    await asyncio.sleep(max(0.0, WATCHED - (loop.time() - began)))
    await promtool_finds_nothing(demo)
    await figures_agree(demo, api, tmp_path)
    await panels_have_data(api)
    await rules_have_data(api)
    await alerts_are_readable(demo, api)


async def promtool_finds_nothing(demo: Demo) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{demo.process.metrics.url}/metrics") as response,
    ):
        text = await response.read()
    process = await asyncio.create_subprocess_exec(
        "promtool",
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(text)
    assert (process.returncode, said) == (0, b"")


async def counted(demo: Demo, path: Path) -> dict[str, int]:
    """What the bad line has done to probes until now."""
    await demo.fault(POINT, count=str(path))
    await eventually(path.exists)
    found: dict[str, int] = json.loads(path.read_text("utf-8"))
    path.unlink()
    return found


async def figures_agree(demo: Demo, api: Api, folder: Path) -> None:
    """What Prometheus has of the bad line is what the line had done between two moments: when the
    count began, and when Prometheus was asked."""
    probe = 'sum(diemcau_probe_packets_{}{{point="khoan-du",direction="{}"}})'
    did = await counted(demo, folder / "count.json")
    # A second until a loss is certain, a tick, a scrape.
    await api.until(f"{probe.format('total', 'down')} >= {did['offered']}")
    moment = await api.scraped()
    sent = await api.value(probe.format("total", "down"), moment)
    lost = await api.value(probe.format("lost_total", "down"), moment)
    then = await counted(demo, folder / "count.json")
    assert did["offered"] <= sent <= then["offered"]
    assert did["lost_down"] - 8 <= lost <= then["lost_down"], (did, lost, then)
    assert lost / sent == pytest.approx(then["lost_down"] / then["offered"], abs=0.01)
    did = then
    assert await api.value(probe.format("lost_total", "up")) == did["lost_up"] == 0
    marked = 'sum(diemcau_probe_packets_remarked_total{{point="khoan-du",direction="{}"}})'
    assert await api.value(marked.format("down")) == 0
    # EF and AF41 lose their mark; best effort has none to lose.
    moment = await api.scraped()
    answered = 'sum(diemcau_probe_rtt_seconds_count{point="khoan-du",dscp!="0"})'
    remarked = await api.value(marked.format("up"), moment)
    assert remarked == pytest.approx(await api.value(answered, moment), abs=15)
    # 20 ms there and nothing back. Whatever a busy machine adds, nothing is quicker than the line,
    # the quickest is little slower, and a point in the same process has quicker ones.
    quicker = 'sum(diemcau_probe_rtt_seconds_bucket{point="%s",le="%s"})'
    assert await api.value(quicker % (POINT, "0.01"), moment) == 0
    assert await api.value(quicker % (POINT, "0.03"), moment) > 0
    assert await api.value(quicker % (BESIDE, "0.01"), moment) > 0
    half = 'histogram_quantile(0.5, sum by (le) (diemcau_probe_rtt_seconds_bucket{point="%s"}))'
    assert await api.value(half % POINT, moment) > await api.value(half % BESIDE, moment)
    share = (
        'sum(diemcau_media_packets_lost_total{point="%s",direction="down"})'
        ' / sum(diemcau_media_packets_total{point="%s",direction="down"})'
    )
    media = await api.value(share % (POINT, POINT), moment)
    assert 0.02 < media - await api.value(share % (BESIDE, BESIDE), moment) < 0.1
    others = 'sum(diemcau_probe_packets_lost_total{point!="khoan-du"})'
    assert await api.value(others, moment) <= 0.002 * 12 * sent
    assert await api.value('diemcau_floor_holder{point="khoan-du"}') == 1
    assert await api.value('diemcau_floor_requests_total{result="granted"}') == 1
    assert await api.value("diemcau_takes_total") == 4
    await api.until("sum(diemcau_point_connected) == 12")
    assert await api.value('diemcau_authentication_failures_total{reason="password"}') == 1
    await api.until('sum(diemcau_point_joins_total{result="joined"}) >= 13')


async def panels_have_data(api: Api) -> None:
    """Each query once: rates need two scrapes and rules an evaluation, and a busy machine misses
    some of both."""
    async with asyncio.timeout(HANG):
        empty = set(await panels_without_data(api))
        while empty:
            print("still without data:", empty)
            await asyncio.sleep(1)
            empty &= set(await panels_without_data(api))
    titles = {p.title.en for board in DASHBOARDS for p in board.items if isinstance(p, Panel)}
    assert set(RIGHTLY_EMPTY) <= titles


async def panels_without_data(api: Api) -> list[tuple[str, str, str]]:
    empty: list[tuple[str, str, str]] = []
    count = 0
    for board in DASHBOARDS:
        for item in board.items:
            if not isinstance(item, Panel):
                continue
            for query in item.queries:
                count += 1
                found = await api.query(substituted(query.full))
                if not has_data(found) and item.title.en not in RIGHTLY_EMPTY:
                    empty.append((board.uid, item.title.en, query.full))
    assert count > 80
    return empty


async def rules_have_data(api: Api) -> None:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    for group in document["groups"]:
        for rule in group["rules"]:
            if "record" in rule:
                if rule["record"] not in RULES_WITHOUT_DATA:
                    await api.until_data(rule["expr"])
                continue
            await api.query(rule["expr"])
            # An alert that rightly does not fire returns nothing; what it looks at is there.
            for name in set(NAMES.findall(rule["expr"])):
                if name in RULES_WITHOUT_DATA:
                    continue
                await api.until(f"count({name})")
    groups = (await api.get("rules"))["groups"]
    assert sum(len(g["rules"]) for g in groups) == sum(len(g["rules"]) for g in document["groups"])
    for group in groups:
        for rule in group["rules"]:
            # The slow group has its first turn within a minute, wherever in it that falls.
            slow = group["name"] == "diemcau-baseline"
            assert rule["health"] in ({"ok", "unknown"} if slow else {"ok"}), rule
            assert not rule.get("lastError"), rule


async def test_the_demo_starts_it_and_says_how_to_go_on(tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    document["bridge"]["state"] = "state"
    file = tmp_path / "topology.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bridge.py", "demo", "--no-browser", "--points", "2", "--monitoring"),
        *("--file", str(file)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(HANG):
        while not any(line.startswith("The console:") for line in lines):
            line = await process.stdout.readline()
            assert line, lines
            lines.append(line.decode().rstrip())
    text = "\n".join(lines)
    found = re.search(r"Prometheus: +(http://127\.0\.0\.1:\d+)", text)
    assert found, text
    assert "monitoring/grafana/dashboards" in text
    assert "docs/en/monitoring.md" in text
    async with aiohttp.ClientSession() as http:
        await Api(http, found[1]).until("diemcau_build_info")
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"{found[1]}/-/ready")


async def test_without_prometheus_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.demo.prometheus.shutil.which", lambda _: None)
    with pytest.raises(NoPrometheus, match="apt-get install prometheus"):
        async with prometheus("http://127.0.0.1:1", "", tmp_path):
            pass
    monkeypatch.undo()
    with pytest.raises(NoPrometheus, match="not served"):
        async with prometheus("", "", tmp_path):
            pass


async def alerts_are_readable(demo: Demo, api: Api) -> None:
    """The bad line raises its alerts, with sentences and links, and no other point has one."""
    await api.until('ALERTS{alertname="LossHigh",point="khoan-du",direction="down"}')
    await api.until('ALERTS{alertname="DscpRemarked",point="khoan-du"}')
    found = await alerts_of_the_bad_line(api)
    named = {(a["labels"]["alertname"], a["labels"].get("point")) for a in found}
    assert ("DscpRemarked", POINT) in named
    for alert in found:
        name = alert["labels"]["alertname"]
        notes = alert["annotations"]
        assert not any("error expanding" in text for text in notes.values()), notes
        assert not any("{{" in text for text in notes.values()), notes
        assert notes["runbook"] == f"{demo.process.url}/runbooks/{name}"
        if "point" in alert["labels"]:
            assert notes["summary"].startswith(POINT), notes
            assert notes["dashboard"].endswith(f"var-point={POINT}"), notes


async def alerts_of_the_bad_line(api: Api) -> list[dict[str, Any]]:
    """All alerts, when there is none of another point. A busy machine may starve one for so long
    that an alert of it is pending: that goes away, and a bad line's would not."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG):
            while not found or of_others(found):
                found = (await api.get("alerts"))["alerts"]
                await asyncio.sleep(0.2)
    assert not of_others(found)
    return found


def of_others(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [alert for alert in found if alert["labels"].get("point") not in (POINT, None)]
