"""Passwords of codecs stand in files that somebody may be writing just now."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bridge.app.sip_gateway import Passwords
from config.sip_schema import SipPoint

CODEC = SipPoint(uri="sip:codec@192.0.2.20", password_file="codec.txt")


def test_what_stood_in_a_file_last_counts_while_it_cannot_be_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, passwords = tmp_path / "codec.txt", Passwords(tmp_path)
    with caplog.at_level(logging.INFO):
        assert [passwords.of(CODEC) for _ in range(3)] == [""] * 3
        assert len(caplog.records) == 1  # once for each change, not every second
        path.write_text("first \n# a remark\n", "utf-8")
        assert passwords.of(CODEC) == "first"
        for data in (b"", b"\n", b"\nsecond", b"\xff\xfe"):
            path.write_bytes(data)
            assert passwords.of(CODEC) == passwords.of(CODEC) == "first"
        assert len(caplog.records) == 3  # empty in three ways is one problem
        path.unlink()
        assert passwords.of(CODEC) == "first"
        path.write_text("second", "utf-8")
        assert passwords.of(CODEC) == "second"
        path.unlink()
        assert passwords.of(CODEC) == "second"
        assert len(caplog.records) == 5  # it was away twice


def test_a_password_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    codec = SipPoint(uri="sip:codec@192.0.2.20", password_environment="CODEC_PASSWORD")
    monkeypatch.setenv("CODEC_PASSWORD", "secret")
    assert Passwords(tmp_path).of(codec) == "secret"
    assert Passwords(tmp_path).of(SipPoint(uri="sip:codec@192.0.2.20")) == ""
