"""Security events as syslog: the bytes, the collectors, and what happens while one is away."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.accounts.auth import Auth, Denied
from bridge.accounts.syslog import KEPT, Line, SecurityLog, framed, message, pseudonym, rotate, word
from bridge.app.certificates import CA_CERTIFICATE, CERTIFICATE, KEY, create
from bridge.base.observer import Observer
from bridge.store.database import NotSaved
from config.security_schema import Syslog
from tests.control_support import Bridge
from tests.waiting import HANG

LINE = Line(1_795_000_000.25, "user:nguyen.a", "192.0.2.7", "login", "", "refused")
SYNTAX = re.compile(  # RFC 5424 section 6
    rb"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) diem-cau (?P<pid>\d+) "
    rb"(?P<msgid>[!-~]{1,32}) \[audit@32473(?P<data>(?: [a-z]+=\"(?:[^\"\\\]]|\\[\"\\\]])*\")+)\] "
    rb"\xef\xbb\xbf(?P<text>.*)",
    re.DOTALL,
)


def parsed(data: bytes) -> tuple[int, dict[str, str], str]:
    found = SYNTAX.fullmatch(data)
    assert found is not None, data
    values = {
        name.decode(): re.sub(rb"\\(.)", rb"\1", value).decode()
        for name, value in re.findall(rb' ([a-z]+)="((?:[^"\\\]]|\\.)*)"', found["data"])
    }
    return int(found["pri"]), values, found["text"].decode()


def made(line: Line, *, identities: bool = False) -> bytes:
    return message(line, host="cầu truyền hình", process=42, identities=identities, key=b"k" * 32)


def test_a_refused_login() -> None:
    data = made(LINE, identities=True)
    assert data.startswith(b"<108>1 2026-11-18T11:06:40.250Z c-u-truy-n-h-nh diem-cau 42 login ")
    priority, values, text = parsed(data)
    assert priority == 13 * 8 + 4  # log audit, warning
    assert values == {
        "action": "login",
        "outcome": "refused",
        "kind": "user",
        "actor": "user:nguyen.a",
        "source": "192.0.2.7",
    }
    assert text == "login: refused"
    assert parsed(made(LINE._replace(outcome="done")))[0] == 13 * 8 + 5


def test_without_identities_nobody_is_named() -> None:
    data = made(LINE._replace(target="user:tran.b"))
    assert b"nguyen" not in data
    assert b"tran" not in data
    assert b"192.0.2.7" not in data
    values = parsed(data)[1]
    # What one does hangs together, and another is another.
    assert values["actor"] == parsed(made(LINE))[1]["actor"]
    assert values["actor"] != parsed(made(LINE._replace(actor="user:nguyen.b")))[1]["actor"]
    assert pseudonym("x", b"1") != pseudonym("x", b"2")


ANY = st.text(st.characters(exclude_categories=()), max_size=400)  # surrogates, too


@given(ANY, ANY, ANY, ANY, st.booleans())
def test_whatever_is_said_stays_one_message(
    actor: str, action: str, target: str, outcome: str, identities: bool
) -> None:
    line = Line(0.0, actor, "192.0.2.7", action, target, outcome)
    data = made(line, identities=identities)
    values = parsed(data)[1]
    assert set(values) <= {"action", "outcome", "kind", "actor", "source", "target"}
    assert framed(data, "tcp").partition(b" ")[0] == str(len(data)).encode()
    assert framed(data, "udp") == data


def test_words() -> None:
    assert word("topology reload") == "topology-reload"
    assert word("") == "-"
    assert len(word("x" * 100)) == 32


class Collector:
    """A TCP or TLS collector that reads octet-counted messages."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.server: asyncio.Server

    async def start(self, port: int = 0, context: ssl.SSLContext | None = None) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=context)
        return int(self.server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int(await reader.readuntil(b" "))
                await self.got.put(await reader.readexactly(length))

    async def stop(self) -> None:
        self.server.close()
        with contextlib.suppress(AttributeError):
            self._writer.transport.abort()


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_over_udp(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.setblocking(False)
        config = Syslog(address="127.0.0.1", port=collector.getsockname()[1])
        sender = SecurityLog(config, Path(), tmp_path / "key")
        task = asyncio.create_task(sender.run())
        sender.note(LINE)
        async with asyncio.timeout(HANG):
            data = await asyncio.get_running_loop().sock_recv(collector, 4096)
        assert parsed(data)[2] == "login: refused"
        await ended(task)


async def test_a_collector_that_was_away_gets_what_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bridge.accounts.syslog.RETRY", (0.02,))
    collector = Collector()
    port = await collector.start()
    sender = SecurityLog(
        Syslog(address="127.0.0.1", port=port, transport="tcp"), Path(), tmp_path / "key"
    )
    task = asyncio.create_task(sender.run())
    sender.note(LINE)
    async with asyncio.timeout(HANG):
        await collector.got.get()
        await collector.stop()
        while "cannot be reached" not in caplog.text:  # noqa: ASYNC110 - a line of a log
            await asyncio.sleep(0.01)
        for number in range(3):
            sender.note(LINE._replace(outcome=f"refused {number}"))
        again = Collector()
        await again.start(port)
        texts = [parsed(await again.got.get())[2] for _ in range(3)]
    assert texts == [f"login: refused {n}" for n in range(3)]
    assert caplog.text.count("cannot be reached") == 1
    await ended(task)
    await again.stop()


async def test_over_tls_and_only_to_the_right_one(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    create(tmp_path / "tls", ["127.0.0.1"], "Tỉnh", now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls" / CERTIFICATE, tmp_path / "tls" / KEY)
    collector = Collector()
    port = await collector.start(0, context)
    config = Syslog(
        address="127.0.0.1", port=port, transport="tls", authority=f"tls/{CA_CERTIFICATE}"
    )
    stranger = SecurityLog(
        config.model_copy(update={"authority": None}), tmp_path, tmp_path / "key"
    )
    sender = SecurityLog(config, tmp_path, tmp_path / "key")
    tasks = [asyncio.create_task(stranger.run())]
    stranger.note(LINE._replace(action="for nobody"))
    await asyncio.sleep(0.2)
    tasks.append(asyncio.create_task(sender.run()))
    sender.note(LINE)
    async with asyncio.timeout(HANG):
        assert parsed(await collector.got.get())[2] == "login: refused"
    assert stranger.sent == 0
    for task in tasks:
        await ended(task)
    await collector.stop()


async def test_what_waits_has_a_bound(tmp_path: Path) -> None:
    sender = SecurityLog(Syslog(address="192.0.2.1"), Path(), tmp_path / "key")
    for _ in range(KEPT + 5):
        sender.note(LINE)
    assert sender.dropped == 5


async def test_the_audit_trail_is_what_is_sent(bridge: Bridge) -> None:
    told: list[Line] = []
    auth = Auth(
        bridge.process.accounts,
        bridge.conductor.now,
        bridge.control.clock,
        "a local token",
        Observer(),
        told.append,
    )
    with pytest.raises(Denied):
        await auth.login("lan", "wrong" * 4, "192.0.2.7", "test")
    assert [(t.actor, t.action, t.outcome) for t in told] == [("user:lan", "login", "refused")]


async def test_audit_lines_wait_for_a_store_that_fails(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = bridge.process.accounts
    real = accounts.note

    async def failing(**_: Any) -> None:
        raise NotSaved("disk full")

    monkeypatch.setattr(accounts, "note", failing)
    await bridge.process.auth.note("user:nguyen.a", "192.0.2.7", "first")
    await bridge.process.auth.note("user:nguyen.a", "192.0.2.7", "second")
    assert "nguyen" not in caplog.text
    assert "192.0.2.7" not in caplog.text
    monkeypatch.setattr(accounts, "note", real)
    await asyncio.gather(
        *(bridge.process.auth.note("user:nguyen.a", "192.0.2.7", f"third {n}") for n in range(3))
    )
    kept = [entry.action for entry in reversed(await accounts.audit(limit=None))]
    assert kept[:2] == ["first", "second"]
    assert sorted(kept[2:]) == ["third 0", "third 1", "third 2"]


def test_a_collector_has_an_address() -> None:
    for wrong in (
        {},
        {"address": ""},
        {"address": "x", "port": 0},
        {"address": "x", "transport": "carrier pigeon"},
    ):
        with pytest.raises(ValidationError):
            Syslog.model_validate(wrong)


def test_pseudonyms_outlive_a_restart_and_can_be_rotated(tmp_path: Path) -> None:
    """They once were others after every restart, so that nobody could count."""

    def actor() -> str:
        sender = SecurityLog(Syslog(address="192.0.2.1"), tmp_path, tmp_path / "key")
        sender.note(LINE)
        found = re.search(rb'actor="(\w+)"', sender._waiting[0])
        assert found is not None
        return found[1].decode()

    first = actor()
    assert actor() == first
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    rotate(tmp_path / "key")
    second = actor()
    assert second != first
    assert actor() == second


def test_a_running_sender_takes_the_rotated_key(tmp_path: Path) -> None:
    sender = SecurityLog(Syslog(address="192.0.2.1"), tmp_path, tmp_path / "key")
    sender.note(LINE)
    rotate(tmp_path / "key")
    sender.note(LINE)
    before, after = (re.search(rb'actor="(\w+)"', said) for said in sender._waiting)
    assert before is not None
    assert after is not None
    assert before[1] != after[1]
