"""`bridge.py verify`: what is said of a database, of a backup and of nothing, and the exit code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from bridge.cli.main import app
from bridge.conference import commands as c
from bridge.conference.model import Actor
from bridge.proof.signing_key import PUBLIC_KEY
from bridge.store import tables
from tests.conference.test_ballot_signature import ballot
from tests.control_support import Bridge
from tests.paths import ROOT
from tests.server.api.test_evidence_packs import DATA, ask, keep


async def said(*arguments: object) -> tuple[int, str]:
    run = CliRunner().invoke
    done = await asyncio.to_thread(run, app, ["verify", *(str(word) for word in arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def topology_of(state: Path) -> Path:
    """A topology file whose state folder is the bridge's."""
    topology = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    topology["bridge"]["state"] = state.name
    path = state.parent / "verify.yaml"
    path.write_text(yaml.safe_dump(topology, allow_unicode=True), "utf-8")
    return path


async def test_a_conference_and_what_is_done_to_it(bridge: Bridge, tmp_path: Path) -> None:
    name = await keep(bridge)
    conference = name.removesuffix("-r1")
    state = bridge.process.backups.state
    file = topology_of(state)
    code, output = await said(conference, "--file", file)
    assert code == 0, output
    assert "chuỗi băm" in output
    assert "everything that was looked at is proved" in output
    assert (await said("all", "--file", file, "-l", "vi"))[0] == 0
    code, output = await said(conference, "--file", file, "-l", "vi")
    assert code == 0
    assert "Altogether" not in output

    recording = bridge.process.recordings.catalogue.file(name)
    recording.write_bytes(DATA[:-1])
    code, output = await said(conference, "--file", file, "-l", "en")
    assert code == 1
    assert "is NOT the file" in output
    recording.unlink()
    assert (await said(conference, "--file", file))[0] == 3
    recording.write_bytes(DATA)

    async def change(statement: sa.Update | sa.Delete) -> tuple[int, str]:
        async with bridge.process.engine.begin() as connection:
            await connection.execute(statement)
        return await said(conference, "--file", file, "-l", "en")

    of_it = tables.events.c.conference == conference
    last = sa.delete(tables.events).where(of_it, tables.events.c.kind == "ended")
    code, output = await change(last)
    assert code == 1
    assert "not the log that was signed" in output
    second = sa.update(tables.events).where(of_it, tables.events.c.seq == 2)
    code, output = await change(second.values(at=1.0))
    assert code == 1
    assert "event 2 does not fit" in output
    proof = sa.update(tables.events).where(tables.events.c.conference == "proof")
    code, output = await change(proof.values(actor="user:other"))
    assert code == 1
    assert "Log proof" in output


async def test_a_conference_that_runs_is_not_proved_yet(bridge: Bridge) -> None:
    conference = await bridge.open()
    file = topology_of(bridge.process.backups.state)
    code, output = await said(conference, "--file", file)
    assert code == 3
    assert "has not ended" in output
    code, output = await said("hop-khac", "--file", file)
    assert code == 2
    assert "There is no conference hop-khac" in output


async def test_packs_and_backups(bridge: Bridge, tmp_path: Path) -> None:
    name = await keep(bridge)
    state = bridge.process.backups.state
    pack, backup = tmp_path / "pack.zip", tmp_path / "backup.jsonl.gz"
    pack.write_bytes(await (await ask(bridge, name)).read())
    await bridge.process.backups.write(backup)
    key = state / PUBLIC_KEY
    assert (await said(pack, "--key", key))[0] == 0
    assert (await said(pack))[0] == 3
    code, output = await said(backup, "--key", key)
    assert code == 0, output
    assert (await said(backup))[0] == 3
    damaged = bytearray(backup.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    backup.write_bytes(damaged)
    assert (await said(backup, "--key", key))[0] == 1


async def test_what_cannot_be_looked_at(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.zip"
    nonsense.write_bytes(b"nonsense")
    (tmp_path / "state").mkdir()
    for words in (
        ("hop-1",),
        (nonsense,),
        (nonsense, "--key", nonsense),
        ("hop-1", "--file", topology_of(tmp_path / "state")),
    ):
        code, output = await said(*words)
        assert code == 2, output
        assert "Traceback" not in output


async def test_votes_are_counted_again(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.do(conference, c.OpenVote(title="Kế hoạch", points=("khoan-du",)))
    signed = ballot(bridge.state(conference).votes[0], "khoan-du", "for", conference=conference)
    await bridge.do(conference, signed, Actor(kind="point", name="khoan-du"))
    await bridge.do(conference, c.CloseVote())
    code, output = await said(
        conference, "--file", topology_of(bridge.process.backups.state), "-l", "en"
    )
    assert code == 3, "the conference runs"
    assert "the 1 ballots in the log, counted again, come to the result" in output
    assert "1 ballots are rightly signed" in output
