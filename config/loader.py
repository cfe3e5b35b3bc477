"""Read a topology strictly: every problem at once, each with file, line and column.

PyYAML follows YAML 1.1, which reads ``14:30`` as 870, ``no`` as False and ``0123`` as 83, and
keeps the last of two equal keys. Here such scalars are errors wherever they stand unquoted,
and the tree is built from nodes, so that positions are known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from config.schema import Link, Template, Topology

MAX_FILE = 1 << 20  # octets; 150 points are about 40 kB
MAX_DEPTH = 20
MAX_NODES = 50_000  # values; 500 points are about 5,000

_TRUTH = re.compile(r"^(y|n|yes|no|on|off)$", re.IGNORECASE)
_SEXAGESIMAL = re.compile(r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$")
_OCTAL = re.compile(r"^[-+]?0[0-9_]+$")
_DECIMAL = re.compile(r"^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?$")

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. ``line`` and ``column`` count from 1."""

    line: int
    column: int
    path: str
    sentence: str

    def format(self, file: str) -> str:
        return f"{file}:{self.line}:{self.column}: {self.path}: {self.sentence}"


class ConfigError(Exception):
    """The file cannot be used. ``problems`` has every reason, in the order of the file."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = sorted(set(problems))
        super().__init__("\n".join(p.format(file) for p in self.problems))


def load(path: Path) -> Topology:
    """Read and check a file. Raises `ConfigError`."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise ConfigError(str(path), [Problem(1, 1, "file", "The file exceeds 1 MiB.")])
        text = path.read_text("utf-8")
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        problem = Problem(1, 1, "file", f"The file cannot be read: {reason}.")
        raise ConfigError(str(path), [problem]) from None
    except UnicodeDecodeError as error:
        problem = Problem(1, 1, "file", f"The file is not UTF-8 (octet {error.start}).")
        raise ConfigError(str(path), [problem]) from None
    return loads(text, str(path))


