"""Calls last as long as the conference: whoever knows no session timer has none, a refresh by
either side counts, and one of ours that fails ends only what is gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiosipua import OutgoingCall, SipDigestAuth, SipMessage, SipRequest, SipResponse, serialize_sdp

from bridge.sip.wire.agreeing import offer
from bridge.sip.wire.session_timers import (
    LONGEST,
    SHORTEST,
    SessionTimers,
    Terms,
    terms_of_answer,
    terms_of_request,
)
from tests.sip.stage import HOST, OFFER, SIDE, Stage, method, response, status
from tests.sip.test_message_checks import invite
from tests.waiting import eventually

TIMER = {"Supported": "100rel, timer"}
ONLY_INVITE = {"Allow": "INVITE, ACK, BYE, CANCEL"}


def asked(**headers: str) -> Terms | None:
    request = SipMessage.parse(invite(**headers))
    assert isinstance(request, SipRequest)
    return terms_of_request(request)


@pytest.mark.parametrize(
    ("headers", "terms"),
    [
        ({}, None),
        (ONLY_INVITE, None),
        (TIMER, Terms(1800, ours=True)),
        ({"Require": "timer", "Session_Expires": "600;refresher=uac"}, Terms(600, ours=False)),
        (TIMER | {"Session_Expires": "600 ; Refresher = UAS"}, Terms(600, ours=True)),
        (TIMER | {"Session_Expires": "600"}, Terms(600, ours=True)),
        (TIMER | {"x": "600;refresher=uac"}, Terms(600, ours=False)),
        # A proxy asks for it, and the codec knows nothing of it.
        ({"Session_Expires": "600"}, Terms(600, ours=True)),
        (TIMER | {"Session_Expires": "9" * 400}, Terms(1800, ours=True)),
        (TIMER | {"Session_Expires": "9" * 10}, Terms(LONGEST, ours=True)),
        (TIMER | {"Session_Expires": "-5;refresher=me"}, Terms(1800, ours=True)),
    ],
)
def test_what_a_request_has_for_an_answer(headers: dict[str, str], terms: Terms | None) -> None:
    assert asked(**headers) == terms


def test_an_answer_of_a_second_is_none() -> None:
    answer = SipResponse(status_code=200, reason_phrase="OK")
    assert terms_of_answer(answer) is None
    answer.headers.set_single("Session-Expires", "1;refresher=uas")
    assert terms_of_answer(answer) == Terms(SHORTEST, ours=False)


def test_a_call_without_a_timer_is_never_over_and_others_are_when_nobody_refreshes_them() -> None:
    timers, message = SessionTimers(), SipMessage.parse(invite())
    timers.agree("none", None, message, 0.0)
    timers.agree("theirs", Terms(1800, ours=False), message, 0.0)
    timers.agree("ours", Terms(1800, ours=True), message, 0.0)
    assert timers.passed(899.0) == ([], [])
    assert timers.passed(900.0) == (["ours"], [])
    timers.agree("theirs", Terms(1800, ours=False), message, 1000.0)
    assert timers.passed(1790.0) == ([], [])
    assert timers.passed(2767.0) == (["ours"], [])
    assert timers.passed(2768.0) == ([], ["theirs"])
    timers.drop("ours")
    assert timers.passed(1e9) == ([], ["theirs"])


async def pass_time(stage: Stage, seconds: float) -> None:
    """The element's clock goes on, in steps that its transactions can follow."""
    stage.later += seconds
    stage.element._tick()
    await asyncio.sleep(0)


def within(request: Any, kind: str, number: int, **headers: str) -> bytes:
    """A request of the other side within the call that we began with a request."""
    to, sender = request.headers.get_first("from"), request.headers.get_first("to")
    more = {
        "From": sender if ";tag=" in sender else f"{sender};tag=them",
        "To": to,
        "Call_ID": request.headers.get_first("call-id"),
        "Via": f"SIP/2.0/UDP h;branch=z9hG4bK-w{number}",
        "CSeq": f"{number} {kind}",
        "Contact": f"<sip:codec@{HOST}>",
    }
    body = headers.pop("body", "")
    if not body:
        more["Content_Type"] = ""
    return invite(line=f"{kind} sip:cau@192.0.2.1 SIP/2.0", body=body, **(more | headers))


