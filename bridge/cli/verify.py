"""`verify`: what of a log, a pack or a backup is proved, and what is not. Nothing is written, no
bridge is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.app.errors import StartError
from bridge.app.state_folder import read_secret
from bridge.base.i18n import sentence, text
from bridge.cli.common import EXIT_BAD_INPUT, LANGUAGES, check_language, errors, load_or_exit
from bridge.cli.common import state_folder as folder_of
from bridge.cli.verify_pdf import MARK, known_here, of_pdf, trust_of
from bridge.conference import events as e
from bridge.proof.ballots import KINDS, of_votes
from bridge.proof.evidence_check import check_pack
from bridge.proof.signing_key import PUBLIC_KEY, VerifyingKey, public_key
from bridge.proof.statements import head_of, moment
from bridge.proof.verdict import (
    Finding,
    Signed,
    finding,
    of_chain,
    of_head,
    signature_of,
    worst,
)
from bridge.recordings.kept_recordings import STREAM, Catalogue
from bridge.reports.evidence import check as checked
from bridge.store import backup
from bridge.store.backup_work import opened
from bridge.store.chaining import PROOF
from bridge.store.database import (
    FAULTS,
    HEAD,
    REVISION,
    SQLITE,
    StoreError,
    engine_of,
    first_line,
)
from bridge.store.log import EventLog
from bridge.store.sealed import is_sealed
from bridge.store.signed_heads import SignedHeads
from config.schema import Topology

EXITS = {"proved": 0, "false": 1, "open": 3}
EVERYTHING = "all"
VOTE_OPENED = "vote_opened"
MARKS = {"proved": "✔", "false": "✘", "open": "–"}
File = Annotated[
    Path | None, typer.Option("--file", "-f", envvar="DIEM_CAU_FILE", help="the topology file")
]


class CannotTell(Exception):
    """What is to be verified is not there or cannot be read; the text is a sentence's key."""

    def __init__(self, key: str, **arguments: str) -> None:
        super().__init__(key)
        self.said = sentence(key, **arguments)


def verify(
    what: Annotated[
        str,
        typer.Argument(
            help="an evidence pack, a backup, a signed PDF, the id of a conference, or all"
        ),
    ],
    file: File = None,
    key: Annotated[
        Path | None,
        typer.Option(help=f"the installation's public key ({PUBLIC_KEY}), brought from elsewhere"),
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(help="certificates (PEM) under which signers of a PDF are trusted"),
    ] = None,
    crl: Annotated[
        list[Path] | None, typer.Option(help="a list of revoked certificates (PEM or DER)")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", help="vi or en; both where none is named")
    ] = "",
) -> None:
    """Say what of an evidence pack, a backup, a signed PDF or a conference's log is proved, and
    what is not. Exit 0: everything is; 1: something is false; 3: nothing is false, not everything
    is proved; 2: it cannot be looked at."""
    if language:
        check_language(language)
    try:
        findings = _findings(what, file, key, (trust or [], crl or []))
    except CannotTell as error:
        for spoken in [language] if language else LANGUAGES:
            errors.print(error.said.text(spoken), soft_wrap=True, markup=False)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    show(findings, [language] if language else LANGUAGES)
    raise typer.Exit(EXITS[worst(findings)])


def show(findings: Sequence[Finding], languages: Sequence[str]) -> None:
    """Print findings, then what they come to."""
    console = Console(highlight=False, soft_wrap=True)
    for spoken in languages:
        for found in findings:
            console.print(f"{MARKS[found.state]} {found.said.text(spoken)}", markup=False)
        console.print(text(spoken, f"proof.all_{worst(findings)}"), markup=False)
        console.print(text(spoken, "proof.never"), markup=False)
        if spoken != languages[-1]:
            console.print()


