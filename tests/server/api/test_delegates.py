"""Delegates' telephones: registering by a room's code, links that are good once, votes that are
neither lost nor doubled, whatever is sent twice and whatever is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from bridge.conference.attendance import Details
from bridge.conference.model import SYSTEM
from bridge.control.persons.codes import LIFE
from bridge.control.persons.list_rows import Entry
from bridge.control.persons.register import digest_of
from bridge.proof.ballots import of_votes
from tests.control_support import Bridge
from tests.waiting import eventually

AN = {"name": "Nguyễn Văn An", "agency": "UBND xã Khoan Dụ", "position": "Phó Chủ tịch"}
MINE, OTHER = "a" * 40, "b" * 40  # secrets that telephones have made
VOTE = c.OpenVote(title="Thông qua kế hoạch", by="persons", quorum=0)


async def code_of(bridge: Bridge, token: str) -> str:
    """What a delegate scans from the room's screen."""
    response = await bridge.call("GET", "/room/registration", token=token)
    assert response.status == 200, await response.text()
    told = await response.json()
    assert set("".join(told["rows"])) == {"0", "1"}
    page, _, code = told["address"].partition("#code=")
    assert page.endswith("/delegate")
    return str(code)


async def registering(bridge: Bridge, start: bool = True) -> tuple[str, str]:
    """A conference whose rooms show codes; its id, and a code of khoan-du."""
    conference = await bridge.open(start=start)
    tokens = await bridge.join("khoan-du")
    await bridge.do(conference, c.SetRegistration())
    return conference, await code_of(bridge, tokens["khoan-du"])


async def register(bridge: Bridge, code: str, secret: str = MINE, **changes: str) -> Any:
    body = {**AN, "secret": secret, **changes}
    return await bridge.call("POST", "/delegate/registration", body, token=code)


async def vote(bridge: Bridge, secret: str, choice: str = "for", **more: int) -> Any:
    body = {"number": 1, "choice": choice, **more}
    return await bridge.call("POST", "/delegate/ballot", body, token=secret)


async def test_a_delegate_registers_by_the_rooms_code_and_votes(bridge: Bridge) -> None:
    conference, code = await registering(bridge)
    invited = await bridge.call("GET", "/delegate/registration", token=code)
    assert (await invited.json())["point"]["vi"] == "Xã Khoan Dụ"
    response = await register(bridge, code)
    assert response.status == 201, await response.text()
    shown = await response.json()
    assert (shown["name"], shown["present"], shown["vote"]) == (AN["name"], True, None)
    await bridge.do(conference, VOTE)
    shown = await (await bridge.call("GET", "/delegate", token=MINE)).json()
    assert (shown["vote"]["stage"], shown["vote"]["choices"][0]) == ("open", "for")
    shown = await (await vote(bridge, MINE)).json()
    assert list(shown["vote"]["chosen"].values()) == ["for"]
    assert shown["vote"]["counts"] == {}, "nobody is led by others"
    await bridge.do(conference, c.CloseVote())
    result = bridge.state(conference).votes[-1].result
    assert result is not None
    assert (result.outcome, result.voted) == ("carried", 1)
    shown = await (await bridge.call("GET", "/delegate", token=MINE)).json()
    assert shown["vote"]["result"]["outcome"] == "carried"


async def test_whatever_is_sent_twice_is_done_once(bridge: Bridge) -> None:
    conference, code = await registering(bridge)
    for _ in range(2):
        assert (await register(bridge, code)).status == 201
    assert len(bridge.state(conference).persons) == 1
    await bridge.do(conference, VOTE)
    for _ in range(2):
        assert (await vote(bridge, MINE, ballot=1)).status == 200
    assert (await vote(bridge, MINE, "against", ballot=2)).status == 200
    late = await vote(bridge, MINE, "for", ballot=1)
    assert (late.status, (await late.json())["type"]) == (409, "/problems/refusal.ballot_late")
    [given] = bridge.state(conference).votes[-1].ballots.values()
    assert (given.choice, given.number) == ("against", 2)


