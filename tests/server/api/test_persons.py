"""Delegates over the interface: lists, files, attendance, minutes by name, and how names go while
the log stays whole."""

from __future__ import annotations

import asyncio
import io
import logging
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest
import sqlalchemy as sa

from bridge.conference import commands as c
from bridge.control.persons.register import DAY
from bridge.proof.chain import BEGIN, walk
from bridge.store import tables as t
from monitoring.exposition.snapshot import exposition
from tests.control.persons.test_list_files import LIST
from tests.control_support import LAN, Bridge
from tests.waiting import HANG, eventually

SON = {"point": "khoan-du", "name": "Đinh Công Sơn", "agency": "UBND xã", "position": "Chủ tịch"}
MAI = {"point": "dong-tam", "name": "Bùi Thị Mai", "weight": 3}


async def added(bridge: Bridge, of: str, *persons: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"persons": list(persons) or [SON, MAI]}
    response = await bridge.call("POST", f"/persons?of={of}", body, role="operator")
    assert response.status == 201, await response.text()
    told: dict[str, Any] = await response.json()
    found: list[dict[str, Any]] = told["persons"]
    return found


async def listed(bridge: Bridge, of: str) -> list[dict[str, Any]]:
    response = await bridge.call("GET", f"/persons?of={of}", role="operator")
    assert response.status == 200, await response.text()
    found: list[dict[str, Any]] = (await response.json())["persons"]
    return found


async def minutes(bridge: Bridge, conference: str, ending: str = "docx") -> str:
    response = await bridge.call(
        "GET", f"/conferences/{conference}/minutes.{ending}", role="viewer"
    )
    assert response.status == 200
    octets = await response.read()
    if ending == "pdf":
        pdf = pypdfium2.PdfDocument(octets)
        try:
            return "\n".join(page.get_textpage().get_text_range() for page in pdf)
        finally:
            pdf.close()
    document = docx.Document(io.BytesIO(octets))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


async def test_delegates_are_listed_ticked_and_stand_in_the_minutes(bridge: Bridge) -> None:
    conference = await bridge.open()
    son, mai = await added(bridge, conference)
    assert (son["present"], son["sealed"], son["source"]) == (False, True, "typed")
    ticked = {"command": {"type": "attend", "persons": [son["id"]]}}
    path = f"/conferences/{conference}/commands"
    assert (await bridge.call("POST", path, ticked, role="operator")).status == 200
    assert [(p["name"], p["present"]) for p in await listed(bridge, conference)] == [
        ("Bùi Thị Mai", False),
        ("Đinh Công Sơn", True),
    ]
    state = bridge.state(conference)
    assert state.persons[mai["id"]].weight == 3
    for ending in ("docx", "pdf"):
        said = await minutes(bridge, conference, ending)
        assert "1/2 đại biểu" in said
        for word in ("Đinh Công Sơn", "Chủ tịch", "UBND xã", "Bùi Thị Mai"):
            assert word in said, (ending, word)
    table = await bridge.call("GET", f"/persons?of={conference}&format=csv", role="viewer")
    text = (await table.read()).decode("utf-8-sig")
    assert "Đinh Công Sơn,UBND xã,Chủ tịch,Xã Khoan Dụ,1,x" in text


async def test_a_delegate_is_changed_and_taken_off(bridge: Bridge) -> None:
    conference = await bridge.open()
    son, _ = await added(bridge, conference)
    await bridge.do(conference, c.Attend(persons=(son["id"],)))
    before = bridge.state(conference).persons[son["id"]]
    changed = await bridge.call(
        "PATCH",
        f"/persons/{son['id']}",
        {**SON, "name": "Đinh Công Sĩ", "weight": 2},
        role="operator",
    )
    assert (await changed.json())["name"] == "Đinh Công Sĩ"
    after = bridge.state(conference).persons[son["id"]]
    assert (after.present, after.weight) == (True, 2)
    assert after.seal != before.seal
    assert (await bridge.call("DELETE", f"/persons/{son['id']}", role="operator")).status == 204
    assert son["id"] not in bridge.state(conference).persons
    assert (await bridge.call("DELETE", f"/persons/{son['id']}", role="operator")).status == 404


async def test_the_same_again_changes_nothing(bridge: Bridge) -> None:
    conference = await bridge.open()
    first = await added(bridge, conference)
    seq = bridge.state(conference).seq
    assert await added(bridge, conference) == first
    assert bridge.state(conference).seq == seq


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ({**SON, "name": "<img src=x>"}, 422),
        ({**SON, "name": "=1+1"}, 422),
        ({**SON, "agency": "An\u202e"}, 422),
        ({**SON, "name": ""}, 422),
        ({**SON, "point": "ha-noi"}, 422),
        ({**SON, "weight": 0}, 422),
        ({**SON, "other": 1}, 422),
    ],
)
async def test_with_one_bad_person_nobody_is_taken(
    bridge: Bridge, person: dict[str, Any], status: int
) -> None:
    conference = await bridge.open()
    body = {"persons": [MAI, person]}
    response = await bridge.call("POST", f"/persons?of={conference}", body, role="operator")
    assert response.status == status
    assert (await response.json())["title_vi"]
    assert bridge.state(conference).persons == {}