async def called(stage: Stage, **headers: str) -> SipResponse:
    """A call of the other side, answered and acknowledged."""
    await stage.say(invite(body=OFFER, Contact=f"<sip:codec@{HOST}:{stage.place[1]}>", **headers))
    found: SipResponse = await stage.until(status(200))
    await stage.say(
        invite(
            line="ACK sip:cau@192.0.2.1 SIP/2.0",
            body="",
            CSeq="7 ACK",
            To=found.headers.get_first("to") or "",
            Via="SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-ack",
            Content_Type="",
        )
    )
    await eventually(lambda: stage.calls and stage.calls[0]._retrans_task is None)
    return found


async def dialled(stage: Stage, **headers: str) -> tuple[OutgoingCall, SipRequest]:
    """A call of ours that was answered, and its INVITE."""
    call, happened = stage.dial()
    request = await stage.until(method("INVITE"))
    assert request.get_header("session-expires") == "1800;refresher=uac"
    contact = f"<sip:inside@{HOST}:{stage.place[1]}>"
    await stage.say(response(request, 200, OFFER, Contact=contact, **headers))
    await stage.until(method("ACK"))
    assert happened == ["answered"]
    return call, request


async def test_a_caller_that_knows_no_timer_is_never_hung_up_on(stage: Stage) -> None:
    found = await called(stage, **ONLY_INVITE)
    assert found.get_header("session-expires") is None
    assert found.get_header("require") is None
    await pass_time(stage, 8 * 3600)
    assert stage.ended == []
    assert stage.element.uas.active_calls
    assert stage.calls[0]._session_timer is None


async def test_a_caller_that_says_it_refreshes_is_hung_up_on_when_it_does_not(
    stage: Stage,
) -> None:
    found = await called(stage, **TIMER, Session_Expires="1800;refresher=uac")
    assert found.get_header("session-expires") == "1800;refresher=uac"
    await pass_time(stage, 1700)
    update = {"To": found.headers.get_first("to") or "", "CSeq": "8 UPDATE", "Content_Type": ""}
    update |= {"Via": "SIP/2.0/UDP h;branch=z9hG4bK-u", "Session_Expires": "1800;refresher=uac"}
    line = "UPDATE sip:cau@192.0.2.1 SIP/2.0"
    await stage.say(invite(line=line, body="", **update, **TIMER))
    refreshed = await stage.until(status(200))
    # Without it the codec would take the session timer to be over, and refresh no more.
    assert refreshed.get_header("session-expires") == "1800;refresher=uac"
    await pass_time(stage, 1700)
    assert stage.ended == []
    await pass_time(stage, 100)
    await stage.until(method("BYE"))
    assert stage.ended == ["c-1@192.0.2.7"]


@pytest.mark.parametrize("kind", ["UPDATE", "INVITE"])
async def test_a_refresh_by_who_was_called_counts(stage: Stage, kind: str) -> None:
    call, request = await dialled(stage, Session_Expires="1800;refresher=uas")
    for number in (1, 2, 3):
        await pass_time(stage, 900)
        body = {"body": OFFER} if kind == "INVITE" else {}
        more = {"Session_Expires": "1800;refresher=uac"} | TIMER | body
        await stage.say(within(request, kind, number, **more))
        found = await stage.until(lambda m: status(200)(m) and m.cseq.method == kind)
        assert found.get_header("session-expires") == "1800;refresher=uac"
    assert stage.ended == []
    await pass_time(stage, 1769)
    await stage.until(method("BYE"))
    assert stage.ended == [call.call_id]


async def test_we_refresh_a_call_out_and_stay_the_one_who_does(stage: Stage) -> None:
    call, _ = await dialled(stage, Session_Expires="600;refresher=uac")
    timers = stage.element._refreshes._timers
    for _ in range(3):
        await pass_time(stage, 300)
        update = await stage.until(method("UPDATE"))
        assert update.get_header("session-expires") == "600;refresher=uac"
        await stage.say(response(update, 200))
        await eventually(lambda: (held := timers.get(call.call_id)) and held.request is None)
    stage.element.hang_up(call)
    await stage.until(method("BYE"))
    await pass_time(stage, 6000)
    stage.element.hang_up(call)
    with pytest.raises(BlockingIOError):
        stage.other.recv(65536)