async def test_codes_end(bridge: Bridge) -> None:
    conference, code = await registering(bridge)
    assert (await register(bridge, code[:-2] + "xx")).status == 401
    assert (await register(bridge, "nonsense")).status == 401
    assert (await register(bridge, "")).status == 401
    bridge.pass_time(LIFE + 1)
    over = await register(bridge, code)
    assert (over.status, (await over.json())["type"]) == (403, "/problems/delegate.code_over")
    await bridge.do(conference, c.SetRegistration(open=False))
    tokens = await bridge.join("khoan-du")
    closed = await bridge.call("GET", "/room/registration", token=tokens["khoan-du"])
    assert closed.status == 409
    await bridge.do(conference, c.SetRegistration())
    fresh = await code_of(bridge, tokens["khoan-du"])
    assert (await register(bridge, fresh)).status == 201
    await bridge.do(conference, c.SetRegistration(open=False))
    await bridge.do(conference, c.SetRegistration())
    again = await register(bridge, fresh, OTHER, name="Người Khác")
    assert again.status == 403, "a code of the registration before"
    await bridge.do(conference, c.End())
    assert (await register(bridge, fresh, OTHER, name="Người Khác")).status == 409
    assert (await bridge.call("GET", "/delegate", token=MINE)).status == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "<b>"},
        {"name": "=1+1"},
        {"name": "An\u202e"},
        {"name": ""},
        {"agency": "@x"},
        {"secret": "short"},
        {"secret": "x" * 39 + "\n"},
    ],
)
async def test_what_is_no_person_is_not_registered(bridge: Bridge, changes: dict[str, str]) -> None:
    conference, code = await registering(bridge)
    response = await register(bridge, code, **{"secret": MINE, **changes})
    assert response.status == 422
    assert bridge.state(conference).persons == {}


async def test_nobody_registers_as_somebody_on_the_list(bridge: Bridge) -> None:
    conference, code = await registering(bridge)
    assert (await register(bridge, code)).status == 201
    taken = await register(bridge, code, OTHER)
    assert (taken.status, (await taken.json())["type"]) == (409, "/problems/delegate.listed")
    assert len(bridge.state(conference).persons) == 1


async def test_an_address_that_guesses_waits_and_keeps_nobody_else_waiting(bridge: Bridge) -> None:
    _, code = await registering(bridge)
    assert (await register(bridge, code)).status == 201
    statuses = {(await bridge.call("GET", "/delegate", token=f"{n:040}")).status for n in range(70)}
    assert statuses == {401, 429}
    assert (await bridge.call("GET", "/delegate", token=MINE)).status == 200, "of the same address"
    bridge.pass_time(3600)
    assert (await bridge.call("GET", "/delegate", token="x" * 40)).status == 401


async def test_an_address_registers_so_many_at_once(bridge: Bridge) -> None:
    _, code = await registering(bridge)
    for number in range(60):
        name = f"Người {chr(97 + number // 26)}{chr(97 + number % 26)}"
        assert (await register(bridge, code, f"{number:040}", name=name)).status == 201
    assert (await register(bridge, code, "z" * 40, name="Người Sau")).status == 429
    assert (await register(bridge, code, f"{1:040}")).status == 201, "who is registered is told so"


async def link_of(bridge: Bridge, conference: str, present: bool = True) -> tuple[str, str]:
    """A person on the list, and the link that was made for it."""
    body = {"persons": [{**AN, "point": "khoan-du"}]}
    told = await bridge.call("POST", f"/persons?of={conference}", body, role="operator")
    ident = (await told.json())["persons"][0]["id"]
    if present:
        await bridge.do(conference, c.Attend(persons=(ident,)))
    made = await bridge.call("POST", f"/persons/{ident}/link", role="operator")
    assert made.status == 201
    return ident, (await made.json())["address"].partition("#link=")[2]


async def use(bridge: Bridge, link: str, secret: str = MINE) -> Any:
    return await bridge.call("POST", "/delegate/link", {"link": link, "secret": secret})