async def test_who_may(bridge: Bridge) -> None:
    conference = await bridge.open()
    son, _ = await added(bridge, conference)
    calls = [
        ("GET", f"/persons?of={conference}", None),
        ("POST", f"/persons?of={conference}", {"persons": [SON]}),
        ("POST", f"/persons/import?of={conference}", None),
        ("PATCH", f"/persons/{son['id']}", SON),
        ("DELETE", f"/persons/{son['id']}", None),
        ("POST", f"/persons/{son['id']}/link", None),
        ("DELETE", f"/persons?of={conference}", None),
    ]
    for method, path, body in calls:
        assert (await bridge.call(method, path, body)).status == 401, path
        assert (await bridge.call(method, path, body, role="technician")).status == 403, path
    for method, path, body in calls[1:]:
        assert (await bridge.call(method, path, body, role="viewer")).status == 403, path
    assert (await bridge.call("DELETE", f"/persons?of={conference}", role="operator")).status == 403
    assert (await bridge.call("DELETE", f"/persons?of={conference}", role="admin")).status == 409
    nothing = await bridge.call("GET", "/persons?of=nothing", role="operator")
    assert nothing.status == 422


async def test_a_file_is_taken_as_a_whole_or_its_rows_are_named(bridge: Bridge) -> None:
    conference = await bridge.open()
    path = f"/persons/import?of={conference}&point=chi-ne"
    bad = "Name,Agency\nAn,UBND\n=1+1,UBND\nBình,\u202e\n".encode()
    refused = await bridge.call("POST", path, role="operator", data=bad)
    assert refused.status == 422
    told = await refused.json()
    assert [row["row"] for row in told["rows"]] == [3, 4]
    assert told["rows"][0]["sentence_vi"].startswith("Họ và tên: ")
    assert bridge.state(conference).persons == {}
    taken = await bridge.call("POST", path, role="operator", data=LIST)
    assert await taken.json() == {"persons": 2}
    assert {p["point"] for p in await listed(bridge, conference)} == {"khoan-du", "dong-tam"}
    large = await bridge.call("POST", path, role="operator", data=io.BytesIO(bytes((2 << 20) + 2)))
    assert large.status == 413


async def test_a_templates_list_comes_to_each_conference_as_its_own(bridge: Bridge) -> None:
    await added(bridge, "giao-ban")
    conference = await bridge.open()
    register = bridge.process.persons
    await register.settle(conference)
    copies = await listed(bridge, conference)
    assert [p["source"] for p in copies] == ["template", "template"]
    assert set(bridge.state(conference).persons) == {p["id"] for p in copies}
    assert not {p["id"] for p in copies} & {p["id"] for p in await listed(bridge, "giao-ban")}
    seq = bridge.state(conference).seq
    await register.settle(conference)
    assert bridge.state(conference).seq == seq
    # Taken off here it stays off, and is still on the template's list.
    assert (
        await bridge.call("DELETE", f"/persons/{copies[0]['id']}", role="operator")
    ).status == 204
    await register.settle(conference)
    assert len(bridge.state(conference).persons) == 1
    assert len(await listed(bridge, "giao-ban")) == 2


async def test_what_is_in_the_table_comes_to_its_conference_after_a_kill(bridge: Bridge) -> None:
    """The row was saved, and the process died before the log had it."""
    conference = await bridge.open()
    await added(bridge, conference)
    gone = tuple(bridge.state(conference).persons)
    await bridge.conductor.submit(conference, c.UnlistPersons(persons=gone[:1]), LAN)
    await bridge.process.persons.load()
    settling = asyncio.create_task(bridge.process.persons.run())
    try:
        await eventually(lambda: set(bridge.state(conference).persons) == set(gone))
    finally:
        settling.cancel()
        await asyncio.gather(settling, return_exceptions=True)


