"""An agent's part in its update: what it refuses, what it fetches, what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.base.version import VERSION
from endpoints.agent.update import (
    CONFIRM,
    FAILED,
    HOME,
    ROOM,
    STAGED,
    NotUpdated,
    Updater,
    Wanted,
    refusal,
)
from installation import build

NEW = Wanted("0.1.0+new", "ab" * 32, 1000)


@pytest.mark.parametrize(
    ("wanted", "own", "free", "in_conference", "why"),
    [
        (NEW, "0.1.0+old", ROOM * 1000, False, ""),
        (NEW, None, 1 << 40, False, "printed line"),
        (NEW, NEW.release, 1 << 40, False, "already"),
        (NEW, "0.1.0+old", 1 << 40, True, "in a conference"),
        (NEW, "0.1.0+old", ROOM * 1000 - 1, False, "are needed"),
        (Wanted("../x", "ab" * 32, 1000), "old", 1 << 40, False, "name"),
        (Wanted("", "ab" * 32, 1000), "old", 1 << 40, False, "name"),
        (Wanted("new", "ab" * 32, 0), "old", 1 << 40, False, "size"),
        (Wanted("new", "ab" * 32, 1 << 40), "old", 1 << 60, False, "size"),
    ],
)
def test_what_is_refused(
    wanted: Wanted, own: str | None, free: int, in_conference: bool, why: str
) -> None:
    said = refusal(wanted, own, free, in_conference=in_conference)
    assert why in said
    assert bool(said) is bool(why)


class Served:
    """Something at the bridge's address."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status, body=self.body)

    def wanted(self, release: str = "0.1.0+new", **changes: Any) -> Wanted:
        found = {"sha256": hashlib.sha256(self.body).hexdigest(), "size": len(self.body)}
        return Wanted(release, **{**found, **changes})


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    app = web.Application()
    app.router.add_get("/api/v1/bundle", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def updater(served: Served, home: Path) -> Updater:
    return Updater(
        lambda: served.url,
        None,
        environment={HOME: str(home)},
        program=home / "releases" / "0.1.0+old",
    )


def bundle(folder: Path, program: str) -> bytes:
    build.write(folder / "made.pyz", [("__main__.py", f"import sys\n{program}\n".encode())])
    data = (folder / "made.pyz").read_bytes()
    (folder / "made.pyz").unlink()
    return data


async def test_a_bundle_is_checked_unpacked_and_staged(served: Served, tmp_path: Path) -> None:
    served.body = bundle(tmp_path, "print(sys.argv[2] + '/releases/0.1.0+new')")
    (tmp_path / FAILED).write_text('{"release": "x", "reason": "y"}')
    made = updater(served, tmp_path)
    assert made.version == "0.1.0+old"
    assert made.failed() == "x: y"
    await made.stage(served.wanted(), in_conference=False)
    assert (tmp_path / STAGED).read_text() == "0.1.0+new\n"
    assert made.failed() == ""
    assert [path.name for path in tmp_path.iterdir()] == [STAGED], "the bundle is gone"


async def test_what_is_not_the_bundle_is_not_run(served: Served, tmp_path: Path) -> None:
    proof = tmp_path / "run"
    served.body = bundle(tmp_path, f"open({str(proof)!r}, 'w')")
    made = updater(served, tmp_path)
    for wanted in (
        served.wanted(sha256="cd" * 32),
        served.wanted(size=len(served.body) - 1),
        served.wanted(size=len(served.body) + 1),
    ):
        with pytest.raises(NotUpdated, match="is not the bundle"):
            await made.stage(wanted, in_conference=False)
    served.status = 404
    with pytest.raises(NotUpdated, match="answers 404"):
        await made.stage(served.wanted(), in_conference=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("sys.exit('The disk is full.')", "The disk is full"),
        ("sys.exit(1)", "Unpacking failed"),
        ("print('/releases/0.1.0+other')", "another release"),
    ],
)
async def test_a_bundle_that_does_not_unpack(
    served: Served, tmp_path: Path, program: str, why: str
) -> None:
    served.body = bundle(tmp_path, program)
    with pytest.raises(NotUpdated, match=why):
        await updater(served, tmp_path).stage(served.wanted(), in_conference=False)
    assert list(tmp_path.iterdir()) == []


def test_the_launcher_is_told_once(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    made = Updater(
        lambda: "http://x",
        None,
        environment={HOME: str(tmp_path), CONFIRM: str(writing)},
        program=tmp_path / "a",
    )
    made.confirm()
    made.confirm()
    assert os.read(reading, 100) == b"ok\n"
    assert os.read(reading, 100) == b"", "closed"
    os.close(reading)


def test_without_a_launcher_nothing_is_special(tmp_path: Path) -> None:
    made = Updater(lambda: "http://x", None, environment={CONFIRM: "0"}, program=tmp_path)
    assert made.version == VERSION
    assert made.failed() == ""
    made.confirm()  # and standard input is still open
    assert sys.stdin is None or os.fstat(0)
    (tmp_path / FAILED).write_text(json.dumps(["nonsense"]))
    other = Updater(
        lambda: "http://x", None, environment={HOME: str(tmp_path)}, program=tmp_path / "a"
    )
    assert other.failed() == ""