async def test_a_link_is_good_for_one_telephone(bridge: Bridge) -> None:
    conference = await bridge.open()
    ident, link = await link_of(bridge, conference)
    assert (await use(bridge, link)).status == 200
    assert (await use(bridge, link)).status == 200, "the answer was lost, and it was asked again"
    used = await use(bridge, link, OTHER)
    assert (used.status, (await used.json())["type"]) == (409, "/problems/delegate.link_used")
    assert (await bridge.call("GET", "/delegate", token=OTHER)).status == 401
    assert (await bridge.call("GET", "/delegate", token=link)).status == 401
    assert (await use(bridge, "nonsense", OTHER)).status == 401
    # Another link, and the first telephone is out.
    made = await bridge.call("POST", f"/persons/{ident}/link", role="operator")
    newer = (await made.json())["address"].partition("#link=")[2]
    assert (await bridge.call("GET", "/delegate", token=MINE)).status == 401
    assert (await use(bridge, link, OTHER)).status == 401
    assert (await use(bridge, newer, OTHER)).status == 200
    record = bridge.process.persons.get(ident)
    assert record is not None
    assert (record.secret, record.link) == (digest_of(OTHER), digest_of(newer))


async def test_of_two_telephones_that_use_a_link_at_once_one_gets_it(bridge: Bridge) -> None:
    conference = await bridge.open()
    ident, link = await link_of(bridge, conference)
    held = bridge.process.persons
    linked = held.linked(link)
    assert linked is not None
    mine, other = await asyncio.gather(
        held.hold(linked, digest_of(MINE)),
        held.hold(linked, digest_of(OTHER)),
        return_exceptions=True,
    )
    assert not isinstance(mine, BaseException)
    assert (mine.id, mine.secret) == (ident, digest_of(MINE))
    assert getattr(other, "key", "") == "delegate.link_used"
    assert (await bridge.call("GET", "/delegate", token=MINE)).status == 200


async def test_an_operators_change_leaves_the_telephone_that_came_meanwhile(
    bridge: Bridge,
) -> None:
    conference = await bridge.open()
    ident, link = await link_of(bridge, conference)
    held = bridge.process.persons
    linked = held.linked(link)
    assert linked is not None
    entry = Entry("khoan-du", Details("Đinh Công Sĩ"))
    await asyncio.gather(held.hold(linked, digest_of(MINE)), held.change(ident, entry))
    kept = held.get(ident)
    assert kept is not None
    assert (kept.name, kept.secret) == ("Đinh Công Sĩ", digest_of(MINE))


async def test_a_link_has_an_end(bridge: Bridge) -> None:
    conference = await bridge.open()
    _, link = await link_of(bridge, conference)
    bridge.pass_time(15 * 86400.0)
    over = await use(bridge, link)
    assert (over.status, (await over.json())["type"]) == (403, "/problems/delegate.link_over")


async def test_who_is_not_there_does_not_vote(bridge: Bridge) -> None:
    conference = await bridge.open()
    ident, link = await link_of(bridge, conference, present=False)
    await use(bridge, link)
    await bridge.do(conference, VOTE)
    absent = await vote(bridge, MINE)
    assert (await absent.json())["type"] == "/problems/refusal.person_absent"
    await bridge.do(conference, c.Attend(persons=(ident,)))
    assert (await vote(bridge, MINE)).status == 200
    await bridge.do(conference, c.CloseVote())
    over = await vote(bridge, MINE, "against")
    assert (await over.json())["type"] == "/problems/refusal.vote_over"


