"""The description of the interface (OpenAPI 3.1), made from the table of routes. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bridge.conference import events as e
from bridge.signalling import protocol

if TYPE_CHECKING:
    from bridge.server.api.routes import Route

PROBLEM = {
    "type": "object",
    "required": ["type", "status", "title", "title_vi"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string", "description": "a sentence in English"},
        "title_vi": {"type": "string", "description": "a sentence in Vietnamese"},
        "detail": {"type": "string"},
    },
}
STATUS_TEXT = {
    200: "Done.",
    201: "Made.",
    202: "Begun.",
    204: "Done; there is nothing to say.",
    303: "Go on at the address in Location.",
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole description."""
    kinds = [kind for r in routes for kind in (r.body, r.answer) if kind not in (None, bytes)]
    kinds += [protocol.FromClient, protocol.ToClient, e.Recorded]
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    by_kind = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Điểm Cầu",
            "version": "1",
            "description": "Everything the console can do. docs/api.md explains it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(route: Route, by_kind: dict[str, Any]) -> dict[str, Any]:
    name = re.sub(r"[^a-z]+", "_", route.path.removeprefix("/api/v1/")).strip("_")
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}_{name}",
        "parameters": [
            *(_parameter(p, "path", required=True) for p in re.findall(r"{(\w+)}", route.path)),
            *(_parameter(q, "query", required=False) for q in route.query),
            *(_parameter(h, "header", required=False) for h in route.headers),
        ],
        "security": [] if route.right == "public" else [{"cookie": []}, {"bearer": []}],
    }
    if route.right not in (None, "public"):
        operation["description"] = f"Needs the right '{route.right}'."
    if route.raw:
        schema = {"type": "string", "format": "binary"}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": schema}},
        }
    elif route.body is not None:
        content = {"application/json": {"schema": by_kind[repr(route.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    answer: dict[str, Any] = {"description": STATUS_TEXT[route.status]}
    if route.answer is not None:
        answer["content"] = {"application/json": {"schema": by_kind[repr(route.answer)]}}
    elif route.status not in (204, 303):
        answer["content"] = {route.media_type: {}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] = {
        str(route.status): answer,
        "default": {"description": "Refused, with the reason.", "content": problem},
    }
    return operation


def _parameter(name: str, where: str, *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": {"type": "string"}}
