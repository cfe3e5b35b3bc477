"""One control process holds a state folder; a damaged database is refused with what to do."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.app.errors import StartError
from bridge.app.process import ControlProcess
from bridge.app.state_folder import (
    EXIT_DAMAGED,
    free,
    held,
    look_at_database,
    make_backups,
    prepare,
)
from bridge.cli.offline import restore_offline
from bridge.store.accounts import Accounts
from bridge.store.database import SQLITE, engine_of, migrate
from tests.control_support import TOPOLOGY
from tests.paths import ROOT
from tests.store.test_integrity import cut, filled

HOLDER = """
import sys, time
from pathlib import Path
from bridge.app.state_folder import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    """Both once ran, and the second took the first one's token and worker away."""
    folder = tmp_path / "state"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(StartError, match=rf"process {holder.pid}\b"), held(folder):
        pass
    assert not free(folder)
    assert sorted(path.name for path in folder.iterdir()) == before, "nothing was written"
    holder.kill()  # however it ends
    holder.communicate()
    with held(folder):
        assert (folder / "serve.lock").read_text() == f"{os.getpid()}\n"
        assert not free(folder)
    assert free(folder)


def test_the_folder_is_its_owners_only(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    ControlProcess(TOPOLOGY, state=folder, folder=tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be used"):
        prepare(tmp_path / "file")


async def test_what_to_do_about_a_damaged_database(tmp_path: Path) -> None:
    """The sentence names the newest backup and the command; with it the database is whole again,
    and the damaged one is kept."""
    state = tmp_path / "state"
    state.mkdir()
    path = await filled(state)
    engine = engine_of("", state)
    await Accounts(engine).note(
        at=1.0, actor="user:lan", address="", action="login", target="", outcome="done"
    )
    await engine.dispose()
    backups = make_backups(TOPOLOGY, state, tmp_path)
    assert await backups.look(path.stat().st_mtime, busy=False)
    assert await backups.look(path.stat().st_mtime + 10 * 86400, busy=False)
    look_at_database(state, "", backups.folder, tmp_path / "x.yaml")
    newest = sorted(backups.folder.iterdir())[-1]
    cut(0.5)(path)
    with pytest.raises(StartError, match=r"damaged.*Nothing was written") as refused:
        look_at_database(state, "", backups.folder, tmp_path / "x.yaml")
    assert refused.value.code == EXIT_DAMAGED
    assert f"bridge.py restore {newest} --file {tmp_path / 'x.yaml'}" in str(refused.value)
    said = await restore_offline(TOPOLOGY, state, newest, tmp_path)
    assert "damaged database is kept" in said
    look_at_database(state, "", backups.folder, None)
    engine = engine_of("", state)
    await migrate(engine)
    assert [line.action for line in await Accounts(engine).audit()] == ["restore", "login"]
    await engine.dispose()
    assert len(list(state.glob(f"{SQLITE}.damaged-*"))) >= 1


async def test_a_bad_backup_leaves_the_damaged_database_where_it_was(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    cut(0.5)(path)
    before = path.read_bytes()
    (tmp_path / "bad").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="not a backup"):
        await restore_offline(TOPOLOGY, tmp_path, tmp_path / "bad", tmp_path)
    assert path.read_bytes() == before


def test_without_a_backup_the_sentence_says_so(tmp_path: Path) -> None:
    asyncio.run(filled(tmp_path)).unlink()
    with pytest.raises(StartError, match="There is no backup in"):
        look_at_database(tmp_path, "", tmp_path / "backups", None)
    look_at_database(tmp_path, "postgresql://x/y", tmp_path / "backups", None)


def test_secrets_are_files_of_their_own(tmp_path: Path) -> None:
    def with_secret(name: str) -> None:
        backup = TOPOLOGY.bridge.backup.model_copy(update={"secret": name})
        bridge = TOPOLOGY.bridge.model_copy(update={"backup": backup})
        assert make_backups(
            TOPOLOGY.model_copy(update={"bridge": bridge}), tmp_path, tmp_path
        ).encrypted

    with pytest.raises(StartError, match="cannot be read"):
        with_secret("nowhere")
    (tmp_path / "short").write_text("short\n")
    with pytest.raises(StartError, match="less than 12"):
        with_secret("short")
    (tmp_path / "secret").write_text("correct horse battery\n")
    with_secret("secret")
