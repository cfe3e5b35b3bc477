"""Minutes over REST: drafted from the log, headed as the topology and the template say."""

from __future__ import annotations

import io

import docx
import pytest

from bridge.conference import commands as c
from tests.control_support import Bridge


async def test_minutes_are_drafted_as_files(bridge: Bridge) -> None:
    template = {"id": "hop-bb", "title": {"vi": "Họp thử"}, "minutes": {"symbol": "BB-HT"}}
    put = await bridge.call("PUT", "/templates/hop-bb", template, role="operator")
    assert put.status == 201, await put.text()
    conference = await bridge.open("hop-bb")
    await bridge.join("hoi-truong")
    await bridge.do(conference, c.NoteDecision(text="Thông qua báo cáo"))
    await bridge.do(conference, c.End())
    path = f"/conferences/{conference}/minutes"
    answer = await bridge.call("GET", f"{path}.docx?number=07", role="viewer")
    assert answer.status == 200, await answer.text()
    assert f"{conference}-minutes.docx" in answer.headers["Content-Disposition"]
    document = docx.Document(io.BytesIO(await answer.read()))
    assert "Số: 07/BB-HT" in document.tables[0].rows[0].cells[0].text
    assert "– Thông qua báo cáo" in [p.text for p in document.paragraphs]
    answer = await bridge.call("GET", f"{path}.pdf?language=en", role="viewer")
    assert answer.content_type == "application/pdf"
    assert (await answer.read()).startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/conferences/none/minutes.pdf", 404),
        ("/conferences/network/minutes.docx", 404),
        ("/conferences/none/minutes.docx?number=%0A", 422),
        (f"/conferences/none/minutes.pdf?number={'9' * 21}", 422),
    ],
)
async def test_what_there_are_no_minutes_of(bridge: Bridge, path: str, status: int) -> None:
    assert (await bridge.call("GET", path, role="viewer")).status == status


async def test_nobody_reads_them_without_the_right(bridge: Bridge) -> None:
    path = "/conferences/none/minutes.pdf"
    assert (await bridge.client.get(f"/api/v1{path}")).status == 401
