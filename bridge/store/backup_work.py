"""Writing and restoring a backup, as work for a process of its own (`bridge.base.limited`)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from bridge.base.files import private_file
from bridge.proof.signing_key import SigningKey, kept_signing_key
from bridge.store import sealed
from bridge.store.backup import restore, write_backup
from bridge.store.backup_files import bring_missing
from bridge.store.database import FAULTS, engine_of, first_line
from bridge.store.leading.guarantees import Seen
from bridge.store.leading.term import Term

SILENCE = (
    60.0  # seconds; for so long a host that is lost while it restores keeps the others waiting
)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What to do: ``kind`` is write or restore; ``url`` and ``folder`` name the database, ``file``
    the backup, ``secret`` what it is encrypted with ("": it is not), ``actor`` who wants it. The
    key that signs is in ``folder``. With several hosts ``epoch`` is the leader's, in which alone it
    restores, ``system`` and ``timeline`` are of its database, and ``host`` is its name."""

    kind: str
    url: str
    folder: str
    file: str
    secret: str = ""
    actor: str = "system"
    epoch: int = 0
    system: int = 0
    timeline: int = 0
    host: str = ""

    @property
    def term(self) -> Term | None:
        """Within which it restores. A restoration reads and counts between its statements, so
        the database bears more silence than of a command."""
        if not self.epoch or self.kind == "write":
            return None
        seen = Seen(self.system, self.timeline)
        return Term(self.epoch, SILENCE, lambda: True, seen, self.host)


def within(term: Term | None, work: Work) -> Work:
    """The same within a leader's term, where there are several hosts."""
    if term is None:
        return work
    return msgspec.structs.replace(work, epoch=term.epoch, host=term.host, **term.seen._asdict())


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """``rows`` written or restored; of a restoration, too: ``key``, the fingerprint of who signed
    the backup ("": nobody), ``ours`` whether that is this installation, ``lost_logs``, how many
    logs go on no longer, and ``files``, how many signed minutes were missing and came back.
    ``problem`` is a sentence about the file, ``fault`` one about the database or the disk; then
    nothing was changed."""

    rows: int = 0
    key: str = ""
    ours: bool = False
    lost_logs: int = 0
    files: int = 0
    problem: str = ""
    fault: str = ""

    @property
    def signed_by(self) -> str:
        """Who signed the backup: "this" installation, "another" one or "nobody"."""
        return "nobody" if not self.key else "this" if self.ours else "another"

    @property
    def noted(self) -> str:
        """What the audit trail says of a restoration."""
        told = f"{self.rows} rows, signed by {self.signed_by}, {self.lost_logs} logs lost"
        return f"{told}, {self.files} files" if self.files else told


def answer(request: dict[str, Any]) -> Any:
    """Do it; `bridge.base.limited_work` calls this."""
    return msgspec.to_builtins(asyncio.run(carry_out(msgspec.convert(request, Work))))


async def carry_out(work: Work) -> Outcome:
    """Write or restore a backup."""
    engine = engine_of(work.url, Path(work.folder), patience=None, term=work.term)
    try:
        key = _key(Path(work.folder))
        if work.kind == "write":
            return Outcome(rows=await _write(engine, work, key))
        # This process has nothing else to do meanwhile.
        with Path(work.file).open("rb") as file:  # noqa: ASYNC230
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            with opened(file, work.secret) as plain:
                state = Path(work.folder)
                done = await restore(engine, plain, actor=work.actor, sha256=sha256, state=state)
        ours = key is not None and key.public.fingerprint == done.key
        return Outcome(
            rows=done.rows, key=done.key, ours=ours, lost_logs=done.lost_logs, files=done.files
        )
    except ValueError as error:
        return Outcome(problem=str(error))
    except FAULTS as error:
        return Outcome(fault=first_line(error))
    finally:
        await engine.dispose()


def _key(folder: Path) -> SigningKey | None:
    """The key that signs; None where it cannot be made now: a backup without a signature is better
    than none."""
    try:
        return kept_signing_key(folder)
    except OSError:
        return None


async def _write(engine: Any, work: Work, key: SigningKey | None) -> int:
    path, state = Path(work.file), Path(work.folder)
    await bring_missing(engine, state)
    with tempfile.TemporaryFile(dir=path.parent) as raw, private_file(path) as out:
        spool = cast("BinaryIO", raw)
        if not work.secret:
            return await write_backup(engine, out, spool, key, state)
        with tempfile.TemporaryFile(dir=path.parent) as unsealed:
            plain = cast("BinaryIO", unsealed)
            rows = await write_backup(engine, plain, spool, key, state)
            plain.seek(0)
            sealed.seal(plain, out, work.secret)
            return rows


@contextlib.contextmanager
def opened(file: BinaryIO, secret: str) -> Any:
    """A backup that can be read, whether or not it is encrypted. Raises ValueError where the
    secret is missing or wrong."""
    if not sealed.is_sealed(file):
        yield file
        return
    if not secret:
        raise ValueError(
            "The backup is encrypted. Name the file with its secret under bridge.backup.secret."
        )
    with tempfile.TemporaryFile() as plain:
        sealed.unseal(file, cast("BinaryIO", plain), secret)
        plain.seek(0)
        yield plain
