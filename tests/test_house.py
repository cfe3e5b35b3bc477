"""The shape of the source tree: rooms and floors, lengths and names of files, purity.

What the contracts of pyproject.toml say about imports is checked by lint-imports; here stands
what imports alone do not show.
"""

from __future__ import annotations

import ast
import functools
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.paths import ROOT

ROOMS, FLOORS = 22, 12  # at most so many packages in bridge/, and so many above one another
LINES = 400
LONGER: dict[str, str] = {}
"""Files that are longer, each with its reason."""
SAME_MEANING = {
    "__init__.py": "a package's",
    "__main__.py": "a package's, for python -m",
    "accounts.py": "people's accounts: their table, their commands",
    "agenda.js": "the agenda of a conference: as text, on the console",
    "bar.js": "the bar of a page with its buttons",
    "keys.js": "the keys of a page",
    "papers.js": "papers of a conference: in a room, on the console",
    "points.py": "points of a conference: their routes, their simulation",
    "protocol.py": "messages of a WebSocket: of pages, of agents",
    "schedule.py": "planned conferences: their occurrences, their routes",
    "vote.js": "a vote: in words, in a room",
}
"""File names that occur several times, and the one meaning that they have everywhere."""
PRODUCT = ("bridge", "config", "endpoints", "monitoring", "benchmarks")
CLOCKS = {"now", "utcnow", "today"}
INPUT_AND_OUTPUT = {"open", "input", "print", "exec", "eval"}
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
PURE = next(c for c in SETTINGS["contracts"] if c["id"] == "pure")


def sources(*kinds: str) -> list[Path]:
    """Files of the product by ending, relative to the root."""
    return sorted(
        path.relative_to(ROOT)
        for folder in PRODUCT
        for kind in kinds
        for path in (ROOT / folder).rglob(f"*.{kind}")
        if not {"__pycache__", "node_modules"} & set(path.parts)
    )


@functools.cache
def rooms() -> dict[str, frozenset[str]]:
    """The packages of bridge/, and which others of them each imports."""
    import grimp  # half a second, which the other processes of a run do not need

    graph = grimp.build_graph("bridge", cache_dir=None)
    found: dict[str, frozenset[str]] = {}
    for room in graph.find_children("bridge"):
        imported = {
            ".".join(name.split(".")[:2])
            for module in {room} | graph.find_descendants(room)
            for name in graph.find_modules_directly_imported_by(module)
        }
        found[room] = frozenset(imported - {room, "bridge"})
    return found


def floors(imports: dict[str, frozenset[str]]) -> dict[str, int]:
    """How many rooms stand above one another up to each. Raises ValueError on a circle."""
    heights: dict[str, int] = {}

    def height(room: str, way: tuple[str, ...]) -> int:
        if room in way:
            raise ValueError(" → ".join([*way[way.index(room) :], room]))
        if room not in heights:
            below = [height(other, (*way, room)) for other in imports[room]]
            heights[room] = 1 + max(below, default=0)
        return heights[room]

    for room in imports:
        height(room, ())
    return heights


def impurities(source: str) -> list[str]:
    """Calls that read a clock or do input and output, as ``line: name``; what stands behind
    ``if __name__ == "__main__"`` is a program's and not the module's."""
    found = []
    tree = ast.parse(source)
    tree.body = [n for n in tree.body if "__name__ ==" not in ast.unparse(n).splitlines()[0]]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(attr=name) if name in CLOCKS:
                found.append(f"{node.lineno}: {name}")
            case ast.Name(id=name) if name in INPUT_AND_OUTPUT:
                found.append(f"{node.lineno}: {name}")
    return found


def pure_files() -> list[Path]:
    """Modules of the packages that the contract calls pure, without those it leaves out."""
    left_out = [entry.split(" -> ")[0].rstrip(".*") for entry in PURE["ignore_imports"]]
    found = []
    for package in PURE["source_modules"]:
        for path in (ROOT / package.replace(".", "/")).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not any(name == other or name.startswith(other + ".") for other in left_out):
                found.append(path)
    return found


def test_every_module_of_the_bridge_has_a_room() -> None:
    assert [p.name for p in (ROOT / "bridge").glob("*.py")] == ["__init__.py"]


def test_rooms_and_floors_are_few_and_no_import_points_up() -> None:
    assert len(rooms()) <= ROOMS, sorted(rooms())
    assert max(floors(rooms()).values()) <= FLOORS


def test_a_circle_of_rooms_is_found() -> None:
    with pytest.raises(ValueError, match="b → c → b"):
        floors({"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("b")})
    assert floors({"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()})["a"] == 3


def test_no_file_is_longer_than_it_may_be() -> None:
    lengths = {
        path.as_posix(): len((ROOT / path).read_text("utf-8").splitlines())
        for path in sources("py", "js", "css")
    }
    too_long = {path for path, lines in lengths.items() if lines > LINES}
    assert too_long == set(LONGER), sorted(too_long ^ set(LONGER))


def test_no_file_name_has_two_meanings() -> None:
    places = defaultdict(list)
    for path in sources("py", "js", "css"):
        places[path.name].append(path.as_posix())
    several = {name: found for name, found in places.items() if len(found) > 1}
    assert set(several) == set(SAME_MEANING), several


@pytest.mark.parametrize("path", pure_files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_pure_packages_read_no_clock_and_no_file(path: Path) -> None:
    assert impurities(path.read_text("utf-8")) == []


def test_pure_packages_are_those_of_the_house() -> None:
    """The list is the contract's; here only that none is forgotten, and that it has modules."""
    counted = Counter(
        package
        for package in PURE["source_modules"]
        for path in pure_files()
        if path.is_relative_to(ROOT / package.replace(".", "/"))
    )
    assert set(counted) == {
        *("bridge.control.admission", "bridge.conference", "bridge.signalling", "bridge.media"),
        "bridge.control.peers.rules",
        *("monitoring.quality", "monitoring.exposition"),
    }
    assert all(count >= 4 for count in counted.values()), counted


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\nat = datetime.now()",
        "import datetime as d\nat = d.datetime.now(d.UTC)",
        "from datetime import date as day\nat = day.today()",
        "with open('x') as file: pass",
        "print('x')",
        "if True:\n    print('x')",
    ],
)
def test_what_is_not_pure_is_found(source: str) -> None:
    assert impurities(source)
