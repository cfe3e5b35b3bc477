"""What pages of others are told: what anybody may watch, and nothing else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from yarl import URL

from bridge.conference import commands as c
from bridge.conference.model import Admits
from config.schema import Topology
from tests.control_support import TOPOLOGY, Bridge

TEMPLATE = TOPOLOGY.templates[0].id
PAGE = "https://www.huyen.example"


def with_templates(admits: Admits) -> Topology:
    """Every template admits so; pages of `PAGE` may ask."""
    templates = [
        found.model_copy(update={"rules": found.rules.model_copy(update={"audience": admits})})
        for found in TOPOLOGY.templates
    ]
    audience = TOPOLOGY.bridge.audience.model_copy(update={"pages": [PAGE]})
    bridge = TOPOLOGY.bridge.model_copy(update={"audience": audience})
    return TOPOLOGY.model_copy(update={"templates": templates, "bridge": bridge})


@pytest.mark.parametrize("admits", ["nobody", "accounts", "code"])
async def test_what_is_not_open_to_anybody_is_not_told(bridge: Bridge, admits: Admits) -> None:
    bridge.control.swap_topology(with_templates(admits))
    ident = await bridge.open(TEMPLATE)
    assert bridge.state(ident).audience == admits
    assert await (await bridge.client.get("/api/v1/watch")).json() == []
    assert "BEGIN:VEVENT" not in await (await bridge.client.get("/api/v1/watch.ics")).text()
    here = str(bridge.client.make_url(f"/watch/{ident}"))
    assert (await bridge.client.get("/api/v1/oembed", params={"url": here})).status == 404


async def test_what_runs_and_what_is_planned_is_told(bridge: Bridge) -> None:
    bridge.control.swap_topology(with_templates("anybody"))
    await bridge.process.scheduler.look()
    ident = await bridge.open(TEMPLATE)
    headers = {"Origin": PAGE}
    response = await bridge.client.get("/api/v1/watch", headers=headers)
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    first, *planned = await response.json()
    assert (first["id"], first["phase"], first["page"]) == (ident, "live", f"/watch/{ident}")
    assert planned
    assert {item["phase"] for item in planned} == {"planned"}
    assert planned[0]["page"] == f"/watch/{planned[0]['id']}"
    calendar = await (await bridge.client.get("/api/v1/watch.ics")).text()
    assert "RRULE" in calendar
    await bridge.do(ident, c.SetAudience(admits="nobody"))
    found = await (await bridge.client.get("/api/v1/watch")).json()
    assert ident not in [item["id"] for item in found]


async def test_a_page_becomes_a_frame(bridge: Bridge) -> None:
    bridge.control.swap_topology(with_templates("anybody"))
    ident = await bridge.open(TEMPLATE)
    here = str(bridge.client.make_url(f"/watch/{ident}"))
    asked = {"url": here, "maxwidth": "480"}
    frame = await (await bridge.client.get("/api/v1/oembed", params=asked)).json()
    assert (frame["type"], frame["version"], frame["width"], frame["height"]) == (
        *("rich", "1.0"),
        *(480, 270),
    )
    assert f'src="{here}"' in frame["html"]
    for bad in ("", "nonsense", "https://elsewhere.example/watch/x", here + "x", "/console"):
        refused = await bridge.client.get("/api/v1/oembed", params={"url": bad})
        assert refused.status == 404, bad
    xml = await bridge.client.get("/api/v1/oembed", params={"url": here, "format": "xml"})
    assert xml.status == 501


async def test_the_page_says_where_its_frame_is_described(bridge: Bridge) -> None:
    """As readers of oEmbed look for it: in a header, whatever the name of the page."""
    for name in ("giao-ban", "%3E%2C%20%0D%0Ax", "h%E1%BB%8Dp"):
        page = await bridge.client.get(URL(f"/watch/{name}", encoded=True))
        link = page.headers["Link"]
        assert link.endswith('>; rel="alternate"; type="application/json+oembed"')
        found = urlsplit(link[1 : link.index(">")])
        assert found.path == "/api/v1/oembed"
        asked = parse_qs(found.query)["url"][0]
        assert urlsplit(asked).path.startswith("/watch/")
        assert not set(link) & set("\r\n")
