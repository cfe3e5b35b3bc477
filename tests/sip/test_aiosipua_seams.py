"""What aiosipua leaves out and the seam makes up for, each by itself: a codec of a few lines at the
other end of loopback, or none."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from aiosipua import SipMessage, SipRequest, SipResponse

from bridge.sip.wire.aiosipua_seams import Refusal
from bridge.sip.wire.transactions import GIVEN_UP, T1, Send, Transactions
from tests.sip.stage import HOST, OFFER, Stage, method, response, status
from tests.sip.test_message_checks import invite
from tests.waiting import eventually


async def taken(stage: Stage) -> SipResponse:
    """A call of the other side, answered and acknowledged."""
    await stage.say(invite(body=OFFER, Content_Type="application/sdp; x=y"))
    found: SipResponse = await stage.until(status(200))
    to = found.headers.get_first("to") or ""
    line = "ACK sip:cau@192.0.2.1 SIP/2.0"
    via = "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-ack"
    await stage.say(invite(line=line, body="", CSeq="7 ACK", To=to, Via=via, Content_Type=""))
    await eventually(lambda: stage.calls)
    return found


async def test_a_call_that_comes_is_taken_and_its_keys_come_by_info(stage: Stage) -> None:
    found = await taken(stage)
    assert "m=audio 4000" in found.text
    more = {"To": found.headers.get_first("to") or "", "CSeq": "8 INFO"}
    more |= {"Content_Type": "application/dtmf-relay", "Via": "SIP/2.0/UDP h;branch=z9hG4bK-i"}
    line = "INFO sip:cau@192.0.2.1 SIP/2.0"
    await stage.say(invite(line=line, body="Signal=1\r\n", **more))
    await stage.until(lambda m: status(200)(m) and m.cseq.method == "INFO")
    assert stage.informed == [("application/dtmf-relay", "Signal=1\r\n")]
    more["To"], more["Via"] = "<sip:cau@192.0.2.1>;tag=other", "SIP/2.0/UDP h;branch=z9hG4bK-j"
    await stage.say(invite(line=line, body="Signal=2\r\n", **more))
    await stage.until(status(481))


async def test_a_request_that_comes_once_more_has_the_same_answer_and_no_second_call(
    stage: Stage,
) -> None:
    stage.refusal = Refusal(403, "Forbidden")
    answers = []
    for _ in range(2):
        await stage.say(invite(body=OFFER))
        answers.append(bytes(await stage.until(status(403))))
    assert answers[0] == answers[1]
    assert stage.element.uas.active_calls == {}


async def test_a_refusal_that_nobody_acknowledges_is_not_repeated_by_itself(stage: Stage) -> None:
    stage.refusal = Refusal(403, "Forbidden")
    await stage.say(invite(body=OFFER))
    await stage.until(status(403))
    later = asyncio.get_running_loop().time() + 5.0
    assert stage.element.transport.transactions.due(later) == ([], [])


async def test_what_cannot_be_used_is_answered_once_too(stage: Stage) -> None:
    broken = {505: {"line": "INVITE sip:cau@192.0.2.1 SIP/7.0"}, 400: {"CSeq": "7 OPTIONS"}}
    for code, changed in broken.items():
        await stage.say(invite(body=OFFER, **changed))
        await stage.until(status(code))
    later = asyncio.get_running_loop().time() + 5.0
    assert stage.element.transport.transactions.due(later) == ([], [])


async def test_a_call_that_was_admitted_and_is_not_taken_is_over(stage: Stage) -> None:
    await stage.say(invite(body=OFFER, Session_Expires="30"))
    await stage.until(status(422))
    assert stage.calls == []
    assert stage.ended == ["c-1@192.0.2.7"]


async def test_an_invite_within_no_dialog_begins_no_call(stage: Stage) -> None:
    await stage.say(invite(body=OFFER, To="<sip:cau@192.0.2.1>;tag=gone"))
    await stage.until(status(481))
    assert stage.calls == []


async def test_a_call_out_learns_where_its_other_side_is(stage: Stage) -> None:
    call, happened = stage.dial()
    request = await stage.until(method("INVITE"))
    assert request.get_header("session-expires") == "1800;refresher=uac"
    await stage.say(response(request, 180))
    contact = f"<sip:inside@{HOST}:{stage.place[1]}>"
    route = "<sip:proxy@127.0.0.1;lr>"
    await stage.say(response(request, 200, OFFER, Contact=contact, Record_Route=route))
    ack = await stage.until(method("ACK"))
    assert ack.uri.startswith("sip:inside@")
    assert ack.headers.get("route") == [route]
    assert happened == ["answered"]
    assert call.sdp_answer is not None
    stage.element.hang_up(call)
    bye = await stage.until(method("BYE"))
    assert bye.uri.startswith("sip:inside@")


async def test_a_failed_call_is_acknowledged_however_often_it_fails(stage: Stage) -> None:
    _, happened = stage.dial()
    request = await stage.until(method("INVITE"))
    for _ in range(2):
        await stage.say(response(request, 486))
        ack = await stage.until(method("ACK"))
        assert ack.via[0].branch == request.via[0].branch
        assert "tag=them" in (ack.headers.get_first("to") or "")
    assert happened == ["486"]


async def test_an_answer_of_somebody_else_is_counted_and_nothing(stage: Stage) -> None:
    _, happened = stage.dial()
    request = await stage.until(method("INVITE"))
    forged = response(request, 486).replace(request.via[0].branch.encode(), b"z9hG4bK-guess")
    await stage.say(forged)
    await eventually(lambda: stage.figures.refused["foreign"])
    assert happened == []


async def test_a_call_that_is_answered_while_it_is_given_up_is_ended(stage: Stage) -> None:
    call, happened = stage.dial()
    request = await stage.until(method("INVITE"))
    await stage.say(response(request, 180))
    stage.element.hang_up(call)
    await stage.until(method("CANCEL"))
    contact = f"<sip:inside@{HOST}:{stage.place[1]}>"
    await stage.say(response(request, 200, OFFER, Contact=contact))
    await stage.until(method("ACK"))
    await stage.until(method("BYE"))
    assert happened == []


async def test_a_flood_is_answered_with_503_and_then_not_at_all(stage: Stage) -> None:
    stage.refusal = Refusal(403, "Forbidden")
    for number in range(300):
        via = f"SIP/2.0/UDP h;branch=z9hG4bK-{number}"
        await stage.say(invite(body=OFFER, Via=via, Call_ID=f"flood-{number}"))
        await asyncio.sleep(0)  # a full queue of the socket would lose some
    await stage.until(status(503))
    assert stage.figures.refused["flood"] > 100
    assert stage.element.uas.active_calls == {}
    await stage.say(b"\r\n\r\n")
    await stage.say(b"\xff" * 50)


async def test_a_port_is_free_at_once_when_its_element_has_stopped(stage: Stage) -> None:
    host, port = stage.element.transport.local_addr
    for _ in range(3):
        await stage.element.stop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, port))
        await stage.element.start()
        assert stage.element.transport.local_addr == (host, port)


async def test_who_answers_a_challenge_is_not_counted_twice_and_not_thrice_for_nothing(
    stage: Stage,
) -> None:
    stage.refusal = Refusal(401, "Unauthorized")

    async def call(name: str, number: int) -> None:
        via = f"SIP/2.0/UDP h;branch=z9hG4bK-{name}-{number}"
        await stage.say(invite(body=OFFER, Via=via, Call_ID=name, CSeq=f"{number} INVITE"))
        await stage.until(lambda m: isinstance(m, SipResponse))

    for name in range(5):
        for number in (1, 2):
            await call(f"call-{name}", number)
    assert stage.figures.refused["flood"] == 0
    for number in range(3, 43):
        await call("call-0", number)
    assert stage.figures.refused["flood"] > 0


def test_requests_are_repeated_until_they_are_answered_and_then_given_up() -> None:
    transactions = Transactions()
    request = SipMessage.parse(invite())
    assert isinstance(request, SipRequest)
    transactions.sent(request, b"data", (HOST, 1), 0.0, reliable=False)
    times = []
    now = 0.0
    while now < GIVEN_UP + 2:
        now += 0.25
        sends, unanswered = transactions.due(now)
        times += [round(now, 1) for _ in sends]
        if unanswered:
            break
    assert times[:4] == [0.5, 1.5, 3.5, 7.5]
    assert unanswered == [request]
    assert now > GIVEN_UP


def test_a_failure_is_repeated_until_it_is_acknowledged() -> None:
    transactions = Transactions()
    request = SipMessage.parse(invite())
    assert isinstance(request, SipRequest)
    assert transactions.received(request, (HOST, 5), 0.0) is True
    assert transactions.received(request, (HOST, 6), 0.0) is False  # somebody else's branch
    failure = SipMessage.parse(response(request, 486))
    assert isinstance(failure, SipResponse)
    transactions.answered(failure, b"failure", 0.0, reliable=False)
    assert transactions.due(T1) == ([Send(b"failure", (HOST, 5))], [])
    ack = SipMessage.parse(invite(line="ACK sip:cau@192.0.2.1 SIP/2.0", CSeq="7 ACK"))
    assert isinstance(ack, SipRequest)
    transactions.received(ack, (HOST, 5), 1.0)
    with contextlib.suppress(IndexError):
        assert transactions.due(10.0)[0] == []
