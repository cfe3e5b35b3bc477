"""The head of every conference that has ended is signed once, whatever is killed in between."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.proof.signing_key import PUBLIC_KEY, SigningKey, kept_signing_key
from bridge.proof.statements import Head, head_text, read_head
from bridge.proof.verdict import signature_of
from bridge.store import tables
from bridge.store.chaining import PROOF
from bridge.store.database import Conflict, engine_of, migrate
from bridge.store.log import EventLog
from bridge.store.signed_heads import SignedHeads
from tests.conference.support import Run

AT = 1764150000.5


@pytest.fixture
async def engine(database: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tmp_path)
    await migrate(made)
    yield made
    await made.dispose()


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return kept_signing_key(tmp_path)


def an_ended_log(conference: str = "hop-1") -> list[e.Recorded]:
    run = Run()
    run.ok(c.Start())
    run.ok(c.End())
    return [msgspec.structs.replace(item, conference=conference) for item in run.log]


def signed(event: e.HeadSigned) -> bytes:
    return head_text(Head(event.of, event.events, event.head, event.since, event.signed))


async def heads_of(log: EventLog, key: SigningKey | None) -> SignedHeads:
    heads = SignedHeads(log, key, lambda: AT)
    await heads.load()
    return heads


async def test_a_head_is_signed_when_a_conference_has_ended(
    engine: AsyncEngine, key: SigningKey, tmp_path: Path
) -> None:
    log = EventLog(engine)
    heads = await heads_of(log, key)
    log.ended.clear()
    events = an_ended_log()
    await log.append(events[:-1])
    assert not log.ended.is_set()
    await heads.sign()
    assert heads.heads == {}
    await log.append(events[-1:])
    assert log.ended.is_set()
    await heads.sign()
    event = heads.heads["hop-1"]
    assert (event.events, event.since, event.signed) == (len(events), 1, int(AT))
    assert event.key == key.public.fingerprint
    assert key.public.signed(signed(event), signature_of(event.signature))
    assert not key.public.signed(signed(event) + b" ", signature_of(event.signature))
    await heads.sign()
    assert len(await log.read(PROOF)) == 1
    openssl(tmp_path, signed(event), signature_of(event.signature))


def openssl(folder: Path, text: bytes, signature: bytes) -> None:
    """Not ours: what anybody else checks with."""
    if not shutil.which("openssl"):
        return
    (folder / "head.txt").write_bytes(text)
    (folder / "head.sig").write_bytes(signature)
    command = [
        *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", PUBLIC_KEY),
        *("-rawin", "-in", "head.txt", "-sigfile", "head.sig"),
    ]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    (folder / "head.txt").write_bytes(text + b" ")
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode != 0


async def test_a_kill_between_end_and_signature_is_made_good(
    engine: AsyncEngine, key: SigningKey
) -> None:
    log = EventLog(engine)
    await log.append(an_ended_log())
    again = EventLog(engine)
    heads = await heads_of(again, key)
    assert again.ended.is_set(), "the job looks at the start"
    await heads.sign()
    assert set(heads.heads) == {"hop-1"}


async def test_a_signature_whose_answer_was_lost_is_not_made_twice(
    engine: AsyncEngine, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(engine)
    await log.append(an_ended_log())
    heads, other = await heads_of(log, key), await heads_of(EventLog(engine), key)
    real = log.last_seq

    async def last_seq(conference: str) -> int:
        seq = await real(conference)
        await other.sign()
        return seq

    monkeypatch.setattr(log, "last_seq", last_seq)
    await heads.sign()
    assert len(await log.read(PROOF)) == 1
    assert heads.heads == other.heads


async def test_a_log_that_is_not_whole_is_not_signed(engine: AsyncEngine, key: SigningKey) -> None:
    log = EventLog(engine)
    await log.append(an_ended_log())
    await log.append(an_ended_log("hop-2"))
    change = sa.update(tables.events).where(
        tables.events.c.conference == "hop-1", tables.events.c.seq == 2
    )
    async with engine.begin() as connection:
        await connection.execute(change.values(actor="user:other"))
    heads = await heads_of(log, key)
    await heads.sign()
    assert set(heads.heads) == {"hop-2"}
    assert heads.broken == {"hop-1"}


async def test_what_was_chained_late_is_said_in_what_is_signed(
    engine: AsyncEngine, key: SigningKey
) -> None:
    log = EventLog(engine)
    events = an_ended_log()
    await log.append(events[:2])
    begun = e.ChainBegun(number=2, events=2)
    item = e.Recorded(conference=PROOF, seq=1, at=AT, actor="system", reason="x", event=begun)
    await log.append([item])
    await log.append(events[2:])
    heads = await heads_of(log, key)
    await heads.sign()
    assert heads.heads["hop-1"].since == 3


async def test_without_a_key_nothing_is_signed(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    await log.append(an_ended_log())
    heads = await heads_of(log, None)
    await heads.sign()
    assert heads.heads == {}


async def test_a_conflict_on_the_stream_is_no_fault(engine: AsyncEngine, key: SigningKey) -> None:
    log = EventLog(engine)
    await log.append(an_ended_log())
    heads = await heads_of(log, key)
    await heads.sign()
    (item,) = await log.read(PROOF)
    with pytest.raises(Conflict):
        await log.append([item])


def test_a_key_is_kept_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    first = kept_signing_key(tmp_path)
    (tmp_path / PUBLIC_KEY).write_text("another")
    assert kept_signing_key(tmp_path).public.fingerprint == first.public.fingerprint
    assert (tmp_path / PUBLIC_KEY).read_bytes() == first.public.pem
    assert (tmp_path / "log-signing.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "log-signing.key").write_text("nonsense")
    with pytest.raises(ValueError, match="damaged"):
        kept_signing_key(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"diem-cau head 1\n",
        head_text(Head("h", 1, "ab" * 32, 1, 0)) + b"more\n",
        head_text(Head("h", 1, "ab" * 32, 1, 0)).replace(b"1970-01-01", b"1970-99-01"),
        head_text(Head("h", 1, "AB" * 32, 1, 0)),
    ],
)
def test_what_is_no_head(text: bytes) -> None:
    with pytest.raises(ValueError, match="no head"):
        read_head(text)
    head = Head("hop-1", 12, "ab" * 32, 3, int(AT))
    assert read_head(head_text(head)) == head
