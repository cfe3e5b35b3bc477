"""Two processes with one key know each other; nobody else gets in, and nobody in between."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from bridge.base import mutual_key
from bridge.base.mutual_key import KeyProblem, NotProved, proof, read_key
from bridge.control.relay_dial import RelayDial
from bridge.media.shell.relay_control import RelayControl
from tests.waiting import eventually

KEY, OTHER = b"k" * 32, b"o" * 32


def key_file(folder: Path, key: bytes) -> Path:
    path = folder / f"{key[:1].decode()}.key"
    path.write_text(key.hex() + "\n")
    return path


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 33, "é"])
def test_what_is_no_key_is_told_how_to_make_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    with pytest.raises(KeyProblem, match="openssl rand"):
        read_key(path)
    with pytest.raises(KeyProblem, match="cannot be read"):
        read_key(tmp_path / "nothing")


def test_a_proof_holds_for_one_side_one_certificate_and_both_nonces() -> None:
    said = proof(KEY, "client", b"cert", b"1" * 32, b"2" * 32)
    assert said != proof(KEY, "server", b"cert", b"1" * 32, b"2" * 32)
    assert said != proof(KEY, "client", b"other", b"1" * 32, b"2" * 32), "somebody in between"
    assert said != proof(KEY, "client", b"cert", b"3" * 32, b"2" * 32)
    assert said != proof(KEY, "client", b"cert", b"1" * 32, b"3" * 32)
    assert said != proof(OTHER, "client", b"cert", b"1" * 32, b"2" * 32)


class Echo:
    """In place of a worker: its control socket, which answers what it gets."""

    def __init__(self) -> None:
        self.connections = self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        while line := await reader.readline():
            writer.write(b"heard " + line)
        writer.close()
        await writer.wait_closed()
        self.open -= 1


async def test_who_has_the_key_speaks_with_the_worker_and_nobody_else_does(tmp_path: Path) -> None:
    echo = Echo()
    worker = await asyncio.start_unix_server(echo.serve, tmp_path / "worker.sock")
    control = RelayControl(KEY, tmp_path / "worker.sock")
    await control.start("127.0.0.1", 0)
    try:
        other = RelayDial("127.0.0.1", control.port, key_file(tmp_path, OTHER))
        assert await other() is None
        assert other.trouble == "proof"
        assert echo.connections == 0
        found = await RelayDial("127.0.0.1", control.port, key_file(tmp_path, KEY))()
        assert found is not None
        reader, writer = found
        writer.write(b"hello\n")
        assert await reader.readline() == b"heard hello\n"
        writer.close()
        await writer.wait_closed()
    finally:
        await control.close()
        await eventually(lambda: not echo.open)
        worker.close()
    without = RelayDial("127.0.0.1", control.port, tmp_path / "nothing")
    assert await without() is None
    assert without.trouble == "key"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody else's while it is bound, and nothing listens
        port = closed.getsockname()[1]
        gone = RelayDial("127.0.0.1", port, key_file(tmp_path, KEY))
        assert await gone() is None
    assert gone.trouble == "refused"


async def test_who_says_nothing_or_nonsense_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutual_key, "TIMEOUT", 0.01)
    silent = asyncio.StreamReader()
    sink = _Sink()
    with pytest.raises(NotProved):
        await mutual_key.prove_server(KEY, b"cert", silent, sink)  # type: ignore[arg-type]
    nonsense = asyncio.StreamReader()
    nonsense.feed_data(bytes(64))
    with pytest.raises(NotProved):
        await mutual_key.prove_server(KEY, b"cert", nonsense, sink)  # type: ignore[arg-type]
    cut = asyncio.StreamReader()
    cut.feed_data(bytes(40))
    cut.feed_eof()
    with pytest.raises(NotProved):
        await mutual_key.prove_server(KEY, b"cert", cut, sink)  # type: ignore[arg-type]


class _Sink:
    def write(self, data: bytes) -> None:
        pass
