"""Nobody sets an attribute of another object after its construction.

What two objects need of each other is passed to a constructor, or is a callback. Left out are
records: plain values that a room owns and changes step by step. They are named here, each by its
class. A record is changed only where its class, its module, or a record that has one is imported.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

PRODUCT = ("bridge", "config", "endpoints", "monitoring")
RECORDS = {
    "bridge.accounts.throttle._Record",
    "bridge.agents.registry.Agent",
    "bridge.conference.report._Row",
    "bridge.control.calling._Call",
    "bridge.control.sessions.Session",
    "bridge.media.budget.Budget",
    "bridge.media.congestion.book.Batch",
    "bridge.media.congestion.book.Report",
    "bridge.media.congestion.line.Line",
    "bridge.media.congestion.probe.Cluster",
    "bridge.media.counters.Counters",
    "bridge.media.hot.rows.HotBudget",
    "bridge.media.hot.rows.HotLayer",
    "bridge.media.hot.rows.HotSlot",
    "bridge.media.hot.rows.HotTransport",
    "bridge.media.layer.Layer",
    "bridge.media.routing.AudioGroup",
    "bridge.media.slot.Slot",
    "bridge.media.transport.Source",
    "bridge.media.transport.Transport",
    "bridge.server.api.routes.Call",
    "bridge.server.guard.message_budget._Bucket",
    "bridge.signalling.answer._Line",
    "bridge.signalling.sdp.Codec",
    "bridge.signalling.sdp.Media",
    "bridge.signalling.sdp.Offer",
    "bridge.sip.codec_point.CodecCall",
    "bridge.sip.wire.budgets._Guesses",
    "bridge.sip.wire.session_timers.Session",
    "bridge.sip.wire.transactions._Client",
    "bridge.sip.wire.transactions._Server",
    "bridge.telemetry.host.Host",
    "endpoints.reflector.engine._Session",
    "endpoints.webrtc.observation.Observation",
    "monitoring.probing.prober._Session",
    "monitoring.probing.session.Probe",
    "monitoring.probing.session.Totals",
    "monitoring.probing.session._Sent",
    "monitoring.quality.incident_rules._Signal",
    "monitoring.quality.levels.Line",
    "monitoring.quality.readiness_rules.Facts",
}
FOREIGN = {
    "aiosipua": {"on_invite", "on_reinvite", "on_bye", "on_ack_timeout"}
    | {"on_cancel", "on_answer", "on_rejected", "remote_target", "route_set", "body"}
    | {"on_registered", "on_failed", "on_expired"}
    | {"session_interval", "session_refresher_us", "sdp_offer", "sdp_answer"},
    "ctypes": {"restype", "argtypes"},
    "docx": {"alignment", "autofit", "bold", "italic", "name", "size", "style", "width"}
    | {"page_width", "page_height", "left_margin", "right_margin", "top_margin", "bottom_margin"}
    | {"header_distance", "different_first_page_header_footer", "first_line_indent"}
    | {"space_after", "keep_with_next", "title", "author", "language", "created", "modified"}
    | {"comments"},
    "logging": {"msg"},
    "numba": {"CACHE_DIR"},
    "onvif": {"session"},  # of a service's transport: one that bounds what is read
    "numpy": {"setattr"},  # the columns of a table as attributes of the class of its rows
    "ssl": {"check_hostname", "minimum_version", "verify_mode", "verify_flags"},
    "aiortc": {"setattr"},  # the seams, which replace functions of its modules
    "av": {
        "pts",
        "time_base",
        "sample_rate",
        "width",
        "height",
        "pix_fmt",
        "bit_rate",
        "layout",
        "format",
    }
    | {"thread_count", "options", "framerate", "pict_type"},
    "zipfile": {"compress_type", "external_attr"},
    "pylibsrtp": {"window_size", "allow_repeat_tx"},
}
"""Attributes that other people's interfaces want set, by the package that must be imported."""


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def modules() -> dict[str, Path]:
    return {name_of(path): path for room in PRODUCT for path in sorted((ROOT / room).rglob("*.py"))}


