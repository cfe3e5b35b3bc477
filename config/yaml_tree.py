"""YAML read into plain values whose line and column are known; misreadings are problems.

PyYAML follows YAML 1.1, which reads ``14:30`` as 870, ``no`` as False and ``0123`` as 83, and
keeps the last of two equal keys. Here such scalars are errors wherever they stand unquoted,
and the tree is built from nodes, so that positions are known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

MAX_DEPTH = 20
MAX_NODES = 50_000  # values; 500 points are about 5,000

_TRUTH = re.compile(r"^(y|n|yes|no|on|off)$", re.IGNORECASE)
_SEXAGESIMAL = re.compile(r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$")
_OCTAL = re.compile(r"^[-+]?0[0-9_]+$")
_DECIMAL = re.compile(r"^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?$")

Where = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. ``line`` and ``column`` count from 1."""

    line: int
    column: int
    path: str
    sentence: str

    def format(self, file: str) -> str:
        return f"{file}:{self.line}:{self.column}: {self.path}: {self.sentence}"


class Tree:
    """Plain values of a node tree, and the position of each; what YAML misread is a problem."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._nodes = 0
        self._marks: dict[Where, tuple[int, int]] = {}
        self._key_marks: dict[Where, tuple[int, int]] = {}
        self._misread: set[Where] = set()

    def build(self, node: yaml.Node, path: Where) -> Any:
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

    def _mapping(self, node: yaml.MappingNode, path: Where) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            child = (*path, key)
            line, column = _mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                sentence = "A key must be plain text."
                self.problems.append(Problem(line, column, dotted(path), sentence))
                continue
            if key in result:
                first = self._key_marks[child][0]
                sentence = f"This key stands here a second time; the first is on line {first}."
                self.problems.append(Problem(line, column, dotted(child), sentence))
                continue
            self._key_marks[child] = (line, column)
            result[key] = self.build(value_node, child)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Where) -> Any:
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

    def _misreads(self, path: Where, text: str, kind: str) -> str:
        self._misread.add(path)
        self._problem(
            path,
            f'YAML reads {text} as {kind}. If text is meant, put it in quotes: "{text}".',
        )
        return text

    def _problem(self, path: Where, sentence: str) -> None:
        line, column = self._marks[path]
        self.problems.append(Problem(line, column, dotted(path), sentence))

    def covered(self, path: Where) -> bool:
        return path in self._misread

    def position(self, path: Where, *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value (or key) at ``path``, or of its nearest parent."""
        if key and path in self._key_marks:
            return self._key_marks[path]
        while path not in self._marks:
            path = path[:-1]
        return self._marks[path]


def _mark(node: yaml.Node) -> tuple[int, int]:
    mark = node.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def dotted(path: Where) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "file"
