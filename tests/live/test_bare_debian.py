"""docs/production.md, typed in literally on a bare Debian 12 and 13 with no network but their own:
the commands are read out of the document. What needs systemd, a screen or a browser is left out.

A walk takes two to three minutes on a machine that has nothing else to do, so both Debians are
among the long tests."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from installation import build
from tests.live import debian
from tests.live.debian import Machine
from tests.paths import ROOT

PRODUCTION = (ROOT / "docs" / "production.md").read_text("utf-8")
SERVER, POINT = "192.0.2.10", "192.0.2.30"
ADDRESSES = [f"{SERVER}/32", "192.0.2.20/32", f"{POINT}/32", "2001:db8:12::10/128"]
BUNDLE = "diem-cau-x86_64.pyz"
WAIT = 180.0  # seconds for a process to answer on a loaded machine

pytestmark = [
    pytest.mark.skipif(bool(debian.missing()), reason=debian.missing()),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the document's bundle is x86_64's"),
]


def section(number: int) -> str:
    """The text of a section of production.md."""
    found = re.search(rf"^## {number}\. .*?(?=^## )", PRODUCTION, re.MULTILINE | re.DOTALL)
    assert found is not None, number
    return found[0]


def blocks(text: str) -> list[list[str]]:
    """The lines of its blocks of commands; a block with a language is none."""
    found = re.findall(r"^ *```\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [[line.strip() for line in block.splitlines()] for block in found]


def said(text: str, beginning: str) -> str:
    """The command within the text that begins so."""
    command: str
    (command,) = {c for c in re.findall(r"`([^`\n]+)`", text) if c.startswith(beginning)}
    return command


def until(work: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT
    while not work():
        assert time.monotonic() < end, what
        time.sleep(0.3)


def bundle_for(python: str, folder: Path) -> Path:
    target = folder / BUNDLE
    try:
        build.build(ROOT, target, [python], "x86_64", ROOT / "var" / "wheels")
    except SystemExit as error:
        pytest.skip(f"{error} Without the internet this needs what an earlier build left.")
    return target


def bare(suite: str) -> None:
    try:
        debian.base(suite)
    except OSError as error:
        pytest.skip(f"there is no bare {suite}, and none can be made: {error}")


@pytest.mark.soak
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_production_typed_in_literally(suite: str, tmp_path: Path) -> None:
    bare(suite)
    bundle = bundle_for(debian.SUITES[suite], tmp_path)
    with debian.network(ADDRESSES) as network:
        server = Machine(network, suite, tmp_path / "server")
        install_and_set_up(server, bundle)
        room = Machine(network, suite, tmp_path / "room")
        with server.running(
            said(section(5), "python bridge.py serve").replace(
                "python bridge.py serve FILE", "diem-cau serve /etc/diem-cau/topology.yaml"
            )
        ):
            health = said(PRODUCTION, "curl -k")
            until(lambda: "true" in server.run(health, code=None), "the bridge answers")
            use(server, room)
        # 10: again, as for a newer version; settings and data stay.
        server.run(said(section(10), "python3"))
        assert "lan" in server.run("diem-cau user list")


def install_and_set_up(server: Machine, bundle: Path) -> None:
    """Sections 1 to 4."""
    server.put(bundle, f"/root/{BUNDLE}")
    *_, install = [server.run(command) for command in blocks(section(1))[1]]
    assert "compiling the forwarding of media" in install
    assert "not compiled" not in install, install
    (check,) = blocks(section(2))[0]
    server.run(check)
    make_authority, chromium = blocks(section(3))
    for command in make_authority:
        server.run(command)
    server.run("cp /var/lib/diem-cau/tls/ca.crt .")  # "or copy"
    server.run(said(section(3), "cp ca.crt"))
    server.run("; ".join(chromium))
    assert "diem-cau" in server.run("certutil -d sql:$HOME/.pki/nssdb -L")
    for command in blocks(section(4))[0]:
        assert "the first password is" in server.run(command)


def use(server: Machine, room: Machine) -> None:
    """Sections 6 to 8, with the agent of one room PC."""
    (code,) = blocks(section(6))[0]
    printed = server.run(code)
    (line,) = [text for text in printed.splitlines() if text.startswith("python3 ")]
    assert "Commune" not in printed
    installed = room.run(line)
    assert "The agent is installed" in installed
    unit = room.path("/etc/systemd/system/diem-cau-agent.service").read_text("utf-8")
    start = next(text for text in unit.splitlines() if text.startswith("ExecStart="))
    command = start.removeprefix("ExecStart=")
    with room.running(f"runuser -u kiosk -- {command} -- --no-kiosk --listen {POINT}"):
        until(
            lambda: connected(server.run("diem-cau agents list", code=None)), "the agent is there"
        )
        ready = said(section(7), "diem-cau ready")
        # Without rooms nobody is ready; that it was checked is what counts.
        assert "Xã A" in server.run(ready, code=2)
    start_it = said(section(7), "diem-cau conference start")
    conference = server.run(start_it).strip().splitlines()[-1]
    assert conference in server.run("diem-cau conference list")
    server.run(f"diem-cau conference end {conference} --yes")
    file = "/var/backups/diem-cau/now.jsonl.gz"
    server.run(said(section(8), "diem-cau backup").replace("FILE", file))
    restore = said(section(8), "diem-cau restore").replace("FILE", file)
    assert "is lost" in server.run(restore, typed="n\n", code=1).replace("\n", " ")
    assert "rows restored" in server.run(restore, typed="y\n")


def connected(listed: str) -> bool:
    """Whether the list of agents has a release for the point."""
    row = next((line for line in listed.splitlines() if "xa-a" in line), "")
    return bool(re.search(r"xa-a\W+[0-9]", row))