@functools.cache
def imported(tree: ast.Module) -> frozenset[str]:
    """Modules, and names of modules, that a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


@functools.cache
def fields(tree: ast.Module, name: str) -> frozenset[str]:
    """Attributes that a class declares: in its body, in ``__slots__``, or in its methods."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            for inner in ast.walk(node):
                match inner:
                    case ast.AnnAssign(target=ast.Name(id=field)):
                        found.add(field)
                    case ast.Attribute(value=ast.Name(id="self"), attr=field, ctx=ast.Store()):
                        found.add(field)
    return frozenset(found)


def compiled(tree: ast.Module) -> set[ast.AST]:
    """What stands in compiled functions: these have no objects, they work on rows of tables."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("compiled" in ast.unparse(each) for each in node.decorator_list)
        for inner in ast.walk(node)
    }


def targets(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Attributes of other objects that a module sets or deletes."""
    rows = compiled(tree)
    for node in ast.walk(tree):
        if node in rows:
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            owner = node.value
            if not (isinstance(owner, ast.Name) and owner.id in ("self", "cls")):
                yield node
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "setattr"
            and ast.unparse(node.args[0]) != "self"
        ):
            yield ast.Attribute(node.args[0], "setattr", ast.Store(), lineno=node.lineno)


def allowed(module: str, tree: ast.Module) -> set[str]:
    """Names of attributes that a module may set on other objects."""
    known = {module, *imported(tree)}
    for home in {record.rpartition(".")[0] for record in RECORDS} & known:
        known |= imported(parsed(modules()[home]))
    found: set[str] = set()
    for record in RECORDS:
        home, _, name = record.rpartition(".")
        if home in known or record in known:
            found |= fields(parsed(modules()[home]), name)
    for package, names in FOREIGN.items():
        if any(name.split(".")[0] == package for name in known):
            found |= names
    return found


def violations(module: str, tree: ast.Module) -> list[str]:
    """Lines that set what is no field of a record within reach, as ``line: target``."""
    may = allowed(module, tree)
    return [f"{node.lineno}: {ast.unparse(node)}" for node in targets(tree) if node.attr not in may]


@pytest.mark.parametrize("module", modules())
def test_nobody_sets_an_attribute_of_another_object(module: str) -> None:
    assert violations(module, parsed(modules()[module])) == []


@pytest.mark.parametrize("record", sorted(RECORDS))
def test_records_are_classes_that_there_are(record: str) -> None:
    home, _, name = record.rpartition(".")
    assert fields(parsed(modules()[home]), name)


@pytest.mark.parametrize(
    "source",
    [
        "control.conductor = conductor",
        "control.observer = conductor.observer = auth.observer = meters",
        "readiness.templates, readiness.board = dict, None",
        "services.routes += [1]",
        "self.health.media: dict[str, int] = {}",
        "for self.control.quality in ({},): pass",
        "with open('x') as process.file: pass",
        "setattr(control, 'quality', {})",
        "del control.quality",
        "session.quality = 'good'",
    ],
)
def test_what_is_set_from_outside_is_found(source: str) -> None:
    tree = ast.parse("from bridge.control.sessions import Session\n" + source)
    assert violations("bridge.app.process", tree)


def test_a_record_is_changed_only_where_its_class_is_known() -> None:
    assert violations("bridge.app.process", ast.parse("session.idle_since = 0"))
    known = ast.parse("from bridge.control.sessions import Session\nsession.idle_since = 0")
    assert violations("bridge.app.process", known) == []
    assert violations("bridge.control.sessions", ast.parse("session.idle_since = 0")) == []
    assert violations("bridge.app.process", ast.parse("self.url = ''\ncls.count += 1")) == []
