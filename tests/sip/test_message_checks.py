"""Messages as RFC 4475 describes them, in words of our own: what can be used passes, everything
else has the status that is due, or is dropped. Nothing raises."""

from __future__ import annotations

import pytest
from aiosipua import SipRequest, SipResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sip.wire.message_checks import MAX_MESSAGE, Fault, examine

BODY = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"


def invite(
    *, line: str = "INVITE sip:cau@192.0.2.1 SIP/2.0", body: str = BODY, **changed: str
) -> bytes:
    """An INVITE; ``changed`` replaces headers ("" leaves one out; _ stands for -)."""
    headers = {
        "Via": "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-77",
        "From": '"Phòng họp" <sip:khoan-du@192.0.2.7>;tag=a1',
        "To": "<sip:cau@192.0.2.1>",
        "Call-ID": "c-1@192.0.2.7",
        "CSeq": "7 INVITE",
        "Contact": "<sip:khoan-du@192.0.2.7:5060>",
        "Max-Forwards": "70",
        "Content-Type": "application/sdp",
        "Content-Length": str(len(body.encode())),
    }
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [line, *(f"{name}: {value}" for name, value in headers.items() if value)]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


USED = {
    "as usual": invite(),
    "short names and folded lines": invite(Via="", Call_ID="").replace(
        b"\r\n\r\n",
        b"\r\nv:  SIP / 2.0  / UDP\r\n 192.0.2.7;branch=z9hG4bKx\r\ni: c-2\r\n\r\n",
        1,
    ),
    "escaped characters": invite(From='"a \\"b\\" c" <sip:k%6F@192.0.2.7>;tag=1'),
    "more octets than the body has": invite() + b"INVITE sip:other SIP/2.0\r\n",
    "a semicolon in the user": invite(line="INVITE sip:user;par=u%40x@192.0.2.1 SIP/2.0"),
    "an address without brackets": invite(From="sip:khoan-du@192.0.2.7;tag=1"),
    "many unknown headers": invite(**{f"X_{n}": "y" * 90 for n in range(60)}),
    "an IPv6 contact": invite(Contact="<sip:k@[2001:db8::7]:5060>"),
    "no Max-Forwards": invite(Max_Forwards=""),
}
REFUSED = {
    "two request lines' spaces": (invite(line="INVITE  sip:cau@192.0.2.1 SIP/2.0"), 400),
    "a space at the end of the line": (invite(line="INVITE sip:cau@192.0.2.1 SIP/2.0  "), 400),
    "brackets around the URI": (invite(line="INVITE <sip:cau@192.0.2.1> SIP/2.0"), 400),
    "a space within the URI": (invite(line="INVITE sip:cau@192.0.2.1; lr SIP/2.0"), 400),
    "another version": (invite(line="INVITE sip:cau@192.0.2.1 SIP/7.0"), 505),
    "a scheme that nobody knows": (invite(line="INVITE nobody:what SIP/2.0"), 416),
    "a telephone number": (invite(line="INVITE tel:+84218 SIP/2.0"), 416),
    "a method that nobody knows": (
        invite(line="NEWTHING sip:cau@192.0.2.1 SIP/2.0", CSeq="7 NEWTHING"),
        405,
    ),
    "a CSeq of another method": (invite(CSeq="7 OPTIONS"), 400),
    "a CSeq beyond its range": (invite(CSeq="36893488147419103232 INVITE"), 400),
    "a length that is negative": (invite(Content_Length="-999"), 400),
    "a length beyond the message": (invite(Content_Length="9999"), 400),
    "a length twice": (invite().replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n", 1), 400),
    "quotes that never end": (invite(From='"Phòng <sip:k@192.0.2.7>;tag=1'), 400),
    "From twice": (invite().replace(b"\r\nTo:", b"\r\nf: <sip:x@192.0.2.9>\r\nTo:", 1), 400),
    "no From": (invite(From=""), 400),
    "no Call-ID": (invite(Call_ID=""), 400),
    "no contact": (invite(Contact=""), 400),
    "a contact that is no SIP URI": (invite(Contact="<http://192.0.2.7>"), 400),
    "a contact with a broken host": (invite(Contact="<sip:k@192.0.2.7:99999999>"), 400),
    "no branch": (invite(Via="SIP/2.0/UDP 192.0.2.7:5060"), 400),
    "a branch that is only the cookie": (invite(Via="SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK"), 400),
    "hops used up": (invite(Max_Forwards="0"), 483),
    "too many hops": (invite(Max_Forwards="300"), 400),
    "an extension that is required": (invite(Require="nothingSupportsThis"), 420),
    "one that a proxy would need": (invite(Proxy_Require="noProxiesSupportThis"), 420),
    "a body of another kind": (invite(Content_Type="application/unknownformat"), 415),
    "a body that is packed": (invite(Content_Encoding="gzip"), 415),
    "a body that is too large": (invite(body="v" * 9000), 513),
}
DROPPED = {
    "nothing": b"\0\1\2\3",
    "no way back": invite(Via=""),
    "a way back over something else": invite(Via="HTTP/1.1/TCP 192.0.2.7;branch=z9hG4bKx"),
    "too large": invite(body="v" * MAX_MESSAGE),
    "300 headers": invite(**{f"X_{n}": "y" for n in range(300)}),
    "a broken ACK": invite(line="ACK sip:cau@192.0.2.1 SIP/2.0", CSeq="x ACK"),
    "an ACK of nobody": invite(line="ACK sip:cau@192.0.2.1 SIP/2.0", CSeq="7 ACK", From=""),
    "a status that there is not": b"SIP/2.0 4294967301 better not\r\n"
    b"Via: SIP/2.0/UDP h;branch=z\r\nCSeq: 1 INVITE\r\nCall-ID: x\r\n\r\n",
    "an answer for somebody else": b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
    b"Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\nCSeq: 1 INVITE\r\nCall-ID: x\r\n\r\n",
}


@pytest.mark.parametrize("name", USED)
def test_what_can_be_used_passes(name: str) -> None:
    assert isinstance(examine(USED[name]), SipRequest), examine(USED[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_is_answered_as_is_due(name: str) -> None:
    data, status = REFUSED[name]
    found = examine(data)
    assert isinstance(found, Fault)
    assert (found.status, found.request is None) == (status, False)


@pytest.mark.parametrize("name", DROPPED)
def test_what_cannot_be_answered_is_dropped(name: str) -> None:
    found = examine(DROPPED[name])
    assert isinstance(found, Fault)
    assert found.status == 0


def test_an_answer_without_a_reason_is_one() -> None:
    data = b"SIP/2.0 100 \r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
    data += b"CSeq: 1 INVITE\r\nCall-ID: x\r\n\r\n"
    assert isinstance(examine(data), SipResponse)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.integers(0, 400), st.binary(max_size=8)).map(
            lambda cut: invite()[: cut[0]] + cut[1] + invite()[cut[0] :]
        ),
    )
)
def test_whatever_the_octets_nothing_is_raised(data: bytes) -> None:
    assert isinstance(examine(data), SipRequest | SipResponse | Fault)
