"""Who calls proves a password; guesses cost time. Answers are made by aiosipua, as a codec's."""

from __future__ import annotations

from aiosipua import SipDigestAuth, SipMessage, SipRequest, build_credentials, parse_auth
from aiosipua.headers import stringify_auth

from bridge.sip.gateway_orders import CodecPoint
from bridge.sip.incoming import Caller, Callers
from bridge.sip.refusals import Figures
from bridge.sip.wire.aiosipua_seams import Refusal
from bridge.sip.wire.budgets import Budgets
from bridge.sip.wire.digest import NONCE_SECONDS, Digest

URI = "sip:cau@192.0.2.1"


RIGHT = "right"


def answered(challenge: str, password: str = RIGHT, count: int = 1) -> str:
    found = build_credentials(
        SipDigestAuth("khoan-du", password), parse_auth(challenge), "INVITE", URI, nonce_count=count
    )
    assert found is not None
    return stringify_auth(found)


def verdict(digest: Digest, header: str, now: float = 1000.0) -> str:
    return digest.verdict(header, "INVITE", "khoan-du", "right", now)


def test_the_right_answer_is_good_once_for_both_algorithms() -> None:
    digest = Digest("cau", b"k" * 32)
    for challenge in digest.challenges(1000.0):
        header = answered(challenge)
        assert verdict(digest, header) == "good"
        assert verdict(digest, header) == "stale"  # a replay
        digest = Digest("cau", b"k" * 32)


def test_a_codec_that_knows_md5_alone_is_asked_for_nothing_else() -> None:
    digest = Digest("cau", b"k" * 32)
    (challenge,) = digest.challenges(1000.0, only="md5")
    assert "algorithm=MD5" in challenge
    assert verdict(digest, answered(challenge)) == "good"
    point = CodecPoint(
        id="khoan-du",
        key="k",
        name="Khoan Dụ",
        uri="sip:codec@192.0.2.20",
        encryption="none",
        password=RIGHT,
        answer="digest",
        digest="md5",
    )
    callers = Callers([point], Figures(), lambda: 1000.0, lambda: 0.0)
    refusal = callers.admit(invite("codec"), ("192.0.2.20", 5060))
    assert isinstance(refusal, Refusal)
    assert [value.count("MD5") for _, value in refusal.headers] == [1]


def test_other_answers_are_not() -> None:
    digest = Digest("cau", b"k" * 32)
    challenge = digest.challenges(1000.0)[0]
    header = answered(challenge)
    assert verdict(digest, answered(challenge, "wrong")) == "wrong"
    assert verdict(digest, header, 1000.0 + NONCE_SECONDS + 1) == "stale"
    assert verdict(Digest("cau", b"o" * 32), header) == "stale"
    assert verdict(Digest("other", b"k" * 32), header) == "missing"
    assert digest.verdict(header, "BYE", "khoan-du", "right", 1000.0) == "wrong"
    assert digest.verdict(header, "INVITE", "chi-ne", "right", 1000.0) == "wrong"
    for broken in ("", "Basic abc", "Digest", "Digest nonce=x", header.replace("nc=0", "nc=z")):
        assert verdict(digest, broken) in ("missing", "stale", "wrong")
    assert verdict(digest, header * 100) == "missing"


def test_whoever_guesses_waits_longer_and_longer() -> None:
    budgets = Budgets()
    waits = []
    for _ in range(6):
        budgets.wrong("192.0.2.66", 0.0)
        waits.append(budgets.may_guess("192.0.2.66", 0.0))
    assert waits == [0.0, 0.0, 5.0, 10.0, 20.0, 40.0]
    assert budgets.may_guess("192.0.2.67", 0.0) == 0.0
    budgets.right("192.0.2.66")
    assert budgets.may_guess("192.0.2.66", 0.0) == 0.0


def test_budgets_of_a_source_and_of_all() -> None:
    budgets = Budgets()
    assert sum(budgets.call("192.0.2.66", 0.0) for _ in range(100)) == 5
    assert budgets.call("192.0.2.67", 0.0)
    assert budgets.call("192.0.2.66", 2.0)
    everybody = Budgets()
    assert sum(everybody.call(f"192.0.2.{n}", 0.0) for n in range(200)) == 25
    assert sum(budgets.message("192.0.2.66", 0.0) for _ in range(1000)) == 200


