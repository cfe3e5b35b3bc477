"""The listener that Prometheus scrapes."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import ValidationError

from bridge.app.certificates import CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY, create
from bridge.app.errors import StartError
from bridge.app.listening import not_ready
from bridge.app.process import ControlProcess
from bridge.base.logs import redacted
from bridge.server.metrics_listener import MetricsListener, tls_context
from config.schema import MetricsPort, Tls
from tests.control_support import TOPOLOGY, Bridge
from tests.telemetry.support import snapshot
from tests.waiting import HANG

TOKEN = "a token of sixteen"


class Stage:
    """A listener around a real snapshot."""

    def __init__(self, bridge: Bridge, config: MetricsPort) -> None:
        self.healthy = True
        self.listener = MetricsListener(
            config,
            bridge.process.collector.snapshot,
            lambda: self.healthy,
            lambda: not_ready(bridge.process.control),
            bridge.process.meters,
            bridge.process.hosts,
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
        asyncio.timeout(HANG),
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


async def test_a_taken_port_is_said_so_in_the_log(
    watched: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    taken = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    stage = Stage(watched, MetricsPort(port=port))
    await stage.listener.start(None)
    said = redacted(caplog.messages[-1])
    assert f"port {port}" in said
    assert "Address already in use" in said
    assert "[address]" not in said
    assert stage.listener.url == ""
    taken.close()
    await stage.listener.move(MetricsPort(port=0, token=TOKEN), None)
    url = f"{stage.listener.url}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 401, "as the new configuration has it"
    await stage.listener.stop()


async def test_figures_are_not_for_a_page_of_a_stranger(watched: Bridge) -> None:
    """DNS rebinding: the stranger's name leads here, and Host and Origin name it alike."""
    stage = Stage(watched, MetricsPort(port=0))
    async with TestClient(TestServer(stage.listener.app)) as client:
        for headers, status in (
            ({"Host": "evil.example"}, 421),
            ({"Host": "evil.example:9464", "Origin": "http://evil.example:9464"}, 421),
            ({"Origin": "http://evil.example"}, 403),
            ({"Host": "localhost"}, 200),
        ):
            assert (await client.get("/metrics", headers=headers)).status == status, headers
