"""The disk and the server's certificate."""

from __future__ import annotations

import datetime
from pathlib import Path

from bridge.app.certificates import CERTIFICATE, create
from bridge.telemetry.host import read_host


def test_disk_and_certificate(tmp_path: Path) -> None:
    create(tmp_path / "tls", ["192.0.2.10"], "Huyện", datetime.datetime.now(datetime.UTC))
    found = read_host(tmp_path, tmp_path / "tls" / CERTIFICATE)
    assert 0 < found.disk_free <= found.disk_size
    assert found.certificate > 1_700_000_000
    (tmp_path / "broken").write_text("no certificate")
    assert read_host(tmp_path / "gone", tmp_path / "broken").certificate == 0