def _findings(
    what: str, file: Path | None, key: Path | None, lists: tuple[list[Path], list[Path]]
) -> list[Finding]:
    path = Path(what)
    topology = load_or_exit(file) if file is not None else None
    state = folder_of(file, topology) if file is not None and topology is not None else None
    trusted = _key(key, state)
    if path.is_file():
        base = file.resolve().parent if file is not None else None
        with path.open("rb") as opened_file:
            if opened_file.read(len(MARK)) == MARK:
                return _of_pdf(path, topology, state, base, lists)
        return _of_file(path, trusted, topology, base)
    if file is None or topology is None or state is None:
        raise CannotTell("proof.no_topology", what=what)
    recordings = topology.bridge.recordings.folder
    kept = file.resolve().parent / recordings if recordings is not None else state / "recordings"
    return asyncio.run(of_log(what, topology.bridge.database, state, kept, trusted))


def _key(given: Path | None, state: Path | None) -> VerifyingKey | None:
    """The key to check with: the one named, or the one that lies in the state folder."""
    path = given or (state / PUBLIC_KEY if state is not None else None)
    if path is None or (given is None and not path.exists()):
        return None
    try:
        return public_key(path.read_bytes())
    except (OSError, ValueError):
        raise CannotTell("proof.bad_key", file=str(path)) from None


# --- files -----------------------------------------------------------------------------------


def _of_pdf(
    path: Path,
    topology: Topology | None,
    state: Path | None,
    base: Path | None,
    lists: tuple[list[Path], list[Path]],
) -> list[Finding]:
    roots, revoked = trust_of(topology, base)
    try:
        looked, found = of_pdf(path, [*roots, *lists[0]], [*revoked, *lists[1]])
    except ValueError as error:
        raise CannotTell("pdf.bad_roots", file=str(error)) from None
    except OSError as error:
        raise CannotTell("pdf.bad_roots", file=str(error.filename)) from None
    if topology is None or state is None or not looked.sha256:
        return found
    url = topology.bridge.database
    if not url and not (state / SQLITE).is_file():
        return found
    try:
        return [*found, asyncio.run(known_here(looked.sha256, url, state))]
    except FAULTS as error:
        raise CannotTell("proof.database", why=first_line(error)) from None


def _of_file(
    path: Path, key: VerifyingKey | None, topology: Topology | None, base: Path | None
) -> list[Finding]:
    with path.open("rb") as file:
        begin = file.read(2)
        if begin == b"\x1f\x8b" or is_sealed(file):
            secret = ""
            if topology is not None and base is not None and topology.bridge.backup.secret:
                try:
                    named = base / topology.bridge.backup.secret
                    secret = read_secret(named, "bridge.backup.secret")
                except StartError as error:
                    raise CannotTell("proof.no_backup", why=str(error)) from None
            return _of_backup(file, secret, key)
    try:
        return check_pack(path, key)
    except ValueError as error:
        raise CannotTell(str(error), file=str(path)) from None


def _of_backup(file: BinaryIO, secret: str, key: VerifyingKey | None) -> list[Finding]:
    try:
        with opened(file, secret) as plain:
            signed_by = backup.signer(plain)
            rows = sum(backup.check(plain).values())
            chains, unchained = backup.chains(plain)
    except ValueError as error:
        return [finding("false", "proof.backup_false", why=str(error))]
    found = [finding("proved", "proof.backup_whole", rows=rows)]
    if not signed_by:
        found.append(finding("open", "proof.backup_unsigned"))
    elif key is None or key.fingerprint != signed_by:
        found.append(finding("open", "proof.key_missing", fingerprint=signed_by))
    else:
        found.append(finding("proved", "proof.backup_signed", fingerprint=signed_by))
    if unchained:
        found.append(finding("open", "proof.chain_missing"))
    broken = [of_chain(name, walked) for name, walked in sorted(chains.items()) if walked.fault]
    whole = finding("proved", "proof.chains_whole", logs=len(chains))
    return [*found, *(broken or [whole])]


# --- the database ----------------------------------------------------------------------------


