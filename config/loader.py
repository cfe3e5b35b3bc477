"""Read a topology strictly: every problem at once, each with file, line and column."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from config.relations import relations, templates
from config.schema import Template, Topology
from config.sentences import sentence_of
from config.yaml_tree import Problem, Tree, dotted

MAX_FILE = 1 << 20  # octets; 150 points are about 40 kB


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
    tree = Tree()
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
            problems.append(Problem(line, column, dotted(path), sentence_of(item)))
    # Relations are checked on whatever can be read of them, so that all problems show at once.
    problems.extend(relations(data, tree))
    if problems or topology is None:
        raise ConfigError(file, problems)
    return topology


def check_template(template: Template, topology: Topology) -> list[str]:
    """Sentences about a template that does not fit the topology."""
    document = topology.model_dump(mode="json")
    document["templates"] = [template.model_dump(mode="json")]
    tree = Tree()
    root = yaml.compose(yaml.safe_dump(document), yaml.SafeLoader)
    assert root is not None
    tree.build(root, ())
    points = {point.id for point in topology.points}
    desks = {point.id for point in topology.points if point.desk is not None}
    return [p.sentence for p in templates(document, tree, points, desks)]