async def test_a_secret_vote_of_persons(bridge: Bridge) -> None:
    conference, code = await registering(bridge)
    await register(bridge, code)
    await register(bridge, code, OTHER, name="Lò Thị Bình")
    await bridge.do(conference, c.OpenVote(title="Bầu", by="persons", secret=True, quorum=0))
    counting = asyncio.create_task(bridge.control.secret_votes.run())
    try:
        shown = await (await vote(bridge, MINE)).json()
        assert (shown["vote"]["chosen"], shown["vote"]["ballots"]) == ({}, 1)
        twice = await vote(bridge, MINE, "against")
        assert (await twice.json())["type"] == "/problems/refusal.voted_secretly"
        assert (await vote(bridge, OTHER, "abstain")).status == 200
        await bridge.do(conference, c.CloseVote())
        await eventually(lambda: bridge.state(conference).votes[-1].stage == "closed")
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
    result = bridge.state(conference).votes[-1].result
    assert result is not None
    assert result.counts == {"for": 1, "against": 0, "abstain": 1}


async def test_votes_outlive_a_kill(tmp_path: Path) -> None:
    """The process dies between two ballots, and a telephone sends its own again."""

    async def begin() -> Bridge:
        bridge = Bridge(tmp_path)
        await bridge.start()
        bridge.client = TestClient(TestServer(bridge.http.app))
        await bridge.client.start_server()
        return bridge

    async def kill(bridge: Bridge) -> None:
        await bridge.client.close()
        await bridge.stop()

    bridge = await begin()
    conference, code = await registering(bridge)
    await register(bridge, code)
    await bridge.do(conference, VOTE)
    assert (await vote(bridge, MINE, ballot=1)).status == 200
    await kill(bridge)
    bridge = await begin()
    assert (await vote(bridge, MINE, ballot=1)).status == 200, "sent again: the answer was lost"
    assert (await register(bridge, code, OTHER, name="Lò Thị Bình")).status == 201
    assert len(bridge.state(conference).persons) == 2, "the code is good after a restart, too"
    late = await vote(bridge, OTHER)
    assert (await late.json())["type"] == "/problems/refusal.person_no_voter"
    await bridge.do(conference, c.CloseVote())
    result = bridge.state(conference).votes[-1].result
    assert result is not None
    assert (result.voted, result.counts["for"]) == (1, 1)
    log = await bridge.process.events.read(conference)
    assert [found.state for found in of_votes(log)] == ["proved", "open"]
    assert AN["name"] not in str(log)
    await kill(bridge)


async def test_links_are_printed_for_those_without_a_telephone(bridge: Bridge) -> None:
    conference, code = await registering(bridge)
    assert (await register(bridge, code)).status == 201
    path = f"/persons/links?of={conference}"
    nobody = await bridge.call("POST", path, {}, role="operator")
    assert (await nobody.json())["type"] == "/problems/persons.all_have_telephones"
    names = [f"Đại Biểu {letter}" for letter in "ABCDEFGHIK"]
    body = {"persons": [{"point": "chi-ne", "name": name, "position": "Uỷ viên"} for name in names]}
    await bridge.call("POST", f"/persons?of={conference}", body, role="operator")
    printed = await bridge.call("POST", path, {}, role="operator")
    assert printed.status == 200
    pdf = pypdfium2.PdfDocument(await printed.read())
    try:
        pages = [page.get_textpage().get_text_range() for page in pdf]
    finally:
        pdf.close()
    assert len(pages) == 2, "eight cards a page"
    assert all(name in "".join(pages) for name in names)
    assert AN["name"] not in "".join(pages)
    links = {record.link for record in bridge.process.persons.of(conference)}
    assert len(links) == len(names) + 1
    assert (await bridge.call("GET", "/delegate", token=MINE)).status == 200


async def test_a_register_of_which_nothing_is_new_asks_nothing(bridge: Bridge) -> None:
    conference, code = await registering(bridge)
    await register(bridge, code)
    held = bridge.process.persons
    await held.settle(conference)
    events = bridge.state(conference).seq
    await bridge.do(conference, c.Preview(point="khoan-du"))
    await held.settle(conference)
    assert bridge.state(conference).seq == events + 1
    gone = tuple(bridge.state(conference).persons)
    await bridge.conductor.submit(conference, c.UnlistPersons(persons=gone), SYSTEM)
    await held.settle(conference)
    assert set(bridge.state(conference).persons) == set(gone), "the table is what is true"
