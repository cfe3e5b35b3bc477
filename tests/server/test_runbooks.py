"""A runbook for every alert, as a page."""

from __future__ import annotations

import re

import pytest

from bridge.server import runbooks
from tests.control_support import Bridge
from tests.monitoring.prometheus.test_alerts import alerts

NAMES = sorted(alerts())
VIETNAMESE = ("## Người trong phòng họp thấy gì", "## Kiểm tra gì", "## Gọi ai")
ENGLISH = ("## What people in the rooms notice", "## What to check", "## Whom to call")


def test_every_alert_has_one_and_nothing_else_has() -> None:
    assert sorted(runbooks.titles()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_is_noticed_what_to_check_and_whom_to_call(name: str) -> None:
    text = (runbooks.FOLDER / f"{name}.md").read_text("utf-8")
    vietnamese, _, english = text.partition("\n# ")
    for heading in VIETNAMESE:
        assert heading in vietnamese
    for heading in ENGLISH:
        assert heading in english
    assert f"`{name}`" in vietnamese
    for part in (vietnamese, english):
        assert len(re.findall(r"^\d\. ", part, re.MULTILINE)) >= 2
    for other in re.findall(r"`([A-Z][A-Za-z]+)`", text):
        assert other in NAMES, other


async def test_pages(bridge: Bridge) -> None:
    response = await bridge.client.get("/runbooks/LossHigh")
    assert response.status == 200
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    text = await response.text()
    assert '<article lang="vi">' in text
    assert '<article lang="en">' in text
    assert "<ol>" in text
    assert "<code>LossHigh</code>" in text
    listed = await (await bridge.client.get("/runbooks")).text()
    assert listed.count('href="/runbooks/') == len(NAMES)
    for wrong in ("nothing", "..%2f..%2fREADME", "LossHigh.md", "%00", "x" * 500):
        response = await bridge.client.get(f"/runbooks/{wrong}")
        assert response.status == 404
        assert response.content_type == "application/problem+json"
