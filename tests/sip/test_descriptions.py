"""Offers and answers: of codecs as they are, and of broken ones."""

from __future__ import annotations

import base64
import contextlib

import pytest
from aiosipua import serialize_sdp
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sip.wire.agreeing import agreed, answer, offer
from bridge.sip.wire.picture_formats import Format, level_for, read_format
from bridge.sip.wire.session_descriptions import KEY_SIZE, MediaError, Own, Side, read

KEY = bytes(range(KEY_SIZE))
OLD = """v=0
o=hdx 1 1 IN IP4 192.0.2.20
s=-
c=IN IP4 192.0.2.20
b=AS:768
t=0 0
m=audio 49200 RTP/AVP 115 9 15 0 8 101
a=rtpmap:115 G7221/32000
a=fmtp:115 bitrate=48000
a=rtpmap:15 G728/8000
a=rtpmap:101 telephone-event/8000
m=video 49202 RTP/AVP 34 96 109
a=rtpmap:34 H263/90000
a=fmtp:34 CIF4=2;CIF=1
a=rtpmap:96 H263-1998/90000
a=rtpmap:109 H264/90000
a=fmtp:109 PROFILE-LEVEL-ID=42801E; max-mbps = 40500
a=sendrecv
m=application 49204 RTP/AVP 100
a=rtpmap:100 H224/4800
m=video 49206 RTP/AVP 109
a=content:slides
a=rtpmap:109 H264/90000
"""


def side(**changed: object) -> Side:
    values = {
        "address": "192.0.2.10",
        "audio": Own(16384, KEY),
        "video": Own(16386, KEY[::-1]),
        "session": 7,
    }
    return Side(**(values | changed))  # type: ignore[arg-type]


def test_an_old_codec_gets_what_it_can_do() -> None:
    made, found = answer(side(), read(OLD))
    assert found.audio is not None
    assert found.video is not None
    assert (found.audio.codec, found.audio.event_type) == ("G722", 101)
    assert found.audio.address == ("192.0.2.20", 49200)
    assert found.audio.rtcp == ("192.0.2.20", 49201)
    assert (found.video.payload_type, found.video.format.mode, found.video.format.level) == (
        109,
        0,
        30,
    )
    assert found.video.feedback == frozenset()
    text = serialize_sdp(made)
    assert [line.split()[1] for line in text.splitlines() if line.startswith("m=")] == [
        "16384",
        "16386",
        "0",
        "0",
    ]
    assert "packetization-mode=0" in text


def test_both_sides_of_ours_agree_with_each_other() -> None:
    for encryption in ("none", "sdes", "dtls"):
        one = side(encryption=encryption, fingerprint=":".join(["AB"] * 32))
        other = side(encryption=encryption, fingerprint=":".join(["CD"] * 32), address="192.0.2.11")
        offered = read(serialize_sdp(offer(one)))
        made, theirs = answer(other, offered)
        ours = agreed(one, read(serialize_sdp(made)))
        for line in (ours.audio, ours.video, theirs.audio, theirs.video):
            assert line is not None
            assert line.mux
        assert ours.video is not None
        assert theirs.video is not None
        assert ours.video.format.mode == theirs.video.format.mode == 1
        assert theirs.video.feedback == {"pli", "fir"}
        assert ours.video.remote_key == (KEY[::-1] if encryption == "sdes" else b"")
        assert (ours.video.active, theirs.video.active) == (encryption == "dtls", False)


def crypto(**changed: str) -> str:
    values = {"suite": "AES_CM_128_HMAC_SHA1_80", "key": base64.b64encode(KEY).decode(), "more": ""}
    values |= changed
    line = f"a=crypto:4 {values['suite']} inline:{values['key']}{values['more']}"
    return (
        "v=0\no=- 1 1 IN IP4 192.0.2.20\ns=-\nc=IN IP4 192.0.2.20\nt=0 0\n"
        f"m=audio 4000 RTP/SAVP 8\n{line}\n"
    )


def test_keys_are_taken_where_they_can_be() -> None:
    made, found = answer(side(encryption="sdes"), read(crypto(more="|2^31|1:1 FEC_ORDER=FEC_SRTP")))
    assert found.audio is not None
    assert found.audio.remote_key == KEY
    assert "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" in serialize_sdp(made)


@pytest.mark.parametrize(
    "changed",
    [
        {"suite": "F8_128_HMAC_SHA1_80"},
        {"key": "AAAA"},
        {"key": "!!"},
        {"more": " UNENCRYPTED_SRTP"},
    ],
)
def test_keys_that_cannot_be_used_end_the_call(changed: dict[str, str]) -> None:
    with pytest.raises(MediaError):
        answer(side(encryption="sdes"), read(crypto(**changed)))


def test_encryption_is_as_it_is_set_and_never_less() -> None:
    for encryption in ("sdes", "dtls"):
        with pytest.raises(MediaError):
            answer(side(encryption=encryption), read(OLD))
    with pytest.raises(MediaError):
        answer(side(), read(crypto()))


@pytest.mark.parametrize(
    ("fmtp", "format_"),
    [
        ("", Format("4200", 10, 0)),
        ("profile-level-id=42e01f;packetization-mode=1", Format("42e0", 31, 1)),
        ("packetization-mode=1;profile-level-id=640028", Format("6400", 40, 1)),
        ("Profile-Level-Id=4D0014 ;Max-FS=1620;max-mbps=40500", Format("4d00", 20, 0, 1620, 40500)),
        ("profile-level-id=zzz;packetization-mode=9;;=;max-fs=-3", Format("4200", 10, 0)),
        ("profile-level-id=42c01f", Format("42e0", 31, 0)),
        ("profile-level-id=42e0ff", Format("42e0", 51, 0)),
    ],
)
def test_formats_are_read_however_they_are_written(fmtp: str, format_: Format) -> None:
    assert read_format(fmtp) == format_


def test_levels_and_sizes() -> None:
    assert level_for(1280, 720, 30) == 31
    assert level_for(352, 288, 30) == 13
    assert Format(level=31).takes(1280, 720, 30)
    assert not Format(level=30).takes(1280, 720, 30)
    assert Format(level=12).largest(720, 30) == (176, 144)
    assert Format(level=13).largest(720, 30) == (320, 180)
    assert Format(level=13, max_frame=3600, max_rate=108_000).largest(720, 30) == (1280, 720)


def test_hold_is_understood_in_both_ways() -> None:
    held = OLD.replace("c=IN IP4 192.0.2.20", "c=IN IP4 0.0.0.0")
    _, found = answer(side(), read(held))
    assert found.audio is not None
    assert (found.audio.sends, found.audio.receives) == (False, False)
    _, found = answer(side(), read(OLD.replace("a=sendrecv", "a=sendonly")))
    assert found.video is not None
    assert (found.video.sends, found.video.receives) == (True, False)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from(OLD.splitlines() + crypto().splitlines())
        | st.text("amvcbtso=: /0123456789-;", max_size=30),
        max_size=30,
    )
)
def test_whatever_is_offered_nothing_else_is_raised(lines: list[str]) -> None:
    for encryption in ("none", "sdes"):
        with contextlib.suppress(MediaError):
            made, _ = answer(side(encryption=encryption), read("\n".join(lines)))
            serialize_sdp(made)
