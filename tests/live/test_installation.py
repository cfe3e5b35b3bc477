"""The bundle as it is used: built, served by a bridge, installed on a "room PC" by the line that an
admin prints (with no package index), updated, and back again after two updates that are broken.

The room PC is a folder of its own; walks in a bare Debian are in test_bare_debian.py."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.app import certificates
from bridge.app.process import ControlProcess
from bridge.server.api import installation as served
from installation import build, launcher
from installation.manifest import PROGRAM
from installation.release import current
from tests.live.support import bridge_process
from tests.paths import ROOT
from tests.waiting import HANG

pytestmark = pytest.mark.first

POINT = "khoan-du"
HOST = "127.0.12.8"
ANSWER_WITHIN = 90.0  # seconds: an agent starts in two, on a loaded machine in twenty
HANGING_WITHIN = 3.0  # seconds, for the one that never answers
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"

Change = Callable[[bytes], bytes]


def variant(bundle: Path, target: Path, member: str, change: Change) -> None:
    """A bundle with one changed file of the program."""
    with zipfile.ZipFile(bundle) as source:
        members = [(info.filename, source.read(info)) for info in source.infolist()]
    name = PROGRAM + member
    assert any(found == name for found, _ in members)
    build.write(target, [(n, change(data) if n == name else data) for n, data in members])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "diem-cau.pyz"
    try:
        build.build(ROOT, target, [PYTHON], os.uname().machine, ROOT / "var" / "wheels")
    except SystemExit as error:
        pytest.skip(f"{error} Without the internet this needs what an earlier build left.")
    return target


@pytest.fixture
async def bridge(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ControlProcess]:
    """A bridge with TLS and a bundle, which need not be gentle with the lines of this machine."""
    monkeypatch.setattr(served, "PACE", 1 << 30)
    state = tmp_path / "bridge"
    now = datetime.datetime.now(datetime.UTC)
    certificates.create(state / "tls", ["127.0.0.1"], "test", now)
    shutil.copyfile(bundle, state / "bundle.pyz")
    async with bridge_process(state) as process:
        yield process


class Admin:
    """Calls with the token of the command line."""

    def __init__(self, process: ControlProcess) -> None:
        self._process = process

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._process.local_token}"}
        url = f"{self._process.url}/api/v1{path}"
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, json=body, headers=headers, ssl=False) as answer,
        ):
            assert answer.status < 400, await answer.text()
            return await answer.json()

    async def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float) -> Any:
        state: dict[str, Any] = {}
        try:
            async with asyncio.timeout(seconds):
                while True:
                    state = await self.call("GET", "/agents")
                    if wanted(state):
                        return state
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(json.dumps(state, indent=1)) from None

    async def release(self) -> str:
        state = await self.call("GET", "/agents")
        return str({a["point"]: a["release"] for a in state["agents"]}[POINT])

    async def update(self) -> dict[str, Any]:
        """Update the point; return how it ended."""
        await self.call("POST", "/agents/update", {"points": [POINT]})
        state = await self.until(lambda s: not s["running"], 400)
        step: dict[str, Any] = state["update"][0]
        return step


async def run(command: str, folder: Path) -> tuple[int, str]:
    """A line in a shell of a machine that has python3 and nothing of ours."""
    interpreter = os.path.realpath("/proc/self/exe")
    there = folder / "bin"
    there.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (there / "python3").symlink_to(interpreter)
    child = await asyncio.create_subprocess_exec(
        *("sh", "-c", command),
        cwd=folder,
        env={"PATH": f"{there}:/usr/bin:/bin", "PIP_NO_INDEX": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode()


def without_nice(folder: Path) -> Path:
    """A folder for PATH whose `nice` does nothing: beside processes that spin, who is nice gets a
    tenth of what the others get, and how long an update may take is no subject here."""
    folder.mkdir()
    nice = folder / "nice"
    nice.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    nice.chmod(0o755)
    return folder


@contextlib.asynccontextmanager
async def launched(
    state: Path, path: str, within: float
) -> AsyncIterator[asyncio.subprocess.Process]:
    log = os.open(state / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(state / "launcher.py"), str(state)),
        *("--answer-within", str(within), "--", "--no-kiosk", "--listen", HOST),
        cwd="/",
        env={"PATH": path, "PYTHONWARNINGS": "default"},
        stdout=log,
        stderr=log,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        await child.wait()
        os.close(log)
        print((state / "log").read_text()[-5000:])  # shown where the test fails


async def test_a_room_pc_installs_itself_is_updated_and_goes_back(
    bridge: ControlProcess, bundle: Path, tmp_path: Path
) -> None:
    admin = Admin(bridge)
    made = await admin.call("POST", f"/points/{POINT}/enrolments?address={bridge.url}")
    pc = tmp_path / "pc"
    pc.mkdir()
    state = pc / "state"
    code, said = await run(f"{made['line']} --no-service --state {state}", pc)
    assert code == 0, said
    assert f"the agent of {POINT}" in said
    first = current(state)
    assert first is not None
    assert not list(pc.glob("*.pyz")), "nothing is left lying about"
    assert (state / "agent.json").stat().st_mode & 0o077 == 0
    path = f"{without_nice(pc / 'path')}:/usr/bin:/bin"
    there = tmp_path / "bridge" / "bundle.pyz"  # where `bundle use` puts it
    new = tmp_path / "new.pyz"

    async def goes_back(instead: bytes, why: str) -> None:
        """An update to a release whose agent does this instead of running."""
        before = current(state)
        assert before is not None
        instead_of = b"asyncio.run(running)"
        variant(bundle, new, "endpoints/agent/cli.py", lambda d: d.replace(instead_of, instead))
        new.replace(there)
        step = await admin.update()
        assert step["phase"] == "went_back", step
        assert why in step["detail"]
        assert why in step["reason"]["vi"]
        assert current(state) == before
        assert await admin.release() == before.name
        assert not (state / "staged").exists()

    async with launched(state, path, ANSWER_WITHIN) as child:
        await admin.until(lambda s: first.name in [a["release"] for a in s["agents"]], HANG)

        variant(bundle, new, "CHANGELOG.md", lambda data: data + b"\n")
        new.replace(there)
        step = await admin.update()
        assert step["phase"] == "done", step
        second = current(state)
        assert second is not None
        assert second != first
        assert await admin.release() == second.name
        assert first.exists(), "the release before is kept"
        (package,) = (second / ".venv").glob("lib/*/site-packages/av/__init__.py")
        assert package.stat().st_nlink > 1, "the packages are the same, so they are shared"
        scripts = [f.read_bytes() for f in (second / ".venv/bin").iterdir() if not f.is_symlink()]
        assert scripts
        assert not any(os.fsencode(first) in script for script in scripts)

        await goes_back(b"sys.exit(7)", "ended with code")  # it starts and ends at once
        assert child.returncode is None, "one launcher has seen it all"
    await admin.until(lambda s: not any(a["release"] for a in s["agents"]), HANG)
    async with launched(state, path, HANGING_WITHIN) as child:
        await admin.until(lambda s: second.name in [a["release"] for a in s["agents"]], HANG)
        # It runs and does not find the bridge.
        await goes_back(b"signal.pause()", "did not reach the bridge")

        with there.open("ab") as file:  # no bundle any more
            file.truncate(1000)
        with pytest.raises(AssertionError, match="no_bundle"):
            await admin.update()
        assert child.returncode is None, "one launcher has seen it all"


async def test_who_stands_in_between_is_not_run(bridge: ControlProcess, tmp_path: Path) -> None:
    """Another server at the address: what it says is not run, whatever it is."""
    admin = Admin(bridge)
    made = await admin.call("POST", f"/points/{POINT}/enrolments?address={bridge.url}")
    proof = tmp_path / "run"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f"open({str(proof)!r}, 'w')".encode()
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        line = made["line"].replace(bridge.url, f"http://127.0.0.1:{port}")
        _, said = await run(line, tmp_path)
    assert "Not our bridge: nothing was run." in said
    assert not proof.exists()


def fake_release(home: Path, name: str, script: str) -> None:
    """A release whose agent is a shell script."""
    folder = home / "releases" / name
    (folder / ".venv/bin").mkdir(parents=True)
    python = folder / ".venv/bin/python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    (folder / ".complete").touch()


@pytest.mark.parametrize(
    ("agent", "within", "code", "current_then", "failed"),
    [
        ('echo ok >&$DIEM_CAU_CONFIRM; echo "new" >>log; exit 3', 50, 3, "new", ""),
        # The launcher is not scheduled until it has both before it: the word and the end.
        (
            "kill -STOP $PPID; (sleep 0.3; kill -CONT $PPID) & echo ok >&$DIEM_CAU_CONFIRM; exit 3",
            *(50, 3, "new", ""),
        ),
        ("exit 5", 50, 6, "old", "it ended with code 5 before it reached the bridge"),
        ("exec sleep 1000", 1, 6, "old", "it did not reach the bridge within 1 s"),
    ],
    ids=["confirms", "confirms and ends at once", "dies", "hangs"],
)
def test_the_launcher(
    tmp_path: Path, agent: str, within: int, code: int, current_then: str, failed: str
) -> None:
    # The old one stages the new one when it runs first, and ends with 6 when it runs again.
    fake_release(
        tmp_path, "old", "cd ../..; test -e again && exit 6; touch again; echo new >staged; exit 10"
    )
    fake_release(tmp_path, "new", agent)
    fake_release(tmp_path, "older", "")
    (tmp_path / "current").symlink_to("releases/old")
    command = [sys.executable, "-I", launcher.__file__, str(tmp_path)]
    command += ["--answer-within", str(within)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)
    assert done.returncode == code, done.stderr
    assert os.readlink(tmp_path / "current") == f"releases/{current_then}"
    assert not (tmp_path / "staged").exists()
    note = tmp_path / "failed.json"
    found = json.loads(note.read_text()) if note.exists() else {"reason": ""}
    assert found["reason"] == failed
    assert (tmp_path / "releases/older").exists() == bool(failed), "an old one makes room"
