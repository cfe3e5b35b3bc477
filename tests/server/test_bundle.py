"""The bundle that a bridge serves, and the line that begins an installation."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import os
import sys
from pathlib import Path

import pytest

from bridge.server.api import installation as api
from bridge.server.api.services import DOWNLOADS
from bridge.server.bundle import (
    BUNDLE,
    FIRST,
    FIRST_PATH,
    PINNED_DIGITS,
    Bundles,
    first_stage,
    line,
    usable_address,
)
from installation import build
from installation.manifest import MANIFEST, Manifest
from tests.agents.support import POINT, connect
from tests.control_support import Bridge

ECHO = "import sys\nprint('INSTALLS', *sys.argv[1:])\n"


def put_bundle(folder: Path, program: str = ECHO, size: int = 0) -> Path:
    manifest = Manifest("0.1.0", "x86_64", "pip-26.0-py3-none-any.whl", {})
    members = [("__main__.py", program), (MANIFEST, manifest.text()), ("x.png", "x" * size)]
    path = folder / BUNDLE
    build.write(path, [(name, text.encode()) for name, text in members])
    return path


# --- pure ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("https://192.0.2.10", True),
        ("https://192.0.2.10:8443", True),
        ("https://cau.huyen-a.example", True),
        ("https://[2001:db8::1]:443", True),
        ("http://127.0.0.1:8443", True),
        ("", False),
        ("192.0.2.10", False),
        ("ftp://192.0.2.10", False),
        ("https://192.0.2.10/", False),
        ("https://a'b", False),
        ('https://a"b', False),
        ("https://a$b", False),
        ("https://a`b", False),
        ("https://a\\b", False),
        ("https://a b", False),
        ("https://u:p@a", False),
        ("https://a:123456", False),
        ("https://[::1';x]", False),
        ("https://[1:2]", False),
        ("https://a\n", False),
        ("https://-a", False),
    ],
)
def test_what_may_stand_in_a_line(address: str, usable: bool) -> None:
    assert usable_address(address) is usable


def test_the_first_stage_carries_what_is_promised() -> None:
    authority = "-----BEGIN CERTIFICATE-----\nA'\"\\B=\n-----END CERTIFICATE-----\n"
    text = first_stage(FIRST.read_text("utf-8"), "ab" * 32, 77, authority).decode()
    found = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert found["SHA256"] == "ab" * 32
    assert found["SIZE"] == 77
    assert found["AUTHORITY"] == authority
    assert text.endswith("\nrun(b, sys.argv[1:])\n")


def test_the_line_holds_the_checksum() -> None:
    first = b"anything"
    made = line("https://192.0.2.10", first, "ABCD-EFGH")
    assert hashlib.sha256(first).hexdigest()[:PINNED_DIGITS] in made
    assert "192.0.2.10" in made
    assert made.endswith(" ABCD-EFGH")
    assert "\n" not in made
    assert made != line("https://192.0.2.10", b"anything else", "ABCD-EFGH")


async def test_the_file_is_looked_at_again_when_it_changed(tmp_path: Path) -> None:
    bundles = Bundles([tmp_path / BUNDLE, tmp_path / "second" / BUNDLE])
    assert await bundles.current() is None
    (tmp_path / "second").mkdir()
    second = put_bundle(tmp_path / "second")
    found = await bundles.current()
    assert found is not None
    assert found.path == second
    assert found.sha256 == hashlib.sha256(second.read_bytes()).hexdigest()
    (tmp_path / BUNDLE).write_bytes(b"no bundle")
    assert await bundles.current() == found
    put_bundle(tmp_path, "pass")
    first = await bundles.current()
    assert first is not None
    assert first.release != found.release


# --- the interface -------------------------------------------------------------------------


async def test_without_a_bundle_there_is_a_code_and_no_line(bridge: Bridge) -> None:
    path = f"/points/{POINT}/enrolments"
    made = await (await bridge.call("POST", f"{path}?address=https://a", role="admin")).json()
    assert made["code"]
    assert made["line"] == ""
    for path in (FIRST_PATH.removeprefix("/api/v1"), "/bundle"):
        answer = await bridge.call("GET", path)
        assert answer.status == 404
        assert (await answer.json())["type"].endswith("api.no_bundle")
    assert (await bridge.call("POST", "/agents/update", {}, role="admin")).status == 404


async def run(command: str, folder: Path) -> str:
    """A line, as a machine with nothing but python3 runs it."""
    (folder / "bin").mkdir(exist_ok=True)
    link = folder / "bin" / "python3"
    if not link.exists():
        link.symlink_to(sys.executable)
    child = await asyncio.create_subprocess_exec(
        *("sh", "-c", command),
        cwd=folder,
        env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await child.communicate()
    return out.decode()


async def test_the_line_runs_the_bundle_and_no_other(bridge: Bridge, tmp_path: Path) -> None:
    path = put_bundle(bridge.process._state)
    base = str(bridge.client.make_url("")).rstrip("/")
    query = f"/points/{POINT}/enrolments?address={base}"
    assert (await bridge.call("POST", f"{query}/x';", role="admin")).status == 422
    made = await (await bridge.call("POST", query, role="admin")).json()
    said = await run(f"{made['line']} --no-service", tmp_path)
    assert f"INSTALLS agent {base} {made['code']} --no-service" in said

    # Another bundle at the address: the first stage has changed with it, and is not run.
    put_bundle(bridge.process._state, "print('EVIL')")
    said = await run(f"{made['line']} --no-service", tmp_path)
    assert "Not our bridge: nothing was run." in said
    assert "EVIL" not in said
    # The first stage is the right one, and the bundle is not what it promises.
    made = await (await bridge.call("POST", query, role="admin")).json()
    bundles = bridge.http.services.bundles
    promised = await bundles.current()
    assert promised is not None
    stat = path.stat()
    bundles._known = {(path, stat.st_mtime_ns, stat.st_size): promised}
    data = path.read_bytes()
    path.write_bytes(data.replace(b"env python3", b"env pythonX"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    said = await run(f"{made['line']} --no-service", tmp_path)
    assert "is not the bridge's bundle. Nothing was run." in said
    assert "EVIL" not in said


async def test_downloads_are_gentle(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put_bundle(bridge.process._state, size=3 * api.BLOCK)
    monkeypatch.setattr(api, "PACE", 6 * api.BLOCK)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answer = await bridge.call("GET", "/bundle")
    body = await answer.read()
    assert body == path.read_bytes()
    assert answer.headers["ETag"] == f'"{hashlib.sha256(body).hexdigest()}"'
    assert loop.time() - begun >= 0.4, "three blocks at six a second"
    downloads = bridge.http.services.downloads
    for _ in range(DOWNLOADS):
        await downloads.acquire()
    assert (await bridge.call("GET", "/bundle")).status == 503


async def test_who_may_update_agents(bridge: Bridge) -> None:
    for role in ("operator", "technician", "viewer"):
        for method, path in (("GET", "/agents"), ("POST", "/agents/update")):
            answer = await bridge.call(method, path, {} if method == "POST" else None, role=role)
            assert answer.status == 403


async def test_updates_over_the_interface(bridge: Bridge) -> None:
    put_bundle(bridge.process._state)
    agent = await connect(bridge)
    await agent.receive("welcome")
    unknown = await bridge.call("POST", "/agents/update", {"points": ["x"]}, role="admin")
    assert unknown.status == 404
    body = {"points": [POINT, "phu-nghia", POINT]}
    answer = await bridge.call("POST", "/agents/update", body, role="admin")
    assert answer.status == 202
    state = await answer.json()
    assert {a["point"]: a["release"] for a in state["agents"]}[POINT] == "t"
    asked = await agent.receive("update")
    assert asked["release"] == state["offered"]
    assert (await bridge.call("POST", "/agents/update", body, role="admin")).status == 409
    no = {"type": "outcome", "id": asked["id"], "ok": False, "detail": "The disk is full."}
    await agent.send(no)
    while state["running"]:
        state = await (await bridge.call("GET", "/agents", role="admin")).json()
    steps = {step["point"]: step for step in state["update"]}
    assert len(state["update"]) == 2
    assert steps[POINT]["phase"] == "failed"
    assert steps[POINT]["reason"]["en"].endswith("The disk is full.")
    assert steps["phu-nghia"]["reason"]["vi"].startswith("Phần mềm tại điểm cầu không kết nối")
    audit = await (await bridge.call("GET", "/audit", role="admin")).json()
    assert "agents update" in [entry["action"] for entry in audit]
    await agent.socket.close()
