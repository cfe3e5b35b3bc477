"""The documents against the tree and the command line: what they name exists, and the guides in
both languages have the same parts and figures."""

from __future__ import annotations

import argparse
import functools
import importlib.util
import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bridge.cli.main import app as bridge_app
from endpoints.agent.cli import app as agent_app
from installation import agent, bridge
from tests.paths import ROOT

DOCUMENTS = sorted(
    [
        *(ROOT / "README.md", ROOT / "CHANGELOG.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "monitoring" / "runbooks").glob("*.md"),
    ]
)
HISTORY = ROOT / "CHANGELOG.md"  # may name paths that have gone since
GUIDES = (
    ("operator", "dieu-khien"),
    ("technician", "ky-thuat-vien"),
    ("secretary", "thu-ky"),
    ("admin", "quan-tri"),
    ("monitoring", "giam-sat"),
)

OURS = (
    *("benchmarks", "bridge", "config", "docs", "endpoints", "installation", "monitoring", "tests"),
    r"\.ci",
)
PATH = re.compile(rf"(?<![\w./@:-])(?:{'|'.join(OURS)})/[\w{{}},.*/-]*")
COMMENTED = {".py", ".js", ".css", ".html", ".yml", ".yaml", ".conf", ".sh", ".c"}
PYTHON_FILE = re.compile(r"(?<![\w./*-])\w+\.py\b")
RUN_MODULE = re.compile(r"\bpython3? -m ([\w.]+)(.*)")
NAME_IN_FILE = re.compile(rf"`(\w+)` in `((?:{'|'.join(OURS)})/[\w./]+\.(?:py|js))`")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*+(?!\.\w)")  # Prometheus has dotted ones
DEMO_ARGUMENTS = re.compile(r'\bmake demo ARGS="([^"]*)"')
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

markdown = MarkdownIt("commonmark").enable("table")


def ident(document: Path) -> str:
    return str(document.relative_to(ROOT))


def tokens(document: Path) -> Iterator[Token]:
    """Every token of a document, those inside paragraphs included."""
    for token in markdown.parse(document.read_text("utf-8")):
        yield token
        yield from token.children or ()


def snippets(document: Path) -> Iterator[tuple[str, bool]]:
    """Code of a document: (text, whether it stands within a sentence)."""
    for token in tokens(document):
        if token.type == "code_inline":
            yield token.content, True
        elif token.type in ("fence", "code_block"):
            for line in token.content.splitlines():
                yield line, False


def exists(path: str) -> bool:
    """Whether a path of the tree exists; ``*`` and ``{a,b}`` are understood. A folder that holds
    nothing but compiled files does not count."""
    braces = re.fullmatch(r"(.*)\{([^{}]*)\}(.*)", path)
    if braces:
        before, names, after = braces.groups()
        return all(exists(before + name + after) for name in names.split(","))
    return any(found.is_file() or holds_files(found) for found in ROOT.glob(path.rstrip("/")))


def holds_files(folder: Path) -> bool:
    return any(found.is_file() and "__pycache__" not in found.parts for found in folder.rglob("*"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=ident)
def test_every_path_that_is_named_exists(document: Path) -> None:
    if document == HISTORY:
        pytest.skip("history names what was there")
    text = document.read_text("utf-8")
    files = {path.name for folder in OURS[:-1] for path in (ROOT / folder).rglob("*.py")}
    missing = [p for p in (m.rstrip(".,") for m in PATH.findall(text)) if not exists(p)]
    missing += [n for n in PYTHON_FILE.findall(text) if n not in files and not exists(n)]
    assert missing == []


def test_every_file_that_a_comment_or_a_docstring_names_exists() -> None:
    """Folders are left out: what runs may name some that are made."""
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for folder in OURS[:-1]
        if folder != "tests"  # whose examples name what does not exist
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in COMMENTED and "vendor" not in path.parts
        for name in (found.rstrip(".,") for found in PATH.findall(path.read_text("utf-8")))
        if re.search(r"\.\w+$", name) and not exists(name)
    ]
    assert wrong == []


def test_nothing_of_a_merge_is_left() -> None:
    """Where files are joined line by line, both sides of a conflict would be read as text."""
    marks = ("<<<<<<< ", ">>>>>>> ")
    assert [
        (ident(document), line)
        for document in DOCUMENTS
        for line in document.read_text("utf-8").splitlines()
        if line.startswith(marks)
    ] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ident)
