"""What holds between other bridges and the rest of a topology. On plain values, beside the schema:
whatever is not of the right type is left to that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from config.yaml_tree import Where

Report = Callable[[Where, str], None]


def peers(data: dict[str, Any], problem: Report) -> None:
    """Each peer is a point of its own that meets others, and is reached in one way."""
    points = {item["id"]: item for _, item in _listed(data, "points") if _text(item, "id")}
    templates = {item["id"]: item for _, item in _listed(data, "templates") if _text(item, "id")}
    bridge = data.get("bridge")
    listens = isinstance(bridge, dict) and _listens(bridge.get("peering"))
    seen: dict[str, set[str]] = {"id": set(), "point": set(), "certificates": set()}
    for index, item in _listed(data, "peers"):
        here = ("peers", index)
        if _taken(seen["id"], item.get("id")):
            problem((*here, "id"), f"The id {item['id']!r} is taken.")
        name = item.get("point")
        if isinstance(name, str):
            if name not in points:
                problem((*here, "point"), f"There is no point {name!r} in points.")
            elif points[name].get("role") == "observer" or points[name].get("desk") is not None:
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
        _of_templates(here, item, templates, problem)


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


def _listens(peering: Any) -> bool:
    return isinstance(peering, dict) and peering.get("listen") is not None


def _listed(data: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    items = data.get(name)
    found = enumerate(items if isinstance(items, list) else [])
    return [(index, item) for index, item in found if isinstance(item, dict)]


def _text(item: dict[str, Any], name: str) -> bool:
    return isinstance(item.get(name), str)


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
