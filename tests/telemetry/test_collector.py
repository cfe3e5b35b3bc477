"""The bridge's figures for Prometheus, and the listener that serves them."""

from __future__ import annotations

import asyncio
import builtins
import datetime
import gzip
import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import ValidationError

from bridge.agents import protocol as p
from bridge.agents.registry import Agent
from bridge.app.certificates import CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY, create
from bridge.app.errors import StartError
from bridge.app.process import ControlProcess
from bridge.base.i18n import Sentence
from bridge.conference import commands as c
from bridge.control.line_quality import LineQuality, Mark
from bridge.lines.board import Board, PointView, StepView
from bridge.media import messages as m
from bridge.server.metrics_listener import MetricsListener, tls_context
from bridge.signalling.protocol import Media, Playback, RoomStatus
from bridge.telemetry.host import read_host
from config.schema import MetricsPort, Tls
from monitoring.exposition.snapshot import Snapshot, exposition
from tests.control_support import TOPOLOGY, Bridge
from tests.telemetry.test_counters import stats, transport

POINT = "khoan-du"
TOKEN = "a token of sixteen"


def quality(level: str = "good", **changes: Any) -> LineQuality:
    values: dict[str, Any] = {
        "up": level,
        "down": level,
        "up_loss": 0.0,
        "down_loss": 0.0,
        "rtt_ms": 1.0,
        "at": 1.0,
        "reach": "yes",
        "marks": {"ef": Mark(46, 46, 46)},
    }
    return LineQuality(**(values | changes))


@pytest.fixture
async def watched(bridge: Bridge) -> AsyncIterator[Bridge]:
    bridge.process.health.start()
    yield bridge
    bridge.process.health.prober.close()


def snapshot(bridge: Bridge) -> Snapshot:
    return bridge.process.collector.snapshot()


async def test_a_fresh_bridge_has_every_point_at_nought(watched: Bridge) -> None:
    found = snapshot(watched)
    for point in TOPOLOGY.points:
        assert found.value("point_up", point.id) == 0
        assert found.value("point_state", point.id, "offline") == 1
        assert found.value("point_joins_total", point.id, "joined") == 0
        assert found.value("point_info", point.id, point.name.vi, point.tier, point.link) == 1
        assert found.value("media_audio_level_decibels", point.id, "up", "audio") == -127
    assert found.value("workers", "ready") == 1
    assert found.value("config_last_reload_successful") == 1
    assert list(found.numbers["diemcau_build_info"].values()) == [1]


async def test_a_point_from_join_to_leaving(watched: Bridge) -> None:
    ident = await watched.open()
    assert snapshot(watched).value("point_expected", POINT) == 1
    assert snapshot(watched).value("point_connected", POINT) == 0
    assert snapshot(watched).value("conferences", "live") == 1
    await watched.join(POINT, "hoi-truong")
    session = watched.control.sessions.of_point(POINT)
    assert session is not None
    watched.process.collector.tick(1.0)
    found = snapshot(watched)
    assert found.value("point_up", POINT) == 1
    assert found.value("point_connected", POINT) == 1
    assert found.value("point_state", POINT, "in_session") == 1
    assert found.value("point_joins_total", POINT, "joined") == 1
    assert found.value("point_last_seen_timestamp_seconds", POINT) == pytest.approx(watched.wall)
    await watched.do(ident, c.Grant(point=POINT))
    found = snapshot(watched)
    assert found.value("floor_holder", POINT) == found.value("on_air", POINT) == 1
    assert found.value("takes_total") == 1
    watched.control.presence.end(session)
    await watched.settle()
    found = snapshot(watched)
    assert found.value("point_disconnects_total", POINT, "left") == 1
    assert found.value("point_connected", POINT) == 0
    await watched.do(ident, c.End())
    assert snapshot(watched).histograms["diemcau_conference_duration_seconds"][()].count == 1
    assert snapshot(watched).value("point_expected", POINT) == 0