async def of_log(
    what: str, url: str, state: Path, recordings: Path, key: VerifyingKey | None
) -> list[Finding]:
    """Findings on one conference in the database, or on everything in it. Raises `CannotTell`."""
    if not url and not (state / SQLITE).is_file():
        raise CannotTell("proof.no_database", folder=str(state))
    try:
        engine = engine_of(url, state)
    except StoreError as error:
        raise CannotTell("proof.database", why=str(error)) from None
    try:
        await _of_this_version(engine)
        return await _of_database(EventLog(engine), what, recordings, key)
    except FAULTS as error:
        raise CannotTell("proof.database", why=first_line(error)) from None
    finally:
        await engine.dispose()


async def _of_this_version(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        if list((await connection.execute(REVISION)).scalars()) != [HEAD]:
            raise CannotTell("proof.other_version")


async def _of_database(
    log: EventLog, what: str, recordings: Path, key: VerifyingKey | None
) -> list[Finding]:
    streams = await log.streams()
    if what != EVERYTHING and what not in streams:
        raise CannotTell("proof.unknown", what=what)
    heads = SignedHeads(log, None, time.time)
    proof = await heads.walked(PROOF)
    found = [of_chain(PROOF, proof)] if proof.events or proof.fault else []
    if proof.fault:
        return found  # what it says of others cannot be believed
    await heads.load()
    entries = await heads.walked(STREAM)
    if entries.fault:
        found.append(of_chain(STREAM, entries))
    catalogue = Catalogue(log, recordings, time.time)
    await catalogue.load()
    ends = set(await log.ends())
    for name in streams if what == EVERYTHING else [what]:
        if name in (PROOF, STREAM):
            continue
        walked = await heads.walked(name)
        found.append(of_chain(name, walked))
        if walked.fault or not await _is_conference(log, name):
            continue
        signed = signed_head(heads.heads.get(name))
        found += of_head(walked, signed, key, ended=name in ends)
        found += of_votes(await _voting(log, name))
        found += await asyncio.to_thread(_recordings, catalogue, name)
    return [*found, *await _restored(log, what)]


async def _voting(log: EventLog, name: str) -> list[e.Recorded]:
    """What a conference's log says of votes, in its order."""
    opened = await log.of_kind(name, VOTE_OPENED)
    if not opened:
        return []
    kinds = [kind for kind in KINDS if kind != VOTE_OPENED]
    others = [item for kind in kinds for item in await log.of_kind(name, kind)]
    return sorted([*opened, *others], key=lambda item: item.seq)


async def _is_conference(log: EventLog, name: str) -> bool:
    return bool(await log.of_kind(name, "opened"))


def signed_head(event: e.HeadSigned | None) -> Signed | None:
    """A head as the log has it."""
    if event is None:
        return None
    return Signed(head_of(event), signature_of(event.signature), event.key)


def _recordings(catalogue: Catalogue, conference: str) -> list[Finding]:
    found = []
    for name, kept in sorted(catalogue.kept.items()):
        if kept.facts.conference != conference:
            continue
        file = f"{name}.mkv"
        try:
            same = checked(catalogue.file(name)).sha256 == kept.facts.sha256
        except OSError:
            found.append(finding("open", "proof.recording_away", file=file))
            continue
        if same:
            found.append(finding("proved", "proof.recording_whole", file=file))
        else:
            found.append(finding("false", "proof.recording_false", file=file))
    return found


async def _restored(log: EventLog, what: str) -> list[Finding]:
    """Which backups took the place of what is looked at."""
    found = []
    for item in await log.of_kind(PROOF, "backup_restored"):
        event = item.event
        if not isinstance(event, e.BackupRestored):
            continue
        named = any(lost.of == what for lost in event.lost) or event.lost_logs > len(event.lost)
        if what == EVERYTHING or named:
            found.append(
                finding(
                    "open",
                    "proof.restored",
                    at=moment(item.at),
                    actor=item.actor,
                    logs=event.lost_logs,
                )
            )
    return found
