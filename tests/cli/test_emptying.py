"""`drain` prints how far it is, and what it exits with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.app import handing_over
from bridge.app.handing_over import HOLD, Note
from bridge.cli import emptying as module
from bridge.cli.common import errors
from bridge.cli.emptying import drain

FILE = Path("config/lac-thuy.yaml")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(typer, "echo", lines.append)
    monkeypatch.setattr(errors, "print", lambda text, **_: lines.append(text))
    monkeypatch.setattr(module, "LOOK", 0.0)
    monkeypatch.setattr(module, "state_folder", lambda *_: Path("/nowhere"))
    return lines


def asked(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> list[str]:
    calls: list[str] = []
    rest: Iterator[Any] = iter(answers)

    def ask(file: Path, method: str, path: str) -> bytes:
        calls.append(f"{method} {path}")
        return json.dumps(next(rest)).encode()

    monkeypatch.setattr(module, "ask", ask)
    return calls


def workers(connections: int) -> dict[str, Any]:
    return {"workers": [{"id": "0", "connections": 9}, {"id": "1", "connections": connections}]}


def test_a_host_is_drained(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    calls = asked(monkeypatch, {"hosts": ["may-2", "may-3"], "connections": 2})
    begun = Note(at=1.0, connections=2, left=2)
    notes = iter(
        [
            begun,
            begun,
            Note(at=1.0, connections=2, left=1, leader="may-3"),
            Note(at=1.0, connections=2, left=0, leader="may-3", done=True),
        ]
    )
    monkeypatch.setattr(handing_over, "read_note", lambda _: next(notes))
    drain(FILE)
    assert calls == ["POST /api/v1/drain"]
    assert said == [
        "Handing over to may-2 or may-3: 2 connections.",
        "Waiting until another host leads …",
        "may-3 leads; 1 connection left here.",
        "may-3 leads; 0 connections left here.",
        "Nobody is left here: this host can be upgraded now.",
    ]


def test_who_does_not_come_over_is_told(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    asked(monkeypatch, {"hosts": ["may-2"], "connections": 2})
    late = Note(at=1.0, connections=2, left=1, leader="may-2", done=True)
    monkeypatch.setattr(handing_over, "read_note", lambda _: late)
    with pytest.raises(typer.Exit) as ended:
        drain(FILE)
    assert ended.value.exit_code == 1
    assert said[-1] == "1 connection did not come over in time."


def test_a_host_that_nobody_takes_over_from_is_told(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    asked(monkeypatch, {"hosts": ["may-2"], "connections": 0})
    monkeypatch.setattr(handing_over, "read_note", lambda _: None)
    monkeypatch.setattr(module, "LEADING", -HOLD)
    with pytest.raises(typer.Exit):
        drain(FILE)
    assert "journalctl" in said[-1]


def test_a_worker_is_emptied_and_given_back(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    calls = asked(monkeypatch, workers(2), workers(1), workers(0), {})
    drain(FILE, worker="1")
    assert said == [
        "2 connections left on worker 1",
        "1 connection left on worker 1",
        "0 connections left on worker 1",
        "Worker 1 is empty. Let it hold conferences again with --back.",
    ]
    drain(FILE, worker="1", back=True)
    assert calls[-1] == "POST /api/v1/workers/1/reopen"