async def test_readiness_is_page_camera_and_microphone(watched: Bridge) -> None:
    tokens = await watched.join(POINT)
    assert snapshot(watched).value("point_ready", POINT) == 0
    async with watched.client.ws_connect("/api/v1/ws") as socket_:
        await socket_.send_json({"type": "hello", "version": 2, "session": tokens[POINT]})
        await socket_.receive_json()
        session = watched.control.sessions.of_point(POINT)
        assert session is not None
        watched.control.presence.status(session, RoomStatus(camera=True))
        assert snapshot(watched).value("point_ready", POINT) == 0
        watched.control.presence.status(session, RoomStatus(camera=True, microphone=True))
        assert snapshot(watched).value("point_ready", POINT) == 1
        assert snapshot(watched).value("websocket_clients") == 1


async def test_a_room_that_closes_its_media_is_not_asked_for_another_offer(
    watched: Bridge,
) -> None:
    """It is about to make one; asked for a second, it would close the first, and so on."""
    await watched.join(POINT)
    session = watched.control.sessions.of_point(POINT)
    assert session is not None
    posted: list[Any] = []

    class Page:
        waiting = 0

        def post(self, message: Any) -> None:
            posted.append(message)

    session.client = Page()  # type: ignore[assignment]
    ident = watched.opened()[-1].transport
    watched.control.reconciler.on_event(m.StateChanged(transport=ident, state="closed"))
    assert not [item for item in posted if isinstance(item, Media)]
    assert session.transport == ""
    assert snapshot(watched).value("point_disconnects_total", POINT, "closed") == 1
    # One whose media failed does not know, perhaps.
    session.client = None
    await watched.offer((await watched.join(POINT))[POINT])
    session = watched.control.sessions.of_point(POINT)
    assert session is not None
    session.client = Page()  # type: ignore[assignment]
    ident = watched.opened()[-1].transport
    watched.control.reconciler.on_event(
        m.StateChanged(transport=ident, state="failed", reason="No ICE.")
    )
    assert [item.reason for item in posted if isinstance(item, Media)] == ["failed"]


async def test_time_of_lines_and_in_conferences(watched: Bridge) -> None:
    tick = watched.process.collector.tick
    await watched.join(POINT, "hoi-truong")
    watched.process.health.publish({POINT: quality(), "an-binh": quality("bad", reach="no")})
    tick(1.0)
    ident = await watched.open()
    await watched.settle()
    tick(2.0)
    watched.process.health.publish({POINT: quality("poor"), "an-binh": quality("bad", reach="no")})
    tick(4.0)
    await watched.process.incidents.set_maintenance("an-binh", True, None, "", "user:x")
    tick(8.0)
    found = snapshot(watched)

    def seconds(point: str, state: str) -> float:
        return found.value("line_seconds_total", point, state)

    assert seconds(POINT, "up") == 15
    assert (seconds("an-binh", "down"), seconds("an-binh", "maintenance")) == (7, 8)
    assert seconds("yen-bong", "unknown") == 15
    assert seconds("hoi-truong", "up") == 15  # no probe, and media that flows
    inside = {
        key[1:]: value
        for key, value in watched.process.meters.counts.items()
        if key[0] == "line_conference_seconds_total" and key[2] == "up"
    }
    assert inside[POINT, "up", "good"] == 2
    assert inside[POINT, "up", "poor"] == 12
    assert inside["an-binh", "up", "bad"] == 14  # cut off
    assert ("yen-bong", "up", "unknown") not in inside  # nobody came; its line may be well
    await watched.do(ident, c.End())