def test_every_name_is_in_the_file_that_is_given_for_it(document: Path) -> None:
    text = re.sub(r"\s+", " ", document.read_text("utf-8"))
    wrong = [
        (name, path)
        for name, path in NAME_IN_FILE.findall(text)
        if not re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8"))
    ]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ident)
def test_every_module_that_is_to_be_run_exists(document: Path) -> None:
    missing = []
    for text, _ in snippets(document):
        for module, arguments in RUN_MODULE.findall(text):
            if not runnable(module):
                missing.append(module)
            elif module.split(".")[0] in ("bridge", "benchmarks"):
                missing += [o for o in OPTION.findall(arguments) if o not in help_of(module)]
    assert missing == []


def runnable(module: str) -> bool:
    try:
        found = importlib.util.find_spec(module)
        if found is not None and found.submodule_search_locations is not None:
            found = importlib.util.find_spec(f"{module}.__main__")
    except ModuleNotFoundError:
        return False
    return found is not None


@functools.cache
def help_of(module: str) -> frozenset[str]:
    """The options of a module that is run, as it lists them itself."""
    result = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return frozenset(OPTION.findall(re.sub(r"[^\w\s-]", " ", result.stdout)))


# --- links -----------------------------------------------------------------------------------


def anchors(document: Path) -> set[str]:
    """The fragments that GitHub gives a document's headings."""
    found: set[str] = set()
    parsed = markdown.parse(document.read_text("utf-8"))
    for heading, inline in itertools.pairwise(parsed):
        if heading.type != "heading_open":
            continue
        text = "".join(t.content for t in inline.children or () if t.type != "softbreak")
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = sum(1 for anchor in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", anchor))
        found.add(f"{slug}-{number}" if number else slug)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=ident)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    broken = []
    for token in tokens(document):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        if not target or re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (document.parent / MarkdownIt().normalizeLinkText(path)).resolve()
        if not file.exists():
            broken.append(target)
        elif fragment:
            wanted = MarkdownIt().normalizeLinkText(fragment)
            if wanted not in anchors(document if not path else file):
                broken.append(target)
    assert broken == []


# --- the command line --------------------------------------------------------------------------

BRIDGE = typer.main.get_command(bridge_app)
AGENT = typer.main.get_command(agent_app)


def options_of_the_installer() -> set[str]:
    """The options of a bundle's commands."""
    parser = argparse.ArgumentParser()
    for part in (agent, bridge):
        part.options(parser)
    return set(OPTION.findall(re.sub(r"[^\w\s-]", " ", parser.format_help())))


INSTALLER = options_of_the_installer()


def options(command: Any) -> set[str]:
    """All options of a command and of those below it."""
    own = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    return own.union(*(options(each) for each in getattr(command, "commands", {}).values()))


def problems(command: Any, words: list[str]) -> list[str]:
    """What of a call does not exist. Alternatives are written ``a|b``, values in capitals."""
    if not words or re.search(r"[A-Z…]", words[0]):
        return []
    commands: dict[str, Any] | None = getattr(command, "commands", None)
    if commands is None:
        return [w for w in words if w.startswith("--") and w not in options(command)]
    names = [name for name in words[0].split("|") if name]
    unknown = [name for name in names if name not in commands]
    if unknown or len(names) > 1:
        return unknown
    return problems(commands[names[0]], words[1:])


def call(text: str) -> list[str]:
    """The words of a call, up to what the shell takes as its end."""
    words = re.split(r"\s[#;]|&&|\s\|\s|[()`]", text)[0]
    return [re.sub(r"=.*", "", word.strip("[],.")) for word in words.split()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=ident)
def test_every_command_and_option_exists(document: Path) -> None:
    unknown = []
    known = options(BRIDGE) | options(AGENT) | help_of("bridge.media") | INSTALLER
    verbs = [*vars(BRIDGE)["commands"], *vars(AGENT)["commands"]]
    for text, inline in snippets(document):
        for words in re.findall(r"(?:\bbridge\.py|^diem-cau|/bin/diem-cau)\s+(.*)", text):
            unknown += problems(BRIDGE, call(words))
        for module, words in RUN_MODULE.findall(text):
            if module == "endpoints.agent":
                unknown += problems(AGENT, call(words))
        for words in DEMO_ARGUMENTS.findall(text):
            unknown += problems(BRIDGE, ["demo", *call(words)])
        if inline and re.match(rf"--|(?:{'|'.join(verbs)}) ", text):
            unknown += [o for o in OPTION.findall(text) if o not in known]
    assert unknown == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ident)
