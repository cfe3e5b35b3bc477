"""Relations within a topology: unique ids, links that form a tree, a chair that is a point.

They are checked on plain values, before or beside the schema, so that all problems show at once:
whatever is not of the right type is left to the schema.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Any

from config.audience_schema import RELAY_PORT
from config.peer_relations import Items, Report, peers
from config.yaml_tree import Problem, Tree, Where, dotted


def relations(data: Any, tree: Tree) -> list[Problem]:
    """Every problem of a whole document."""
    if not isinstance(data, dict):
        return []
    problems: list[Problem] = []

    def problem(path: Where, sentence: str) -> None:
        line, column = tree.position(path)
        problems.append(Problem(line, column, dotted(path), sentence))

    links, points = _items(data, "links"), _items(data, "points")
    for name, items in (("links", links), ("points", points)):
        _unique(name, items, tree, problem)
    _tree_of_links(links, points, problem)
    _chair(data, points, problem)
    desks = {str(item.get("id")) for _, item in points if item.get("desk") is not None}
    problems.extend(templates(data, tree, _ids(points), desks))
    _layers(data.get("media"), problem)
    _relays(data.get("bridge"), problem)
    _codecs(data.get("bridge"), points, problem)
    kinds = _items(data, "templates")
    peers(_items(data, "peers"), data.get("bridge"), points, kinds, problem)
    return problems


def _unique(name: str, items: Items, tree: Tree, problem: Report) -> None:
    seen: dict[str, int] = {}
    for index, item in items:
        ident = item.get("id")
        if not isinstance(ident, str):
            continue
        if ident in seen:
            first = tree.position((name, seen[ident], "id"))[0]
            sentence = f"The id {ident!r} is taken; the first is on line {first}."
            problem((name, index, "id"), sentence)
        seen.setdefault(ident, index)


def _tree_of_links(links: Items, points: Items, problem: Report) -> None:
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


def _chair(data: dict[str, Any], points: Items, problem: Report) -> None:
    conference = data.get("conference", {})
    chair = conference.get("chair") if isinstance(conference, dict) else None
    if isinstance(chair, str) and chair not in _ids(points):
        problem(("conference", "chair"), f"The chair {chair!r} is not one of the points.")
    for index, item in points:
        if item.get("id") == chair and item.get("role") == "observer":
            problem(("points", index, "role"), "The chair speaks, so it cannot be an observer.")
        if item.get("id") == chair and item.get("desk") is not None:
            problem(("points", index, "desk"), "The chair meets others, so it cannot be a desk.")


def _layers(media: Any, problem: Report) -> None:
    rids: set[str] = set()
    height = 0
    for index, item in _items(media, "layers") if isinstance(media, dict) else []:
        rid = item.get("rid")
        if isinstance(rid, str):
            if rid in rids:
                problem(("media", "layers", index, "rid"), f"The rid {rid!r} is taken.")
            rids.add(rid)
        if isinstance(item.get("height"), int):
            if item["height"] <= height:
                sentence = "Layers go from the lowest to the highest."
                problem(("media", "layers", index, "height"), sentence)
            height = item["height"]


def _codecs(bridge: Any, points: Items, problem: Report) -> None:
    """Codecs need a gateway, are called by one address each, and are no desks."""
    listens = isinstance(bridge, dict) and bridge.get("sip") is not None
    taken: dict[str, str] = {}
    for index, item in points:
        codec = item.get("sip")
        if codec is None:
            continue
        here = ("points", index, "sip")
        if not listens:
            problem(here, "A codec needs the gateway: give bridge.sip an address to listen on.")
        if item.get("desk") is not None:
            problem(here, "A desk has a page to call with; a codec has none.")
        uri = codec.get("uri") if isinstance(codec, dict) else None
        if isinstance(uri, str):
            if uri in taken:
                sentence = f"The point {taken[uri]!r} is called at {uri} already."
                problem((*here, "uri"), sentence)
            taken.setdefault(uri, str(item.get("id")))


def _relays(bridge: Any, problem: Report) -> None:
    """Machines that serve viewers: each has a name, and a place where it alone listens."""
    audience = bridge.get("audience") if isinstance(bridge, dict) else None
    names: set[str] = set()
    taken: set[tuple[str, int]] = set()
    for index, item in _items(audience, "relays") if isinstance(audience, dict) else []:
        here = ("bridge", "audience", "relays", index)
        ident, address, port = item.get("id"), item.get("address"), item.get("port", RELAY_PORT)
        if isinstance(ident, str):
            if ident in names:
                problem((*here, "id"), f"The id {ident!r} is taken.")
            names.add(ident)
        try:
            found = ipaddress.ip_address(address) if isinstance(address, str) else None
        except ValueError:
            continue  # the schema says so
        if found is None:
            continue
        if found.is_unspecified or found.is_multicast:
            problem((*here, "address"), f"{address} is not the address of one machine.")
        elif isinstance(port, int):
            if (str(found), port) in taken:
                sentence = f"Another relay listens at {address}, port {port}, already."
                problem((*here, "address"), sentence)
            taken.add((str(found), port))


def templates(
    data: dict[str, Any], tree: Tree, points: set[str], desks: Collection[str] = ()
) -> list[Problem]:
    """Templates have unique ids and name points that exist, and that are no ``desks``."""
    problems: list[Problem] = []

    def problem(path: Where, sentence: str) -> None:
        line, column = tree.position(path)
        problems.append(Problem(line, column, dotted(path), sentence))

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
                elif isinstance(name, str) and name in desks:
                    sentence = f"{name!r} is a desk: it calls or is called, and is in no meeting."
                    problem(("templates", index, key, place), sentence)
                elif key == "expected" and own and name not in own:
                    problem(
                        ("templates", index, key, place),
                        f"The point {name!r} is expected but not among this template's points.",
                    )
        agenda = item.get("agenda")
        for place, matter in enumerate(agenda if isinstance(agenda, list) else []):
            speaker = matter.get("point") if isinstance(matter, dict) else None
            if isinstance(speaker, str) and (speaker not in points or (own and speaker not in own)):
                problem(
                    ("templates", index, "agenda", place, "point"),
                    f"There is no point {speaker!r}.",
                )
        chair = item.get("chair")
        if isinstance(chair, str) and (
            chair not in points - {*desks} or (own and chair not in own)
        ):
            problem(
                ("templates", index, "chair"),
                f"The chair {chair!r} is not one of this template's points.",
            )
    return problems


def _items(data: dict[str, Any], name: str) -> Items:
    items = data.get(name)
    if not isinstance(items, list):
        return []
    return [(i, item) for i, item in enumerate(items) if isinstance(item, dict)]


def _ids(items: Items) -> set[str]:
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