async def test_what_an_agent_says(watched: Bridge) -> None:
    agents = watched.process.agents
    agent = Agent(POINT, "d", "127.0.0.1", "1.2.3", 0.0)
    agents.add(agent)
    agents.reported(
        agent,
        p.Report(
            devices=(p.Device(kind="camera", name="C"), p.Device(kind="speaker", name="S")),
            machine=p.Machine(cpu=0.5, temperature=61.0, synchronised=True),
            kiosk=p.Kiosk(state="running", restarts=3),
        ),
    )
    watched.process.health.publish(
        {
            POINT: quality(
                offset_ms=-750.0,
                playback=Playback(frozen=0.25, concealed=0.5, frame_height=720, frame_rate=24.0),
            )
        }
    )
    watched.process.collector.tick(2.0)
    found = snapshot(watched)
    assert found.value("agent_info", POINT, "1.2.3") == 1
    assert found.value("point_device_present", POINT, "up", "video") == 1
    assert found.value("point_device_present", POINT, "up", "audio") == 0
    assert found.value("point_device_present", POINT, "down", "audio") == 1
    assert found.value("point_host_cpu_ratio", POINT) == 0.5
    assert found.value("point_host_temperature_celsius", POINT) == 61
    assert found.value("point_clock_synchronised", POINT) == 1
    assert found.value("point_kiosk_restarts_total", POINT) == 3
    assert found.value("point_clock_offset_seconds", POINT) == -0.75
    assert found.value("media_frozen_ratio", POINT, "down", "video") == 0.25
    assert found.value("media_frozen_seconds_total", POINT, "down", "video") == 0.5
    assert found.value("media_frame_height_pixels", POINT, "down", "video") == 720
    # Whatever it calls itself, it makes no label of its own choosing.
    agent.version = 'x"} 1\n'
    assert snapshot(watched).value("agent_info", POINT, "?") == 1


async def test_the_worker_and_its_transports(watched: Bridge) -> None:
    found = transport("t1", packets=100, label=POINT)
    watched.process.meters.take_worker(
        stats(found, transport("t2", packets=1, label="an-binh")),
        "w",
        watched.control.topology.points,
    )
    text = snapshot(watched)
    assert text.value("worker_packets_forwarded_total", "0") == 100
    assert text.value("worker_packets_dropped_total", "0", "empty") == 2
    assert text.value("transports", "connected") == 2
    assert text.value("media_packets_total", POINT, "up", "video") == 100
    assert text.value("media_layer", POINT, "up") == 1
    assert text.value("media_layer", POINT, "down") == 1
    # One that is just being closed is no state to be shown, and no reason for a gap.
    closing = m.TransportStats(
        transport="t3",
        label="x",
        state="closed",
        rtt_ms=0,
        remb=0,
        downlink_loss=0,
        allocation=0,
        sources=(),
        slots=(),
    )
    watched.process.meters.take_worker(stats(closing), "w", watched.control.topology.points)
    assert snapshot(watched).value("worker_uptime_seconds", "0") == 1


async def test_capacity_is_what_arrived(watched: Bridge) -> None:
    step = StepView(down=1600.0, up=800.0, down_loss=0.5, up_loss=0.0, down_delay=0, up_delay=0)
    better = StepView(down=1200.0, up=400.0, down_loss=0.0, up_loss=0.0, down_delay=0, up_delay=0)
    watched.process.readiness.board = Board(
        points=(
            PointView(
                point=POINT,
                name=Sentence(vi="", en=""),
                level="good",
                checks=(),
                capacity=(better, step),
            ),
            PointView(
                point="gone", name=Sentence(vi="", en=""), level="good", checks=(), capacity=(step,)
            ),
        )
    )
    found = snapshot(watched)
    assert found.value("line_capacity_bytes_per_second", POINT, "down") == 150_000
    assert found.value("line_capacity_bytes_per_second", POINT, "up") == 100_000


async def test_refused_keys_and_passwords_are_counted(watched: Bridge) -> None:
    await watched.client.post("/api/v1/login", json={"name": "lan", "password": "wrong" * 4})
    await watched.client.post("/api/v1/sessions", json={"point": POINT, "key": "wrong"})
    await watched.client.post("/api/v1/enrol", json={"code": "ABCD-EFGH"})
    found = snapshot(watched)
    reasons = ("password", "device_key", "enrolment_code")
    assert [found.value("authentication_failures_total", r) for r in reasons] == [1, 1, 1]


