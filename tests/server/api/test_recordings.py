"""Recordings over the interface: the list, the file and its ranges, who may, and who is audited."""

from __future__ import annotations

import pytest

from bridge.base.roles import Role
from bridge.conference import events as e
from bridge.conference.model import Title
from tests.control_support import Bridge

NAME = "giao-ban-20261126-0730-r1"
DATA = bytes(range(256)) * 40


@pytest.fixture
async def kept(bridge: Bridge) -> Bridge:
    catalogue = bridge.process.recordings.catalogue
    path = catalogue.file(NAME)
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    part = e.RecordingPart(at=bridge.wall, offset=0.0, seconds=60.0)
    facts = e.RecordingKept(
        recording=NAME,
        conference=NAME[:-3],
        number=1,
        title=Title(vi="Họp giao ban", en="Briefing"),
        seconds=60.0,
        octets=len(DATA),
        sha256="ab" * 32,
        keep_days=10,
        parts=(part,),
    )
    await catalogue.add(facts, "system")
    return bridge


async def audited(bridge: Bridge) -> list[str]:
    response = await bridge.call("GET", "/audit", role="admin")
    return [row["action"] for row in await response.json() if "recording" in row["action"]]


async def test_the_list_tells_what_there_is(kept: Bridge) -> None:
    (found,) = await (await kept.call("GET", "/recordings", role="viewer")).json()
    assert (found["id"], found["seconds"], found["lost"]) == (NAME, 60.0, 0.0)
    assert found["at"] == kept.wall
    assert found["deleted_at"] == pytest.approx(kept.wall + 10 * 86400, abs=1)
    one = await (await kept.call("GET", f"/recordings/{NAME}", role="viewer")).json()
    assert one == found


@pytest.mark.parametrize(
    ("asked", "status", "got"),
    [
        ("", 200, DATA),
        ("bytes=0-9", 206, DATA[:10]),
        ("bytes=100-", 206, DATA[100:]),
        ("bytes=-5", 206, DATA[-5:]),
        ("bytes=99999-", 416, b""),
        ("bytes=nonsense", 416, b""),
        ("bytes=9-5", 416, b""),
        ("bytes=--5", 416, b""),
        ("bytes=-", 416, b""),
        ("bytes=0-9,20-29", 416, b""),
        ("bytes=99999999999999999999999-", 416, b""),
    ],
)
async def test_a_file_is_had_whole_or_in_part(
    kept: Bridge, asked: str, status: int, got: bytes
) -> None:
    headers = {"Range": asked} if asked else {}
    path = f"/recordings/{NAME}/file"
    response = await kept.call("GET", path, role="viewer", headers=headers)
    assert response.status == status
    if got:
        assert await response.read() == got
        assert response.headers["Content-Type"] == "video/x-matroska"
        assert kept.process.recordings.bad_ranges == 0
    else:
        assert (await response.json())["type"] == "/problems/recordings.bad_range"
        assert response.headers["Content-Range"] == f"bytes */{len(DATA)}"
        assert kept.process.recordings.bad_ranges == 1


async def test_who_begins_to_watch_is_audited_and_who_goes_on_is_not(kept: Bridge) -> None:
    path = f"/recordings/{NAME}/file"
    await kept.call("GET", path, role="viewer", headers={"Range": "bytes=0-"})
    await kept.call("GET", path, role="viewer", headers={"Range": "bytes=5000-"})
    saved = await kept.call("GET", f"{path}?download=1", role="operator")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="{NAME}.mkv"'
    assert sorted(await audited(kept)) == ["recording download", "recording view"]


async def test_who_begins_in_the_middle_is_audited_too(kept: Bridge) -> None:
    path = f"/recordings/{NAME}/file"
    for start in (1, 500, 5000):
        await kept.call("GET", path, role="viewer", headers={"Range": f"bytes={start}-"})
    assert await audited(kept) == ["recording view"]


