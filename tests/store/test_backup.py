"""Backups are whole or refused, whatever was made of them; the audit trail outlives a restore."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.base.roles import User
from bridge.conference import events as e
from bridge.store.accounts import Accounts
from bridge.store.backup import check, restore, write_backup
from bridge.store.backup_files import PIECE
from bridge.store.backups import Backups
from bridge.store.database import engine_of, migrate
from bridge.store.log import EventLog
from bridge.store.snapshots import Snapshots
from tests.store.test_snapshots import kept, long_log

DAY = 86400.0


@pytest.fixture
async def engine(database: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tmp_path)
    await migrate(made)
    yield made
    await made.dispose()


async def backup(engine: AsyncEngine) -> bytes:
    out = io.BytesIO()
    await write_backup(engine, out, io.BytesIO())
    return out.getvalue()


async def put_back(engine: AsyncEngine, data: bytes) -> int:
    return (await restore(engine, io.BytesIO(data))).rows


def remade(data: bytes, change: Callable[[list[dict[str, Any]]], list[Any]]) -> bytes:
    """A backup whose lines somebody has changed, with a checksum that fits."""
    lines = gzip.decompress(data).splitlines()[1:]
    found = change([json.loads(line) for line in lines])
    body = b"".join(
        (item if isinstance(item, bytes) else json.dumps(item).encode()) + b"\n" for item in found
    )
    head = {"diem-cau": 1, "rows": len(found), "sha256": hashlib.sha256(body).hexdigest()}
    return gzip.compress(json.dumps(head).encode() + b"\n" + body)


async def note(accounts: Accounts, at: float, action: str) -> None:
    await accounts.note(
        at=at, actor="user:lan", address="192.0.2.1", action=action, target="", outcome="done"
    )


async def test_backup_and_restore(engine: AsyncEngine, tmp_path: Path) -> None:
    log, accounts = EventLog(engine), Accounts(engine)
    events = long_log(9)
    await log.append(events)
    await accounts.add_user(User(name="lan", role="admin"), "hash", "calendar")
    await accounts.put_template("x", "{}", 1.0)
    data = await backup(engine)
    later = e.Recorded(
        conference="later", seq=1, at=1.0, actor="x", reason="x", event=events[0].event
    )
    await log.append([later])
    await accounts.add_user(User(name="minh", role="admin"), "hash", "calendar2")
    await put_back(engine, data)
    assert await log.read("hop-1") == events
    assert not await log.exists("later")
    assert [u.name for u in await accounts.users()] == ["lan"]
    assert await accounts.templates() == {"x": "{}"}
    await log.append([later])
    # A backup of one kind of database fits the other.
    (tmp_path / "other").mkdir()
    other = engine_of("", tmp_path / "other")
    await migrate(other)
    await put_back(other, data)
    assert await EventLog(other).read("hop-1") == events
    await other.dispose()


async def test_a_restore_keeps_the_audit_trail(engine: AsyncEngine) -> None:
    """It once was replaced by what the file says."""
    accounts = Accounts(engine)
    for number, action in enumerate(("login", "backup")):
        await note(accounts, float(number), action)
    data = await backup(engine)
    await note(accounts, 2.0, "user change")
    await put_back(engine, data)
    assert [line.action for line in await accounts.audit()] == ["user change", "backup", "login"]
    await put_back(engine, data)
    assert len(await accounts.audit()) == 3, "no line twice"


async def test_a_restore_elsewhere_brings_its_audit_trail_along(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    accounts = Accounts(engine)
    await note(accounts, 0.0, "login")
    data = await backup(engine)
    (tmp_path / "other").mkdir()
    other = engine_of("", tmp_path / "other")
    await migrate(other)
    await note(Accounts(other), 5.0, "user add")
    await put_back(other, data)
    assert {line.action for line in await Accounts(other).audit()} == {"login", "user add"}
    await other.dispose()


async def test_a_restore_takes_snapshots_away(engine: AsyncEngine) -> None:
    from bridge.store.snapshots import EVERY

    log, snapshots = EventLog(engine), Snapshots(engine)
    await log.append(long_log(EVERY))
    await snapshots.rebuild("hop-1", log)
    await snapshots.save()
    assert await kept(engine)
    await put_back(engine, await backup(engine))
    assert await kept(engine) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        gzip.compress(b"nonsense"),
        gzip.compress(b"[]"),
        gzip.compress(b"[" * 100_000),
        gzip.compress(b'{"diem-cau": 99, "rows": 0, "sha256": ""}\n'),
        gzip.compress(b'{"diem-cau": 1, "rows": 1, "sha256": "x"}\n{"table": "users"}\n'),
        gzip.compress(b'{"diem-cau": 1, "rows": 0, "sha256": ""}\n')[:-12],
    ],
    ids=[
        *("empty", "no gzip", "no document", "a list", "deep"),
        *("a later format", "another checksum", "cut off"),
    ],
)
def test_what_is_no_backup_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"backup|format"):
        check(io.BytesIO(data))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines, b"nonsense"],
        lambda lines: [*lines, b"[]"],
        lambda lines: [*lines, b"[" * 100_000],
        lambda lines: [*lines, {"table": "users"}],
        lambda lines: [*lines, {"table": [], "row": {}}],
        lambda lines: [*lines, {"table": "nobody", "row": {}}],
        lambda lines: [*lines, {"table": "settings", "row": {"key": "a", "value": 5}}],
        lambda lines: [*lines, {"table": "settings", "row": {"key": "a", "value": None}}],
        lambda lines: [*lines, {"table": "settings", "row": {"key": "a", "value": "b", "c": 1}}],
        lambda lines: [*lines, {"table": "settings", "row": {"key": "a\0", "value": "b"}}],
        lambda lines: [*lines, {"table": "settings", "row": [1]}],
        lambda lines: [line for line in lines if line["row"].get("seq") != 4],
        lambda lines: [
            {**line, "row": {**line["row"], **({"body": "{}"} if "body" in line["row"] else {})}}
            for line in lines
        ],
        lambda lines: [
            {**line, "row": {**line["row"], **({"role": "x"} if "role" in line["row"] else {})}}
            for line in lines
        ],
        lambda lines: [
            {**line, "row": {**line["row"], **({"seq": 2**80} if "seq" in line["row"] else {})}}
            for line in lines
        ],
        lambda lines: [*lines, lines[0]],
    ],
)
async def test_a_crafted_backup_is_refused_and_changes_nothing(
    engine: AsyncEngine, change: Callable[[list[dict[str, Any]]], list[Any]]
) -> None:
    """Six kinds of these once were answered with 500."""
    accounts = Accounts(engine)
    await accounts.add_user(User(name="lan", role="admin"), "hash", "calendar")
    await EventLog(engine).append(long_log(9))
    data = remade(await backup(engine), change)
    await accounts.put_setting("here", "yes")
    if data == remade(await backup(engine), lambda lines: lines):
        pytest.fail("the backup was not changed")
    with pytest.raises(ValueError, match="backup"):
        await put_back(engine, data)
    assert await accounts.setting("here") == "yes"
    assert [user.name for user in await accounts.users()] == ["lan"]


async def test_a_damaged_backup(engine: AsyncEngine) -> None:
    await Accounts(engine).put_setting("a", "b")
    text = gzip.decompress(await backup(engine))
    with pytest.raises(ValueError, match="damaged"):
        check(io.BytesIO(gzip.compress(text.replace(b'"b"', b'"c"'))))


async def test_a_backup_of_an_earlier_version_fits(engine: AsyncEngine) -> None:
    """Columns that came later take what they have by default."""
    accounts = Accounts(engine)
    await accounts.add_user(User(name="lan", role="admin"), "hash", "calendar")

    def earlier(lines: list[dict[str, Any]]) -> list[Any]:
        late = {"password_at", "past_passwords", "factor", "recovery", "subject"}
        return [
            {**line, "row": {k: v for k, v in line["row"].items() if k not in late}}
            for line in lines
        ]

    await put_back(engine, remade(await backup(engine), earlier))
    assert [user.name for user in await accounts.users()] == ["lan"]


# --- by schedule ---------------------------------------------------------------------------


@pytest.mark.usefixtures("worked_here")
async def test_backups_are_made_daily_and_the_oldest_go(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    engine = engine_of("", state)
    await migrate(engine)
    await Accounts(engine).put_setting("a", "b")
    backups = Backups("", state, state / "backups", keep=2)
    now = (tmp_path / "state").stat().st_mtime + 10
    assert backups.due(now, busy=True), "there is none"
    assert await backups.look(now, busy=False)
    assert not await backups.look(now + 100, busy=False)
    for day in (1, 2, 3):
        assert backups.due(now + day * 3 * DAY, busy=False)
        assert not backups.due(backups.newest() + 1.5 * DAY, busy=True), "a conference runs"  # type: ignore[operator]
        assert await backups.look(now + day * 3 * DAY, busy=False)
    names = sorted(path.name for path in (state / "backups").iterdir())
    assert names == [backups.name(now + 2 * 3 * DAY), backups.name(now + 3 * 3 * DAY)]
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in (state / "backups").iterdir())
    await Accounts(engine).put_setting("a", "changed")
    await backups.restore(state / "backups" / names[-1])
    assert await Accounts(engine).setting("a") == "b"
    await engine.dispose()


def signed_minutes(state: Path, data: bytes) -> Path:
    path = state / "minutes" / f"{hashlib.sha256(data).hexdigest()}.pdf"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


async def test_signed_minutes_come_back(engine: AsyncEngine, tmp_path: Path) -> None:
    """Those that are missing; what is there stays, and what is no minutes is not in a backup."""
    state = tmp_path / "state"
    state.mkdir()
    small = signed_minutes(state, b"%PDF-1.7 small")
    large = signed_minutes(state, random.Random(7).randbytes(5 * PIECE // 2))
    damaged = signed_minutes(state, b"%PDF-1.7 damaged")
    damaged.write_bytes(b"%PDF-1.7 damaged later")
    (state / "minutes" / "notes.pdf").write_bytes(b"somebody's own")
    out, log = io.BytesIO(), EventLog(engine)
    await log.append(long_log(3))
    rows = await write_backup(engine, out, io.BytesIO(), None, state)
    kept_octets = large.read_bytes()
    large.unlink()
    small.write_bytes(b"whatever is there")
    done = await restore(engine, io.BytesIO(out.getvalue()), state=state)
    assert (done.rows, done.files) == (rows, 1)
    assert large.read_bytes() == kept_octets
    assert large.stat().st_mode & 0o777 == 0o600
    assert small.read_bytes() == b"whatever is there"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert (await restore(engine, io.BytesIO(out.getvalue()), state=elsewhere)).files == 2
    assert {path.name for path in (elsewhere / "minutes").iterdir()} == {small.name, large.name}


PIECE_OF = base64.b64encode(b"%PDF-1.7").decode()
NAME = f"minutes/{hashlib.sha256(b'%PDF-1.7').hexdigest()}.pdf"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"file": NAME.replace("minutes/", "minutes/../"), "piece": PIECE_OF}], "not know"),
        ([{"file": "keys.yaml", "piece": PIECE_OF}], "not know"),
        ([{"file": f"/etc/{NAME}", "piece": PIECE_OF}], "not know"),
        ([{"file": NAME, "piece": "no base64!"}], "not know"),
        ([{"file": NAME, "piece": PIECE_OF, "mode": 511}], "not know"),
        ([{"file": NAME}], "not know"),
        ([{"file": 7, "piece": PIECE_OF}], "not know"),
        ([{"file": NAME, "piece": ""}], "is not what its name says"),
        ([{"file": NAME, "piece": PIECE_OF}] * 2, "is not what its name says"),
        (
            [
                {"file": NAME, "piece": PIECE_OF},
                {"file": "minutes/" + "0" * 64 + ".pdf", "piece": PIECE_OF},
                {"file": NAME, "piece": PIECE_OF},
            ],
            "is not what its name says",
        ),
    ],
)
async def test_files_that_a_backup_may_not_bring(
    tmp_path: Path, lines: list[dict[str, Any]], said: str
) -> None:
    """Nothing of such a backup is written, neither rows nor files."""
    engine = engine_of("", tmp_path)
    await migrate(engine)
    await Accounts(engine).put_setting("a", "b")
    good = await backup(engine)
    await Accounts(engine).put_setting("a", "changed")
    crafted = gzip.decompress(remade(good, lambda rows: [*rows, *lines])).split(b"\n", 1)
    head = {
        **json.loads(crafted[0]),
        "rows": json.loads(gzip.decompress(good).split(b"\n")[0])["rows"],
    }
    data = gzip.compress(json.dumps(head).encode() + b"\n" + crafted[1])
    state = tmp_path / "state"
    state.mkdir()
    with pytest.raises(ValueError, match=said):
        await restore(engine, io.BytesIO(data), state=state)
    assert await Accounts(engine).setting("a") == "changed"
    assert not any(state.iterdir())
    await engine.dispose()


@pytest.mark.usefixtures("worked_here")
async def test_encrypted_backups(tmp_path: Path) -> None:
    engine = engine_of("", tmp_path)
    await migrate(engine)
    await Accounts(engine).put_setting("a", "the secret of the house")
    path = tmp_path / "backup.sealed"
    ours = Backups("", tmp_path, tmp_path, secret="correct horse battery")
    minutes = signed_minutes(tmp_path, b"%PDF-1.7 minutes")
    await ours.write(path)
    with pytest.raises(OSError, match="gzipped"):
        gzip.decompress(path.read_bytes())
    minutes.unlink()
    outcome = await ours.restore(path)
    assert outcome.noted.endswith("0 logs lost, 1 files")
    assert minutes.read_bytes() == b"%PDF-1.7 minutes"
    for secret, said in (("", "encrypted"), ("another horse battery", "decrypted")):
        with pytest.raises(ValueError, match=said):
            await Backups("", tmp_path, tmp_path, secret=secret).restore(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="decrypted"):
        await ours.restore(path)
    await engine.dispose()