async def _of_files(folder: Path, words: list[str]) -> list[tuple[str, str]]:
    """Words that stand in a file of the state folder."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            octets = path.read_bytes()
            found += [(path.name, word) for word in words if word.encode() in octets]
    return found


async def test_names_go_when_their_time_is_over_and_the_log_stays_whole(
    bridge: Bridge, tmp_path: Path
) -> None:
    conference = await bridge.open()
    son, mai = await added(bridge, conference)
    await bridge.do(conference, c.Attend(persons=(son["id"],)))
    await bridge.do(conference, c.OpenVote(title="Thông qua", by="persons", quorum=0))
    await bridge.do(conference, c.CloseVote())
    await bridge.do(conference, c.End())
    register = bridge.process.persons
    await register.forget_due()
    assert len(register.of(conference)) == 2, "not before their time"
    days = bridge.process.topology.bridge.persons.keep_days
    bridge.pass_time(days * DAY + 1)
    before = await bridge.process.events.links(conference)
    await register.forget_due()
    assert register.of(conference) == []
    after = await bridge.process.events.links(conference)
    assert after == before, "the log did not change"
    assert walk(after, BEGIN).fault == ""
    [forgotten] = await bridge.process.events.read("persons")
    assert forgotten.event.persons == 2  # type: ignore[union-attr]
    assert forgotten.event.days == days  # type: ignore[union-attr]
    said = await minutes(bridge, conference)
    assert "1/2 đại biểu" in said
    assert "2 đại biểu không còn được lưu" in said
    listing = await bridge.call("GET", f"/persons?of={conference}", role="viewer")
    assert await listing.json() == {"of": conference, "persons": [], "forgotten": 2}
    async with bridge.process.engine.connect() as connection:
        audited = (await connection.execute(sa.select(t.audit.c.action, t.audit.c.target))).all()
        assert (await connection.execute(sa.select(t.persons))).all() == []
    assert ("persons forget", conference) in [tuple(row) for row in audited]
    async with asyncio.timeout(HANG):  # a reader may keep SQLite from it for some seconds
        while await _of_files(tmp_path, ["Đinh Công Sơn", "Bùi Thị Mai"]):
            await register.forget_due()
    assert mai["id"] not in str(audited)


async def test_an_admin_removes_names_before_their_time(bridge: Bridge) -> None:
    conference = await bridge.open()
    await added(bridge, conference)
    await bridge.do(conference, c.End())
    path = f"/persons?of={conference}"
    over = await bridge.call("POST", path, {"persons": [SON]}, role="operator")
    assert over.status == 409
    assert (await bridge.call("DELETE", path, role="admin")).status == 204
    assert (await bridge.call("DELETE", path, role="admin")).status == 404
    [forgotten] = await bridge.process.events.read("persons")
    assert (forgotten.actor, forgotten.event.persons) == ("user:admin", 2)  # type: ignore[union-attr]


async def test_a_name_that_is_not_the_one_of_the_log_is_not_believed(bridge: Bridge) -> None:
    conference = await bridge.open()
    son, _ = await added(bridge, conference)
    await bridge.do(conference, c.Attend(persons=(son["id"],)))
    await bridge.do(conference, c.End())
    async with bridge.process.engine.begin() as connection:
        change = sa.update(t.persons).where(t.persons.c.id == son["id"]).values(name="Kẻ Gian")
        await connection.execute(change)
    await bridge.process.persons.load()
    assert "Kẻ Gian" not in await minutes(bridge, conference)
    [wrong] = [p for p in await listed(bridge, conference) if not p["sealed"]]
    assert wrong["id"] == son["id"]


async def test_names_stand_in_no_log_and_no_metric_and_in_no_event(
    watched: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bridge = watched
    conference = await bridge.open()
    son, _ = await added(bridge, conference)
    bad = "Name,Point\nĐinh Công Sơn,nowhere\n".encode()
    await bridge.call("POST", f"/persons/import?of={conference}", role="operator", data=bad)
    await bridge.call("POST", f"/persons/{son['id']}/link", role="operator")
    await bridge.call("DELETE", f"/persons/{son['id']}", role="operator")
    await bridge.do(conference, c.End())
    await bridge.process.persons.forget(conference, 1, "system")
    async with bridge.process.engine.connect() as connection:
        rows = [str(row) for row in await connection.execute(sa.select(t.events.c.body))]
        rows += [str(row) for row in await connection.execute(sa.select(t.audit))]
        rows += [str(row) for row in await connection.execute(sa.select(t.answers))]
        rows += [str(row) for row in await connection.execute(sa.select(t.snapshots))]
    rows += [record.getMessage() for record in caplog.records]
    scrape = exposition(bridge.process.collector.snapshot())[0].decode()
    assert "diemcau_point_up" in scrape
    rows.append(scrape)
    assert len(rows) > 10
    for word in ("Sơn", "Mai", "S\\u01a1n", "Chủ tịch"):
        assert not [row for row in rows if word in row], word


async def test_a_templates_list_goes_with_the_template(bridge: Bridge) -> None:
    template = await (await bridge.call("GET", "/templates/giao-ban", role="operator")).json()
    body = {**template, "id": "hop-khac"}
    for name in ("editable", "id"):
        body.pop(name, None)
    made = await bridge.call("PUT", "/templates/hop-khac", body, role="operator")
    assert made.status == 201, await made.text()
    await added(bridge, "hop-khac")
    tagged = await bridge.call("GET", "/templates/hop-khac", role="operator")
    headers = {"If-Match": tagged.headers["ETag"]}
    gone = await bridge.call("DELETE", "/templates/hop-khac", role="operator", headers=headers)
    assert gone.status == 204
    assert bridge.process.persons.of("hop-khac") == []