async def test_who_takes_no_update_is_sent_a_re_invite_and_its_answer_counts(
    stage: Stage,
) -> None:
    found = await called(stage, **TIMER, **ONLY_INVITE, Session_Expires="600;refresher=uas")
    assert found.get_header("session-expires") == "600;refresher=uas"
    await pass_time(stage, 300)
    again = await stage.until(method("INVITE"))
    assert again.text == found.text
    assert again.get_header("session-expires") == "600;refresher=uac"
    assert again.headers.get_first("to") == "<sip:khoan-du@192.0.2.7>;tag=a1"
    answered = response(again, 200, OFFER, Session_Expires="600;refresher=uas")
    for _ in range(2):  # the acknowledgement of the first is lost
        await stage.say(answered)
        ack = await stage.until(method("ACK"))
        assert ack.cseq.seq == again.cseq.seq
    assert len(stage.refreshed) == 1
    await pass_time(stage, 500)
    assert stage.ended == []
    await pass_time(stage, 100)  # it has taken it over, and does nothing
    await stage.until(method("BYE"))
    assert stage.ended == ["c-1@192.0.2.7"]


@pytest.mark.parametrize("code", [408, 481])
async def test_a_call_that_the_other_side_has_lost_is_ended_with_bye(
    stage: Stage, code: int
) -> None:
    call, _ = await dialled(stage, Session_Expires="600", **ONLY_INVITE)
    await pass_time(stage, 300)
    again = await stage.until(method("INVITE"))
    await stage.say(response(again, code))
    await stage.until(method("BYE"))
    assert stage.ended == [call.call_id]


async def test_a_refresh_that_nobody_answers_ends_the_call_with_bye(stage: Stage) -> None:
    call, _ = await dialled(stage, Session_Expires="600", **ONLY_INVITE)
    await pass_time(stage, 300)
    await stage.until(method("INVITE"))
    stage.later += 40  # the transport gives up
    await stage.until(method("BYE"))
    assert stage.ended == [call.call_id]


async def test_a_refresh_that_meets_another_is_sent_once_more(stage: Stage) -> None:
    call, _ = await dialled(stage, Session_Expires="600", **ONLY_INVITE)
    await pass_time(stage, 300)
    for _ in range(2):
        again = await stage.until(method("INVITE"))
        await stage.say(response(again, 491))
        await stage.until(method("ACK"))
        await pass_time(stage, 3)
    assert stage.ended == []
    await pass_time(stage, 300)
    again = await stage.until(method("INVITE"))
    await stage.say(response(again, 200, OFFER))
    await stage.until(method("ACK"))
    assert stage.element.uac.get_call(call.call_id) is call


async def test_a_refresh_is_proved_once_and_refused_ones_end_no_call(stage: Stage) -> None:
    call, _ = await dialled(stage, Session_Expires="600", **ONLY_INVITE)
    call._auth, call._auth_attempts = SipDigestAuth("cau", "chim-se"), 1
    challenge = 'Digest realm="codec", nonce="1", algorithm=MD5, qop="auth"'
    await pass_time(stage, 300)
    first = await stage.until(method("INVITE"))
    await stage.say(response(first, 401, WWW_Authenticate=challenge))
    second = await stage.until(lambda m: method("INVITE")(m) and m.cseq.seq > first.cseq.seq)
    assert "username" in (second.get_header("authorization") or "")
    await stage.say(response(second, 401, WWW_Authenticate=challenge))
    await stage.until(method("ACK"))
    assert stage.ended == []
    stage.element.hang_up(call)
    await stage.until(method("BYE"))  # it is still there to be ended


async def test_who_does_not_know_update_after_all_is_sent_a_re_invite(stage: Stage) -> None:
    await dialled(stage, Session_Expires="600")
    await pass_time(stage, 300)
    update = await stage.until(method("UPDATE"))
    await stage.say(response(update, 501))
    again = await stage.until(method("INVITE"))
    assert again.text == serialize_sdp(offer(SIDE))


async def test_an_update_with_an_offer_is_a_re_invite(stage: Stage) -> None:
    _, request = await dialled(stage)
    await stage.say(within(request, "UPDATE", 1, body=OFFER))
    found = await stage.until(status(200))
    assert "m=audio 4000" in found.text
    await stage.say(within(request, "UPDATE", 2, body="x", Content_Type="text/plain"))
    await stage.until(status(488))
    await stage.say(within(request, "UPDATE", 3, Session_Expires="20"))
    refused = await stage.until(status(422))
    assert refused.get_header("min-se") == str(SHORTEST)
    stranger = {"From": "<sip:x@h>;tag=x", "Via": "SIP/2.0/UDP h;branch=z9hG4bK-x"}
    await stage.say(within(request, "UPDATE", 4, **stranger))
    await stage.until(status(481))
