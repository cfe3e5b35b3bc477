"""What holds between other bridges and the rest of a topology. On plain values, beside the schema:
whatever is not of the right type is left to that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from config.yaml_tree import Where

Report = Callable[[Where, str], None]
Items = list[tuple[int, dict[str, Any]]]


def peers(items: Items, bridge: Any, points: Items, templates: Items, problem: Report) -> None:
    """Each peer is a point of its own that meets others, and is reached in one way. What we show to
    all of them is a certificate with its key."""
    peering = bridge.get("peering") if isinstance(bridge, dict) else None
    listens = isinstance(peering, dict) and peering.get("listen") is not None
    if isinstance(peering, dict):
        _own_pair(peering, problem)
    by_name, kinds = _by_id(points), _by_id(templates)
    seen: dict[str, set[str]] = {"id": set(), "point": set(), "certificates": set()}
    for index, item in items:
        here = ("peers", index)
        if _taken(seen["id"], item.get("id")):
            problem((*here, "id"), f"The id {item['id']!r} is taken.")
        name = item.get("point")
        if isinstance(name, str):
            if name not in by_name:
                problem((*here, "point"), f"There is no point {name!r}.")
            elif by_name[name].get("role") == "observer" or by_name[name].get("desk") is not None:
                sentence = f"{name!r} sends nothing to meetings, so it cannot be another bridge."
                problem((*here, "point"), sentence)
            if _taken(seen["point"], name):
                problem((*here, "point"), f"The point {name!r} is another peer already.")
        for place, file in enumerate(_texts(item, "certificates")):
            if _taken(seen["certificates"], file):
                sentence = f"{file} is listed twice: one bridge is one peer."
                problem((*here, "certificates", place), sentence)
        if item.get("address") is None and not listens:
            sentence = (
                "It has no address and bridge.peering does not listen, so the two never meet. "
                "Give either."
            )
            problem((*here, "id"), sentence)
        _of_templates(here, item, kinds, problem)


def _own_pair(peering: dict[str, Any], problem: Report) -> None:
    given = [name for name in ("certificate", "key") if peering.get(name) is not None]
    if len(given) == 1:
        sentence = "A certificate goes with its key: give bridge.peering both, or neither."
        problem(("bridge", "peering", given[0]), sentence)


def _of_templates(
    here: Where, item: dict[str, Any], templates: dict[str, dict[str, Any]], problem: Report
) -> None:
    allowed = _texts(item, "templates")
    for place, name in enumerate(allowed):
        if name not in templates:
            problem((*here, "templates", place), f"There is no template {name!r}.")
    opens = item.get("opens")
    if not isinstance(opens, str):
        return
    own = _texts(templates[opens], "points") if opens in templates else []
    if opens not in templates:
        problem((*here, "opens"), f"There is no template {opens!r}.")
    elif own and item.get("point") not in own:
        sentence = f"The template {opens!r} does not have the point {item.get('point')!r}."
        problem((*here, "opens"), sentence)
    elif allowed and opens not in allowed:
        problem((*here, "opens"), f"The template {opens!r} is not among this peer's templates.")


def _by_id(items: Items) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for _, item in items if isinstance(item.get("id"), str)}


def _texts(item: dict[str, Any], name: str) -> list[str]:
    found = item.get(name)
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _taken(seen: set[str], value: Any) -> bool:
    """Note a value; whether it was there before."""
    if not isinstance(value, str):
        return False
    was = value in seen
    seen.add(value)
    return was