def loads(text: str, file: str = "<text>") -> Topology:
    """Check a text. Raises `ConfigError`."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        sentence = f"This is not YAML: {error.problem or 'it cannot be read'}."
        raise ConfigError(file, [Problem(line, column, "file", sentence)]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        sentence = f"This is not YAML: {str(error).splitlines()[0] if str(error) else error!r}."
        raise ConfigError(file, [Problem(1, 1, "file", sentence)]) from None
    if root is None:
        raise ConfigError(file, [Problem(1, 1, "file", "The file is empty.")])
    tree = _Tree()
    data = tree.build(root, ())
    problems = tree.problems
    topology: Topology | None = None
    try:
        topology = Topology.model_validate(data)
    except ValidationError as error:
        for item in error.errors():
            path = tuple(item["loc"])
            if tree.covered(path):
                continue  # a scalar YAML misread is reported once, by the tree
            line, column = tree.position(path, key=item["type"] == "extra_forbidden")
            problems.append(Problem(line, column, _dotted(path), _sentence(item)))
    # Relations are checked on whatever can be read of them, so that all problems show at once.
    problems.extend(_relations(data, tree))
    if problems or topology is None:
        raise ConfigError(file, problems)
    return topology


class _Tree:
    """Plain values of a node tree, and the position of each."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._nodes = 0
        self._marks: dict[Path_, tuple[int, int]] = {}
        self._key_marks: dict[Path_, tuple[int, int]] = {}
        self._misread: set[Path_] = set()

    def build(self, node: yaml.Node, path: Path_) -> Any:
        self._marks[path] = _mark(node)
        self._nodes += 1
        if self._nodes > MAX_NODES:  # aliases of aliases can make a small file enormous
            if self._nodes == MAX_NODES + 1:
                self._problem(path, f"The file has more than {MAX_NODES} values.")
            return None
        if len(path) > MAX_DEPTH:
            self._problem(path, "The nesting is too deep.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, i)) for i, child in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            child = (*path, key)
            line, column = _mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                sentence = "A key must be plain text."
                self.problems.append(Problem(line, column, _dotted(path), sentence))
                continue
            if key in result:
                first = self._key_marks[child][0]
                sentence = f"This key stands here a second time; the first is on line {first}."
                self.problems.append(Problem(line, column, _dotted(child), sentence))
                continue
            self._key_marks[child] = (line, column)
            result[key] = self.build(value_node, child)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Path_) -> Any:
        text = str(node.value)
        if node.style is not None or node.tag == "tag:yaml.org,2002:str":
            if node.style is None and _TRUTH.match(text):
                return self._misreads(path, text, "a truth value")
            return text
        if node.tag == "tag:yaml.org,2002:null":
            return None
        if node.tag == "tag:yaml.org,2002:bool":
            if _TRUTH.match(text):
                return self._misreads(path, text, "a truth value")
            return text.lower() == "true"
        if _SEXAGESIMAL.match(text):
            return self._misreads(path, text, "a number in base 60")
        if _OCTAL.match(text):
            return self._misreads(path, text, "an octal number")
        if _DECIMAL.match(text):
            return float(text) if "." in text else int(text)
        kind = node.tag.rpartition(":")[2]
        return self._misreads(path, text, f"a YAML {kind}")

    def _misreads(self, path: Path_, text: str, kind: str) -> str:
        self._misread.add(path)
        self._problem(
            path,
            f'YAML reads {text} as {kind}. If text is meant, put it in quotes: "{text}".',
        )
        return text

    def _problem(self, path: Path_, sentence: str) -> None:
        line, column = self._marks[path]
        self.problems.append(Problem(line, column, _dotted(path), sentence))

    def covered(self, path: Path_) -> bool:
        return path in self._misread

    def position(self, path: Path_, *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value (or key) at ``path``, or of its nearest parent."""
        if key and path in self._key_marks:
            return self._key_marks[path]
        while path not in self._marks:
            path = path[:-1]
        return self._marks[path]


def _mark(node: yaml.Node) -> tuple[int, int]:
    mark = node.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _dotted(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "file"


def _sentence(item: Any) -> str:
    """Pydantic's finding as a sentence with a next step."""
    kind, context, value = item["type"], item.get("ctx", {}), item["input"]
    match kind:
        case "extra_forbidden":
            return "This key is not known; check its spelling or remove it."
        case "missing":
            return "This is required; add it."
        case "string_type":
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return f'Text is expected, not the number {value}; put it in quotes: "{value}".'
            return "Text is expected here."
        case "int_type" | "int_parsing":
            return "A whole number is expected here."
        case "float_type":
            return "A number is expected here."
        case "list_type":
            return "A list is expected here."
        case "model_type" | "dict_type" | "model_attributes_type":
            return "A block of keys is expected here."
        case "literal_error":
            return f"This must be {context.get('expected')}."
        case "string_pattern_mismatch":
            return f"{value!r} may only hold lower-case letters, digits and single hyphens."
        case "greater_than" | "greater_than_equal":
            edge = context.get("gt", context.get("ge"))
            more = "more than" if kind == "greater_than" else "at least"
            return f"{value} makes no sense here; it must be {more} {edge}."
        case "less_than" | "less_than_equal":
            edge = context.get("lt", context.get("le"))
            return f"{value} makes no sense here; it must be at most {edge}."
        case "value_error":
            return f"{context.get('error')}."
    message = str(item["msg"])
    return message if message.endswith(".") else message + "."


def _relations(data: Any, tree: _Tree) -> list[Problem]:
    """Unique ids, links that exist and form a tree, a chair that is a point."""
    if not isinstance(data, dict):
        return []
    problems: list[Problem] = []

    def problem(path: Path_, sentence: str) -> None:
        line, column = tree.position(path)
        problems.append(Problem(line, column, _dotted(path), sentence))

    links = _items(data, "links")
    points = _items(data, "points")
    for name, items in (("links", links), ("points", points)):
        seen: dict[str, int] = {}
        for index, item in items:
            ident = item.get("id")
            if not isinstance(ident, str):
                continue
            if ident in seen:
                first = tree.position((name, seen[ident], "id"))[0]
                problem(
                    (name, index, "id"),
                    f"The id {ident!r} is taken; the first is on line {first}.",
                )
            seen.setdefault(ident, index)
    known = _ids(links)
    for index, item in points:
        if isinstance(item.get("link"), str) and item["link"] not in known:
            problem(("points", index, "link"), f"There is no link {item['link']!r} in links.")
    parents: dict[str, str] = {}
    for index, item in links:
        parent = item.get("parent")
        if isinstance(parent, str):
            if parent not in known:
                problem(("links", index, "parent"), f"There is no link {parent!r} in links.")
            elif isinstance(item.get("id"), str):
                parents[item["id"]] = parent
    for index, item in links:
        cycle = _cycle(item.get("id"), parents)
        if cycle:
            way = " → ".join(cycle)
            problem(("links", index, "parent"), f"These links form a cycle: {way}.")
    chair = data.get("conference", {})
    chair = chair.get("chair") if isinstance(chair, dict) else None
    if isinstance(chair, str) and chair not in _ids(points):
        problem(("conference", "chair"), f"The chair {chair!r} is not one of the points.")
    for index, item in points:
        if item.get("id") == chair and item.get("role") == "observer":
            problem(("points", index, "role"), "The chair speaks, so it cannot be an observer.")
    problems.extend(_templates(data, tree, _ids(points)))
    rids: set[str] = set()
    media = data.get("media")
    layers = _items(media, "layers") if isinstance(media, dict) else []
    height = 0
    for index, item in layers:
        rid = item.get("rid")
        if isinstance(rid, str):
            if rid in rids:
                problem(("media", "layers", index, "rid"), f"The rid {rid!r} is taken.")
            rids.add(rid)
        if isinstance(item.get("height"), int):
            if item["height"] <= height:
                problem(
                    ("media", "layers", index, "height"),
                    "Layers go from the lowest to the highest.",
                )
            height = item["height"]
    return problems


def _templates(data: dict[str, Any], tree: _Tree, points: set[str]) -> list[Problem]:
    """Templates have unique ids and name points that exist."""
    problems: list[Problem] = []

    def problem(path: Path_, sentence: str) -> None:
        line, column = tree.position(path)
        problems.append(Problem(line, column, _dotted(path), sentence))

    seen: set[str] = set()
    for index, item in _items(data, "templates"):
        ident = item.get("id")
        if isinstance(ident, str):
            if ident in seen:
                problem(("templates", index, "id"), f"The id {ident!r} is taken.")
            seen.add(ident)
        names = item.get("points")
        own = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
        for key in ("points", "expected"):
            listed = item.get(key)
            for place, name in enumerate(listed if isinstance(listed, list) else []):
                if isinstance(name, str) and name not in points:
                    problem(("templates", index, key, place), f"There is no point {name!r}.")
                elif key == "expected" and own and name not in own:
                    problem(
                        ("templates", index, key, place),
                        f"The point {name!r} is expected but not among this template's points.",
                    )
        chair = item.get("chair")
        if isinstance(chair, str) and (chair not in points or (own and chair not in own)):
            problem(
                ("templates", index, "chair"),
                f"The chair {chair!r} is not one of this template's points.",
            )
    return problems


def check_template(template: Template, topology: Topology) -> list[str]:
    """Sentences about a template that does not fit the topology."""
    document = topology.model_dump(mode="json")
    document["templates"] = [template.model_dump(mode="json")]
    tree = _Tree()
    root = yaml.compose(yaml.safe_dump(document), yaml.SafeLoader)
    assert root is not None
    tree.build(root, ())
    return [p.sentence for p in _templates(document, tree, {p.id for p in topology.points})]


def _items(data: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    items = data.get(name)
    if not isinstance(items, list):
        return []
    return [(i, item) for i, item in enumerate(items) if isinstance(item, dict)]


def _ids(items: list[tuple[int, dict[str, Any]]]) -> set[str]:
    return {item["id"] for _, item in items if isinstance(item.get("id"), str)}


def _cycle(start: Any, parents: dict[str, str]) -> list[str]:
    """The cycle that ``start`` is part of, or an empty list."""
    way: list[str] = []
    at = start
    while isinstance(at, str) and at in parents:
        way.append(at)
        at = parents[at]
        if at == start:
            return [*way, at]
        if at in way:
            return []
    return []


def path_to_root(link: Link, links: dict[str, Link]) -> list[Link]:
    """The link and its parents, nearest first."""
    way = [link]
    while way[-1].parent is not None:
        way.append(links[way[-1].parent])
    return way
