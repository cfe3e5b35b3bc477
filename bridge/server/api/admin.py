"""What only an admin does: change the topology, read the audit trail, back up and restore."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence, sentence
from bridge.reports.csv_table import as_csv
from bridge.server.api import openapi, topology_check
from bridge.server.api.routes import Call, Route, attachment, check_match, etag
from bridge.store.accounts import AUDIT_PAGE, AuditEntry
from config.loader import ConfigError
from config.schema import Topology
from config.vietnamese import vietnamese

RESTART_KEYS = (
    "web",
    "media",
    "state",
    "database",
    "hosts",
    "workers",
)  # of `bridge`: at the next start


class TopologyText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topology file's text."""

    text: Annotated[str, msgspec.Meta(max_length=1 << 20)]


class TopologyProblem(msgspec.Struct, frozen=True):
    """A fault of a topology file, with its place; ``path`` is that of the key."""

    line: int
    column: int
    path: str
    sentence: str
    sentence_vi: str


class Difference(msgspec.Struct, frozen=True):
    """What a reload changes: "added", "removed" or "changed"; ``restart``: only after one."""

    path: str
    change: str
    before: str
    after: str
    restart: bool


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of a check. ``refused`` says why a good file cannot be swapped in now, ``notes`` what
    could not be done when it was swapped in."""

    ok: bool
    problems: list[TopologyProblem] = []
    differences: list[Difference] = []
    refused: Sentence | None = None
    notes: list[Sentence] = []


class Restored(msgspec.Struct, frozen=True):
    """How many rows of the database came out of a backup. ``signed_by`` is "this" installation,
    "another" one or "nobody", ``lost_logs`` how many logs were there and go on no longer."""

    rows: int
    signed_by: str
    lost_logs: int


# --- topology ------------------------------------------------------------------------------


def _flat(topology: Topology) -> dict[str, str]:
    """Values by path; points and links by id, so that an inserted one changes no other."""
    found: dict[str, str] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, f"{path}.{key}" if path else key)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, item in enumerate(value):
                walk(item, f"{path}[{item.get('id', item.get('rid', index))}]")
        elif path.endswith((".key", ".secret")):
            found[path] = "•••" if value is None else f"•••{hash(value) % 1000:03}"
        elif value is not None:
            found[path] = json.dumps(value, ensure_ascii=False)

    walk(topology.model_dump(mode="json"), "")
    return found


def differences(before: Topology, after: Topology) -> list[Difference]:
    """What another topology changes, in the order of its paths."""
    old, new = _flat(before), _flat(after)
    result: list[Difference] = []
    for path in sorted({*old, *new}):
        was, now = old.get(path, ""), new.get(path, "")
        if was != now:
            change = "added" if not was else "removed" if not now else "changed"
            # "bridge.webhooks[…]" is not under "bridge.web"
            within = re.split(r"[.\[]", path)[:2]
            restart = within[0] == "bridge" and within[-1] in RESTART_KEYS
            result.append(Difference(path, change, was, now, restart))
    return result


def _reload_refusal(call: Call, topology: Topology) -> Denied | None:
    """A point that is in a conference cannot go; nor can it become an observer there."""
    known = {point.id: point for point in topology.points}
    for state in call.services.conductor.running():
        for point in state.points:
            if point not in known:
                return Denied(409, "api.point_is_live", point=point, title=state.booking.title.vi)
    return None


async def _check(call: Call, text: str) -> tuple[Checked, Topology | None]:
    try:
        topology = await topology_check.check(text)
    except ConfigError as error:
        found = [
            TopologyProblem(p.line, p.column, p.path, p.sentence, vietnamese(p.sentence))
            for p in error.problems
        ]
        return Checked(ok=False, problems=found), None
    changes = differences(call.services.control.topology.current, topology)
    problem = call.services.settings.problem(topology.bridge)
    refusal = _reload_refusal(call, topology)
    if refusal is None and not problem:
        return Checked(ok=True, differences=changes), topology
    why = (
        sentence(refusal.key, **refusal.arguments)
        if refusal is not None
        else sentence("api.bad_settings", detail=problem)
    )
    return Checked(ok=False, differences=changes, refused=why), None


async def _use(call: Call, topology: Topology, checked: Checked) -> Checked:
    """Swap a good topology in, and what else of its settings needs no restart."""
    services = call.services
    services.control.swap_topology(topology)
    notes = await services.settings.apply(topology.bridge)
    return msgspec.structs.replace(checked, notes=[sentence(key) for key in notes])


async def show_topology(call: Call) -> web.Response:
    path = call.services.topology_file
    if path is None:
        raise Denied(404, "api.no_topology_file")
    body = msgspec.json.encode(TopologyText(path.read_text("utf-8")))
    return web.Response(body=body, content_type="application/json", headers={"ETag": etag(body)})


async def check_topology(call: Call) -> Checked:
    body: TopologyText = call.body
    return (await _check(call, body.text))[0]


async def put_topology(call: Call) -> Any:
    """Validate, write the file, swap. A bad file changes nothing."""
    body: TopologyText = call.body
    services = call.services
    path = services.topology_file
    if path is None:
        raise Denied(404, "api.no_topology_file")
    check_match(call, msgspec.json.encode(TopologyText(path.read_text("utf-8"))))
    checked, topology = await _check(call, body.text)
    services.control.observer.reloaded(topology is not None)
    if topology is None:
        await call.note("topology", outcome="refused")
        return web.Response(
            status=409 if checked.refused else 422,
            body=msgspec.json.encode(checked),
            content_type="application/json",
        )
    temporary = path.with_suffix(".new")
    try:
        temporary.write_text(body.text, "utf-8")
        shutil.copymode(path, temporary)  # keys of rooms may stand in it
        temporary.replace(path)
    except OSError:
        raise Denied(409, "api.topology_unwritable") from None
    checked = await _use(call, topology, checked)
    await call.note("topology", outcome=f"{len(checked.differences)} changes")
    return checked


async def reload_topology(call: Call) -> Any:
    """Take in the file as it lies on the disk."""
    path = call.services.topology_file
    if path is None:
        raise Denied(404, "api.no_topology_file")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Denied(409, "api.topology_unreadable") from None
    checked, topology = await _check(call, text)
    call.services.control.observer.reloaded(topology is not None)
    if topology is not None:
        checked = await _use(call, topology, checked)
    await call.note("topology reload", outcome="done" if topology is not None else "refused")
    status = 200 if topology is not None else 409 if checked.refused else 422
    return web.Response(
        status=status, body=msgspec.json.encode(checked), content_type="application/json"
    )


# --- audit and backup ----------------------------------------------------------------------


async def show_audit(call: Call) -> Any:
    """A page, newest first; everything as a file with ``?format=csv`` or ``json``."""
    kind = call.request.query.get("format", "")
    accounts = call.services.accounts
    if kind not in ("", "csv", "json"):
        raise Denied(422, "api.bad_format")
    if not kind:
        before = call.number("before", 0) or None
        return await accounts.audit(before=before, limit=AUDIT_PAGE)
    entries = await accounts.audit(limit=None)
    await call.note("audit export", kind)
    if kind == "json":
        body = msgspec.json.encode(entries)
        media_type = "application/json"
    else:
        rows = [
            [
                time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.at)),
                entry.actor,
                entry.address,
                entry.action,
                entry.target,
                entry.outcome,
            ]
            for entry in entries
        ]
        header = ["at", "actor", "address", "action", "target", "outcome"]
        body, media_type = as_csv(header, rows).encode(), "text/csv"
    return attachment(body, media_type, f"audit.{kind}")


async def get_backup(call: Call) -> web.Response:
    backups = call.services.backups
    name = backups.name(call.services.conductor.now())
    with tempfile.TemporaryDirectory(dir=backups.state) as folder:
        path = Path(folder) / name
        await backups.write(path)
        data = await asyncio.to_thread(path.read_bytes)
    await call.note("backup")
    return web.Response(
        body=data,
        content_type="application/gzip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def put_backup(call: Call) -> Restored:
    """Replace everything but the audit trail by a backup. Refused while a conference runs."""
    if call.services.conductor.running():
        raise Denied(409, "api.restore_while_live")
    backups = call.services.backups
    with tempfile.TemporaryDirectory(dir=backups.state) as folder:
        path = Path(folder) / "backup"
        await asyncio.to_thread(path.write_bytes, call.body)
        try:
            async with call.services.events.replaced():
                done = await backups.restore(path, call.actor.label)
        except ValueError as error:
            await call.note("restore", outcome="refused")
            raise Denied(422, "api.bad_backup", detail=str(error)) from None
    call.services.restored()
    await call.services.heads.load()
    await call.services.scheduler.load()
    await call.services.incidents.load(call.services.control.clock())
    await call.services.recordings.catalogue.load()
    await call.services.papers.load()
    await call.services.persons.load()
    call.services.reloaded()
    digest = hashlib.sha256(call.body).hexdigest()[:16]
    await call.note("restore", f"sha256:{digest}", done.noted)
    return Restored(done.rows, done.signed_by, done.lost_logs)


# --- the certificate, the description ------------------------------------------------------


async def certificate(call: Call) -> web.Response:
    """The local authority's certificate, for installing on room PCs. It is no secret."""
    path = call.services.certificate
    if path is None or not path.exists():
        raise Denied(404, "api.no_certificate")
    return web.Response(
        body=path.read_bytes(),
        content_type="application/x-x509-ca-cert",
        headers={"Content-Disposition": 'attachment; filename="diem-cau-ca.crt"'},
    )


