"""What logs hold, and what they must not."""

from __future__ import annotations

import io
import json
import logging
import secrets
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bridge.accounts import passwords
from bridge.base import logs
from endpoints.agent.log_keeper import LogKeeper

log = logging.getLogger("test.logs")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Logs of this process into a text, as if for the journal."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    monkeypatch.delenv(logs.LEVEL, raising=False)
    logging.captureWarnings(False)  # pytest may have undone half of an earlier test's
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("from 192.0.2.17 to 127.0.0.1:5004", "from [address] to [address]"),
        ("peer ('10.11.12.13', 38254)", "peer ('[address]', 38254)"),
        ("at [2001:db8::1]:443, fe80::1%eth0 and ::1", "at [address], [address] and [address]"),
        ("a=ice-pwd:0123456789abcdef0123", "a=ice-pwd:[secret]"),
        ("Authorization: Bearer abc.def", "Authorization: [secret] abc.def"),
        ("password=correct-horse", "password=[secret]"),
        ("user:nguyen.van-a asked", "user:[name] asked"),
        ("fingerprint 3f2a9c4d5e6f708192a3b4c5d6e7f809", "fingerprint [token]"),
        # What is no secret stays readable.
        ("giao-ban-20261122-073000 opened at 07:30:15", None),
        ("2026-11-22T07:30:15.123Z", None),
        ("version 4.3.0 of bridge.media.core", None),
        ("worker 6dbe33d398f43c4e on port 5004", None),
        ("diemcau_probe_delay_variation_seconds", None),
        ("điểm cầu khoan-du: 2 of 12", None),
        ("Class::method of ::", None),
        ("from 2001:db8::7.", "from [address]."),
    ],
)
def test_redaction(text: str, kept: str | None) -> None:
    assert logs.redacted(text) == (text if kept is None else kept)


@given(st.ip_addresses(), st.sampled_from(["{}", "from {}.", "({})", "x={},y", "'{}'"]))
def test_no_address_stays(address: Any, form: str) -> None:
    assert str(address) not in logs.redacted(form.format(address)) or str(address) == "::"


@given(st.integers(), st.sampled_from(["{}", "x {}", "({})", "'{}'"]))
def test_no_token_stays(seed: int, form: str) -> None:
    for token in (passwords.new_token(), secrets.token_urlsafe(24), secrets.token_hex(16)):
        # One in a thousand is of letters only, like the name of a class.
        assert token not in logs.redacted(form.format(token)) or token.isalpha()


def test_a_line_for_the_journal(journal: io.StringIO) -> None:
    with logs.context(conference="giao-ban-1", point="khoan-du", command="00aa", other=None):
        log.info("take: %s", "done")
    log.warning("outside")
    first, second = lines(journal)
    assert first["event"] == "take: done"
    assert (first["conference"], first["point"], first["command"]) == (
        "giao-ban-1",
        "khoan-du",
        "00aa",
    )
    assert first["level"] == "info"
    assert first["logger"] == "test.logs"
    assert first["timestamp"].endswith("Z")
    assert "other" not in first
    assert "conference" not in second


def test_a_thread_names_its_process_too(journal: io.StringIO) -> None:
    logs.configure(journal, process="worker")
    thread = threading.Thread(target=log.warning, args=("from a thread",))
    thread.start()
    thread.join()
    log.warning("from the main one")
    assert [line["process"] for line in lines(journal)] == ["worker", "worker"]


def test_exceptions_and_libraries_are_redacted_too(journal: io.StringIO) -> None:
    token = passwords.new_token()
    try:
        raise ValueError(f"{token} of 192.0.2.9")
    except ValueError:
        log.exception("failed for %s", "192.0.2.9")
    logging.getLogger("aiohttp.server").error("Error handling request from 192.0.2.9")
    with logs.context(point=f"x {token}"):
        log.error("odd")
    text = journal.getvalue()
    assert "ValueError" in text
    assert token not in text
    assert "192.0.2.9" not in text
    assert len(lines(journal)) == 3


def test_warnings_of_libraries_are_lines_like_others(journal: io.StringIO) -> None:
    warnings.showwarning("this goes away", DeprecationWarning, "library.py", 7)
    (line,) = lines(journal)
    assert line["logger"] == "py.warnings"
    assert "this goes away" in line["event"]


def test_debugging_shows_everything(journal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    log.debug("192.0.2.9")
    assert journal.getvalue() == ""
    monkeypatch.setenv(logs.LEVEL, "debug")
    logs.configure(journal)
    log.debug("192.0.2.9")
    log.info("192.0.2.9")
    debug, info = lines(journal)
    assert debug["event"] == "192.0.2.9"
    assert info["event"] == "[address]"


@pytest.mark.parametrize("level", ["", "LOUD", "12"])
def test_a_level_that_is_none_is_info(
    journal: io.StringIO, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    monkeypatch.setenv(logs.LEVEL, level)
    logs.configure(journal)
    assert logging.getLogger().level == logging.INFO


def test_people_get_no_json(journal: io.StringIO) -> None:
    terminal = Terminal()
    logs.configure(terminal)
    with logs.context(point="khoan-du"):
        log.warning("the line is bad")
    assert "the line is bad" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")


def test_what_an_agent_sends_of_its_log_is_redacted_too() -> None:
    keeper = LogKeeper()
    keeper.emit(
        logging.LogRecord("agent", logging.INFO, "", 0, "no way to %s", ("192.0.2.1",), None)
    )
    assert keeper.text().endswith("INFO agent: no way to [address]")


def test_newlines_do_not_forge_lines(journal: io.StringIO) -> None:
    log.warning("a peer said %s", 'x"}\n{"event": "forged"}')
    assert len(lines(journal)) == 1


def test_what_repeats_is_said_once_a_minute() -> None:
    """A stranger once wrote 61 MB of log in 90 seconds."""
    now = 0.0
    repeats = logs.Repeats(lambda: now)

    def said(level: int, text: str) -> bool:
        record = logging.LogRecord("http", level, "x.py", 1, text, (), None)
        kept.append(record)
        return bool(repeats.filter(record))

    kept: list[logging.LogRecord] = []
    assert sum(said(logging.WARNING, "a connection was refused") for _ in range(1000)) == 3
    assert sum(said(logging.WARNING, "something else") for _ in range(2)) == 2
    assert sum(said(logging.INFO, "a connection was refused") for _ in range(50)) == 50
    now = 61.0
    assert said(logging.WARNING, "a connection was refused")
    assert "997 more like it" in str(kept[-1].msg)
    for number in range(2000):
        said(logging.ERROR, f"line {number}")
    assert len(repeats._seen) <= logs.REPEATS_KNOWN
