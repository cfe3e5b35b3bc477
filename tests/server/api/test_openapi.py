"""The description of the interface."""

from __future__ import annotations

import sys

import pytest

from tests.control_support import Bridge
from tests.paths import ROOT


async def test_the_description_is_valid_and_whole(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Seconds of grammars for IRIs, of which a description has none.
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", None)
    from openapi_spec_validator import OpenAPIV31SpecValidator

    document = await (await bridge.client.get("/api/v1/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    served = {
        (route.method, getattr(route.resource, "canonical", ""))
        for route in bridge.http.app.router.routes()
        if getattr(route.resource, "canonical", "").startswith("/api/")
    }
    hidden = {(m, p) for m in ("GET", "HEAD") for p in ("/api/v1/ws", "/api/v1/agent")}
    assert described == served - hidden
    reference = (ROOT / "docs" / "api.md").read_text("utf-8")
    for method, path in sorted(described):
        assert f"`{method} {path.removeprefix('/api/v1')}`" in reference, (method, path)