async def describe(call: Call) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(openapi.document(call.routes)),
        content_type="application/json",
    )


ROUTES = [
    Route(
        "GET",
        "/api/v1/topology",
        show_topology,
        "admin",
        "The topology file, with its ETag",
        answer=TopologyText,
    ),
    Route(
        "PUT",
        "/api/v1/topology",
        put_topology,
        "admin",
        "Check, write and swap the topology",
        TopologyText,
        Checked,
        headers=("If-Match",),
    ),
    Route(
        "POST",
        "/api/v1/topology/check",
        check_topology,
        "admin",
        "Check a topology and show what it would change",
        TopologyText,
        Checked,
    ),
    Route(
        "POST",
        "/api/v1/topology/reload",
        reload_topology,
        "admin",
        "Take the file in as it lies on the disk",
        answer=Checked,
    ),
    Route(
        "GET",
        "/api/v1/audit",
        show_audit,
        "inspect",
        "The audit trail; also csv and json",
        answer=list[AuditEntry],
        query=("before", "format"),
    ),
    Route(
        "GET",
        "/api/v1/backup",
        get_backup,
        "admin",
        "A backup of everything",
        media_type="application/gzip",
    ),
    Route(
        "PUT", "/api/v1/backup", put_backup, "admin", "Restore a backup", bytes, Restored, raw=True
    ),
    Route(
        "GET",
        "/api/v1/ca.crt",
        certificate,
        "public",
        "The local authority's certificate",
        media_type="application/x-x509-ca-cert",
    ),
    Route("GET", "/api/v1/openapi.json", describe, "public", "This description"),
]