def invite(user: str, authorization: str = "") -> SipRequest:
    text = (
        f"INVITE {URI} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
        f"From: <sip:{user}@192.0.2.20>;tag=1\r\nTo: <{URI}>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
    )
    if authorization:
        text += f"Authorization: {authorization}\r\n"
    message = SipMessage.parse(text + "\r\n")
    assert isinstance(message, SipRequest)
    return message


def codec(ident: str, address: str, **more: str) -> CodecPoint:
    return CodecPoint(
        id=ident,
        key="k",
        name=ident,
        uri=f"sip:codec-{ident}@{address}",
        encryption="none",
        **more,  # type: ignore[arg-type]
    )


def test_codecs_that_all_have_one_user_are_told_apart_by_their_addresses() -> None:
    points = [
        CodecPoint(
            id=ident, key="k", name=ident, uri=f"sip:codec@192.0.2.{last}", encryption="none"
        )
        for last, ident in ((20, "khoan-du"), (21, "chi-ne"))
    ]
    callers = Callers(points, Figures(), lambda: 1000.0, lambda: 1000.0)
    callers.locate([("khoan-du", "192.0.2.20"), ("chi-ne", "192.0.2.21")])
    assert callers.admit(invite("codec"), ("192.0.2.20", 5060)) == Caller("khoan-du")
    assert callers.admit(invite("codec"), ("192.0.2.21", 5060)) == Caller("chi-ne")
    assert isinstance(callers.admit(invite("codec"), ("192.0.2.99", 5060)), Refusal)
    assert callers.admit(invite("chi-ne"), ("192.0.2.21", 5060)) == Caller("chi-ne")


def test_who_gives_no_name_is_who_has_the_address() -> None:
    """A codec whose URI has no user is not everybody who gives none."""
    unnamed = CodecPoint(
        id="khoan-du", key="k", name="Khoan Dụ", uri="sip:192.0.2.20", encryption="none"
    )
    callers = Callers(
        [unnamed, codec("chi-ne", "192.0.2.21")], Figures(), lambda: 1000.0, lambda: 1000.0
    )
    callers.locate([("khoan-du", "192.0.2.20"), ("chi-ne", "192.0.2.21")])
    nameless = invite("x")
    nameless.headers.set_single("From", "<sip:192.0.2.1>;tag=1")
    assert callers.admit(nameless, ("192.0.2.20", 5060)) == Caller("khoan-du")
    assert callers.admit(nameless, ("192.0.2.21", 5060)) == Caller("chi-ne")


def test_who_may_call() -> None:
    figures = Figures()
    callers = Callers(
        [
            codec("khoan-du", "192.0.2.20"),
            codec("chi-ne", "192.0.2.21", answer="digest", password="right", user="khoan-du"),
            codec("an-binh", "192.0.2.22", answer="nobody"),
            codec("yen-bong", "192.0.2.23", answer="digest"),
        ],
        figures,
        lambda: 1000.0,
        lambda: 1000.0,
    )
    callers.locate([("khoan-du", "192.0.2.20"), ("chi-ne", "192.0.2.21")])
    here, elsewhere = ("192.0.2.20", 5060), ("192.0.2.99", 5060)
    assert callers.admit(invite("khoan-du"), here) == Caller("khoan-du")
    assert callers.admit(invite("codec-khoan-du"), here) == Caller("khoan-du")
    assert callers.admit(invite("anybody"), here) == Caller("khoan-du")  # the only one there
    for user, source in (("khoan-du", elsewhere), ("nobody", elsewhere), ("an-binh", here)):
        refused = callers.admit(invite(user), source)
        assert isinstance(refused, Refusal)
        assert refused.status == 403
    assert figures.refused["stranger"] == 3
    challenged = callers.admit(invite("chi-ne"), elsewhere)
    assert isinstance(challenged, Refusal)
    assert challenged.status == 401
    challenge = challenged.headers[0][1]
    assert callers.admit(invite("chi-ne", answered(challenge)), elsewhere) == Caller("chi-ne")
    # Without a password nobody proves anything, not even the empty one.
    empty = answered(challenge, "", 2)
    refused = callers.admit(invite("yen-bong", empty), elsewhere)
    assert isinstance(refused, Refusal)
    for _ in range(2):
        callers.admit(invite("chi-ne", answered(challenge, "wrong", 3)), elsewhere)
    throttled = callers.admit(invite("chi-ne", answered(challenge, "right", 4)), elsewhere)
    assert isinstance(throttled, Refusal)
    assert throttled.status == 503
    assert figures.refused["throttled"] == 1