def test_every_target_of_make_exists(document: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        target
        for text, _ in snippets(document)
        for target in re.findall(r"(?:^|\s)make ([a-z][\w-]*)", text)
        if not text.startswith("apt-get")
    }
    assert named <= targets


def test_what_does_not_exist_is_found() -> None:
    assert not exists("bridge/nothing.py")
    assert not exists("bridge/media/{slot,nothing}.py")
    assert exists("bridge/media/{slot,layer}.py")
    assert not runnable("bridge.nothing.more")
    assert not runnable("bridge.conference"), "a package without __main__"
    assert problems(BRIDGE, call("nothing FILE")) == ["nothing"]
    assert problems(BRIDGE, call("user add|remove NAME")) == ["remove"]
    assert problems(BRIDGE, call("user add lan --role operator --fil x")) == ["--fil"]
    assert problems(BRIDGE, call("check FILE; rm --all")) == []
    assert problems(AGENT, call("run --no-kiosk --screen")) == ["--screen"]


# --- the architecture --------------------------------------------------------------------------


class Room(NamedTuple):
    folder: str
    modules: list[str]


def rooms() -> list[Room]:
    """Rows of the architecture's tables that begin with a folder: it, and the modules named."""
    found = []
    for line in (ROOT / "docs" / "architecture.md").read_text("utf-8").splitlines():
        row = re.match(r"\| `([a-z_/]+)/` \| (.*) \|$", line)
        if row:
            found.append(Room(row[1], re.findall(r"`([^`]+)`", row[2])))
    return found


def test_every_package_has_its_line_in_the_architecture() -> None:
    packages = {
        str(init.parent.relative_to(ROOT))
        for top in ("bridge", "endpoints", "monitoring")
        for init in (ROOT / top).glob("*/__init__.py")
    }
    assert packages <= {room.folder for room in rooms()}


def test_the_modules_that_a_line_names_are_there() -> None:
    missing = [
        f"{room.folder}/{module}"
        for room in rooms()
        for module in room.modules
        if not (exists(f"{room.folder}/{module}") or exists(f"{room.folder}/{module}.*"))
    ]
    assert missing == []


def test_the_layers_and_contracts_are_those_that_are_enforced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["id"] == "layers")
    listed = [room.folder for room in rooms() if re.fullmatch(r"bridge/\w+", room.folder)]
    assert [f for f in listed if f != "bridge/web"] == [f"bridge/{name}" for name in layers]
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))
    assert {contract["id"] for contract in contracts} <= table


# --- two languages -----------------------------------------------------------------------------


def shape(document: Path) -> list[str]:
    """Headings by level, rows of tables, pictures, blocks of code and steps, in their order."""
    kinds = ("heading_open", "tr_open", "fence", "image", "list_item_open")
    found = []
    for token in tokens(document):
        if token.type in kinds:
            source = str(token.attrGet("src") or "")
            found.append(f"{token.type} {token.tag if token.type == 'heading_open' else source}")
    return found


def figures(document: Path) -> list[set[str]]:
    """The numbers of every part under a heading. 1,5 is 1.5, and 4.000 is 4,000."""
    parts: list[set[str]] = [set()]
    fenced = False
    for line in document.read_text("utf-8").splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("#") and not fenced:
            parts.append(set())
        line = re.sub(r"\]\([^)]*\)", "]", line)  # a link's address is no figure
        parts[-1] |= {re.sub(r"[.,]", "·", number) for number in NUMBER.findall(line)}
    return parts


@pytest.mark.parametrize(("english", "vietnamese"), GUIDES, ids=[pair[0] for pair in GUIDES])
def test_guides_say_the_same_in_both_languages(english: str, vietnamese: str) -> None:
    first = ROOT / "docs" / "en" / f"{english}.md"
    second = ROOT / "docs" / "vi" / f"{vietnamese}.md"
    assert shape(first) == shape(second)
    for number, (left, right) in enumerate(zip(figures(first), figures(second), strict=True)):
        assert left == right, f"part {number}"