SEES = {
    "watch": ["viewer", "operator", "auditor", "admin"],
    "direct": ["operator", "auditor", "admin"],
    "admin": ["auditor", "admin"],
}


@pytest.mark.parametrize("audience", SEES)
async def test_a_recording_is_for_those_whom_its_rules_name(kept: Bridge, audience: str) -> None:
    body = {"seen_by": audience, "keep_days": None}
    response = await kept.call("PATCH", f"/recordings/{NAME}", body, role="admin")
    assert response.status == 200
    assert (await response.json())["seen_by"] == audience
    roles: list[Role] = ["viewer", "operator", "auditor", "admin"]
    for role in roles:
        sees = role in SEES[audience]
        assert len(await (await kept.call("GET", "/recordings", role=role)).json()) == sees
        for rest in ("", "/file", "/evidence"):
            found = await kept.call("GET", f"/recordings/{NAME}{rest}", role=role)
            if rest != "/evidence":
                assert (found.status == 200) is sees
            elif not sees:
                assert found.status == 403
    await kept.process.recordings.catalogue.load()
    assert kept.process.recordings.catalogue.kept[NAME].facts.seen_by == audience


async def test_admins_decide_how_long_a_recording_is_kept(kept: Bridge) -> None:
    catalogue, path = kept.process.recordings.catalogue, f"/recordings/{NAME}"
    await kept.call("PATCH", path, {"seen_by": "watch", "keep_days": None}, role="admin")
    kept.pass_time(11 * 86400)
    await kept.process.recordings.upkeep.look()
    assert NAME in catalogue.kept, "it is held"
    ruled = e.RecordingRuled(recording=NAME, seen_by="watch", keep_days=12)
    await catalogue.add(ruled, "user:admin")
    assert NAME in catalogue.kept
    kept.pass_time(86400 + 1)
    await kept.process.recordings.upkeep.look()
    assert NAME not in catalogue.kept, "it was released"
    actions = [e.kind_of(item.event) for item in await kept.process.events.read("recordings")]
    assert actions == ["recording_kept", *["recording_ruled"] * 2, "recording_deleted"]


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        ("operator", {"seen_by": "admin", "keep_days": 1}, 403),
        ("auditor", {"seen_by": "admin", "keep_days": 1}, 403),
        ("admin", {"seen_by": "nobody", "keep_days": 1}, 422),
        ("admin", {"seen_by": "admin", "keep_days": 0}, 422),
        ("admin", {"seen_by": "admin"}, 422),
    ],
)
async def test_rules_that_cannot_be(kept: Bridge, role: Role, body: object, status: int) -> None:
    response = await kept.call("PATCH", f"/recordings/{NAME}", body, role=role)
    assert response.status == status


@pytest.mark.parametrize("name", ["other-r1", "..%2f..%2fsecrets", "x" * 300])
async def test_nothing_else_is_found(kept: Bridge, name: str) -> None:
    response = await kept.call("GET", f"/recordings/{name}/file", role="admin")
    assert response.status == 404


async def test_a_file_that_is_gone_is_said_so(kept: Bridge) -> None:
    kept.process.recordings.catalogue.file(NAME).unlink()
    response = await kept.call("GET", f"/recordings/{NAME}/file", role="viewer")
    assert response.status == 404
    assert "not on the disk" in (await response.json())["title"]


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("operator", 403), ("technician", 403), ("admin", 204)]
)
async def test_admins_delete(kept: Bridge, role: Role, status: int) -> None:
    response = await kept.call("DELETE", f"/recordings/{NAME}", role=role)
    assert response.status == status
    there = kept.process.recordings.catalogue.file(NAME).exists()
    assert there is (status != 204)
    if not there:
        last = (await kept.process.events.read("recordings"))[-1]
        assert (last.actor, e.kind_of(last.event)) == ("user:admin", "recording_deleted")


async def test_technicians_and_strangers_see_none(kept: Bridge) -> None:
    assert (await kept.call("GET", "/recordings", role="technician")).status == 403
    assert (await kept.call("GET", "/recordings")).status == 401