async def test_a_fault_in_one_part_leaves_the_others(
    watched: Bridge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(watched.process.scheduler, "templates", broken)
    found = snapshot(watched)
    assert found.value("workers", "ready") == 1
    assert "a part of the figures is missing" in caplog.text


async def test_nothing_is_read_while_a_scrape_waits(
    watched: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched.open()
    await watched.join(POINT)

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("I/O on the scrape path")

    for owner, name in (
        (builtins, "open"),
        (os, "open"),
        (os, "stat"),
        (os, "statvfs"),
        (socket, "socket"),
        (Path, "read_text"),
        (Path, "read_bytes"),
    ):
        monkeypatch.setattr(owner, name, forbidden)
    monkeypatch.setattr(type(watched.process.engine), "connect", forbidden)
    monkeypatch.setattr(watched.process.worker, "stats", forbidden)
    found = snapshot(watched)
    monkeypatch.undo()
    assert found.value("point_connected", POINT) == 1


def test_disk_and_certificate(tmp_path: Path) -> None:
    create(tmp_path / "tls", ["192.0.2.10"], "Huyện", datetime.datetime.now(datetime.UTC))
    found = read_host(tmp_path, tmp_path / "tls" / CERTIFICATE)
    assert 0 < found.disk_free <= found.disk_size
    assert found.certificate > 1_700_000_000
    (tmp_path / "broken").write_text("no certificate")
    assert read_host(tmp_path / "gone", tmp_path / "broken").certificate == 0


async def test_a_scrape_has_its_size(tmp_path: Path) -> None:
    """Under 1 MB for twelve points; what more points cost is in docs/performance.md."""
    sizes = {}
    for count in (12, 150):
        first = TOPOLOGY.points[-1]
        more = [first.model_copy(update={"id": f"{first.id}-{n}"}) for n in range(count)]
        topology = TOPOLOGY.model_copy(update={"points": [*TOPOLOGY.points, *more][:count]})
        bridge = Bridge(tmp_path / str(count), topology=topology)
        await bridge.start()
        bridge.process.health.start()
        sizes[count] = len(exposition(snapshot(bridge))[0])
        bridge.process.health.prober.close()
        await bridge.stop()
    assert sizes[12] < 1_000_000
    assert sizes[150] < 15 * sizes[12]


# --- the listener --------------------------------------------------------------------------


class Stage:
    """A listener around a real snapshot."""

    def __init__(self, bridge: Bridge, config: MetricsPort) -> None:
        self.healthy = True
        self.listener = MetricsListener(
            config,
            bridge.process.collector.snapshot,
            lambda: self.healthy,
            bridge.process._not_ready,
            bridge.process.meters,
        )


async def test_metrics_health_and_readiness(watched: Bridge) -> None:
    stage = Stage(watched, MetricsPort(port=0))
    async with TestClient(TestServer(stage.listener.app)) as client:
        response = await client.get("/metrics")
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "diemcau_point_up" in await response.text()
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 200
        watched.control.reconciler.on_worker_down()
        response = await client.get("/readyz")
        assert response.status == 503
        assert (await response.json())["type"] == "/problems/http.no_worker"
        stage.healthy = False
        response = await client.get("/healthz")
        assert response.status == 503
        assert (await response.json())["title_vi"]
        assert (await client.get("/console")).status == 404


async def test_a_scrape_is_compressed_for_who_can_read_that(watched: Bridge) -> None:
    stage = Stage(watched, MetricsPort(port=0))
    async with TestClient(TestServer(stage.listener.app), auto_decompress=False) as client:
        response = await client.get("/metrics", headers={"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert b"diemcau_point_up" in gzip.decompress(await response.read())


async def test_a_token_is_asked_for(watched: Bridge) -> None:
    stage = Stage(watched, MetricsPort(port=0, token=TOKEN))
    async with TestClient(TestServer(stage.listener.app)) as client:
        for headers in (
            {},
            {"Authorization": "Bearer no"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": "Bearer \udcff"},
        ):
            try:
                response = await client.get("/metrics", headers=headers)
            except UnicodeEncodeError:
                continue
            assert response.status == 401
            assert response.content_type == "application/problem+json"
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/metrics", headers=right)).status == 200
        assert (await client.get("/healthz")).status == 200  # says nothing
    found = snapshot(watched)
    assert found.value("authentication_failures_total", "metrics_token") >= 3


async def test_who_does_not_read_keeps_nobody_waiting(watched: Bridge) -> None:
    stage = Stage(watched, MetricsPort(port=0))
    await stage.listener.start(None)
    port = int(stage.listener.url.rpartition(":")[2])
    slow = []
    for _ in range(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        slow.append((reader, writer))
    async with (
        asyncio.timeout(10),
        aiohttp.ClientSession() as http,
        http.get(f"{stage.listener.url}/metrics") as response,
    ):
        assert len(await response.read()) > 100_000
    for _, writer in slow:
        writer.close()
    await stage.listener.stop()


async def test_a_taken_port_is_no_reason_not_to_start(
    watched: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    first = Stage(watched, MetricsPort(port=0))
    await first.listener.start(None)
    port = int(first.listener.url.rpartition(":")[2])
    second = Stage(watched, MetricsPort(port=port))
    await second.listener.start(None)
    assert second.listener.url == ""
    assert "bridge.metrics.port" in caplog.text
    await second.listener.stop()
    await first.listener.stop()


def test_metrics_for_everybody_are_refused() -> None:
    with pytest.raises(ValidationError, match="open to everybody"):
        MetricsPort(listen="192.0.2.10")
    MetricsPort(listen="192.0.2.10", token=TOKEN)
    MetricsPort(listen="192.0.2.10", client_authority="ca.crt")
    with pytest.raises(ValidationError):
        MetricsPort(token="short")


async def test_elsewhere_than_on_loopback_tls_is_needed(tmp_path: Path) -> None:
    bridge = TOPOLOGY.bridge.model_copy(
        update={"metrics": MetricsPort(listen="192.0.2.10", port=0, token=TOKEN)}
    )
    topology = TOPOLOGY.model_copy(update={"bridge": bridge})
    process = ControlProcess(topology, state=tmp_path / "s", folder=tmp_path)
    with pytest.raises(StartError, match="need TLS"):
        await process.__aenter__()
    await process.engine.dispose()


def client_certificate(tls: Path) -> tuple[Path, Path]:
    """A certificate for a scraper, of the authority in a folder."""
    now = datetime.datetime.now(datetime.UTC)
    ca = x509.load_pem_x509_certificate((tls / CA_CERTIFICATE).read_bytes())
    ca_key = serialization.load_pem_private_key((tls / CA_KEY).read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "prometheus")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    certificate, private = tls / "client.crt", tls / "client.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


async def test_a_client_certificate_is_asked_for(watched: Bridge, tmp_path: Path) -> None:
    tls = tmp_path / "tls"
    create(tls, ["127.0.0.1"], "Huyện", datetime.datetime.now(datetime.UTC))
    pair = (tls / CERTIFICATE, tls / KEY)
    authority = tls / CA_CERTIFICATE
    served = Tls(certificate=str(pair[0]), key=str(pair[1]))
    config = MetricsPort(port=0, client_authority=str(authority), tls=served)
    stage = Stage(watched, config)
    await stage.listener.start(tls_context(config, tmp_path, None))
    assert stage.listener.url.startswith("https://")
    trusting = ssl.create_default_context(cafile=str(authority))
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            async with http.get(f"{stage.listener.url}/metrics", ssl=trusting) as response:
                await response.read()
        trusting.load_cert_chain(*client_certificate(tls))
        async with http.get(f"{stage.listener.url}/metrics", ssl=trusting) as response:
            assert response.status == 200
    await stage.listener.stop()
