"""Offers: captured ones, broken ones, and any text at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import messages as m
from bridge.signalling.answer import ROOM_SOURCES, Local, negotiate
from bridge.signalling.sdp import MAX_SDP, SdpError, parse

FIXTURES = Path(__file__).parent / "fixtures"
CHROMIUM = (FIXTURES / "chromium-room.sdp").read_bytes().decode()
AIORTC = (FIXTURES / "aiortc-point.sdp").read_bytes().decode()
VIDEO = ("programme", "thumb:a", "thumb:b", "content")
AUDIO = ("audio:0", "audio:1")


def local(codec: m.Codec = "vp8") -> Local:
    numbers = iter(range(100, 10_000))
    return Local(
        ufrag="bridgeufrag",
        password="bridge-password-of-32-characters",
        fingerprint=m.Fingerprint(algorithm="sha-256", value="AB:CD"),
        addresses=(m.MediaAddress(host="192.0.2.10", port=5004),),
        video_codec=codec,
        random_ssrc=lambda: next(numbers),
    )


def answer(text: str, *, may_send: bool = True, codec: m.Codec = "vp8") -> tuple[m.Open, str]:
    return negotiate(
        parse(text, max_media=20),
        transport="t",
        label="l",
        video_slots=VIDEO,
        audio_slots=AUDIO,
        sources=ROOM_SOURCES if may_send else {},
        local=local(codec),
    )


def test_chromium() -> None:
    spec, text = answer(CHROMIUM)
    microphone, camera, content = spec.sources
    assert (microphone.name, microphone.codec) == ("microphone", "opus")
    assert (camera.name, camera.rids) == ("camera", ("q", "h", "f"))
    assert camera.rtx_payload_type
    assert (content.name, content.rids) == ("content", ())
    assert len(content.ssrcs) == 1
    assert content.ssrcs[0].rtx_ssrc
    assert [s.name for s in spec.slots] == [*VIDEO, *AUDIO]
    assert spec.extensions.transport_cc
    assert spec.extensions.rid
    assert spec.extensions.audio_level
    assert "a=ice-lite" in text
    assert text.count("a=setup:passive") == 9
    assert "a=simulcast:recv q;h;f" in text
    assert text.count("a=sendonly") == 6
    assert "a=candidate:1 1 udp 2130706175 192.0.2.10 5004 typ host" in text
    # Redundant sound both ways: first where the browser sends, after Opus where it receives.
    assert (microphone.payload_type, microphone.red_payload_type) == (111, 63)
    assert text.count("a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n") == 3
    assert text.count("m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n") == 1
    assert text.count("m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n") == 2
    assert {s.red_payload_type for s in spec.slots if s.kind == "audio"} == {63}
    assert {s.red_payload_type for s in spec.slots if s.kind == "video"} == {0}
    for slot in spec.slots:
        assert f"a=ssrc:{slot.ssrc} cname:bridge-t" in text


def test_chromium_with_h264() -> None:
    spec, text = answer(CHROMIUM, codec="h264")
    assert {s.codec for s in spec.slots if s.kind == "video"} == {"h264"}
    for line in re.findall(r"a=fmtp:\d+ level-asymmetry.*", text):
        assert "packetization-mode=1" in line
        assert "profile-level-id=42e0" in line


def test_aiortc() -> None:
    spec, text = answer(AIORTC)
    assert [s.name for s in spec.sources] == ["microphone", "camera"]
    assert spec.sources[1].rids == ()
    assert spec.sources[1].ssrcs[0].rtx_ssrc
    assert not spec.extensions.transport_cc
    assert spec.extensions.abs_send_time
    assert "transport-cc" not in text
    assert "goog-remb" in text
    assert {s.red_payload_type for s in spec.sources + spec.slots} == {0}


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("a=fmtp:63 111/111", "a=fmtp:63 111/0"),  # of another codec as well
        ("a=fmtp:63 111/111", "a=fmtp:63 63/63"),  # of itself
        ("a=fmtp:63 111/111", "a=x"),
        ("a=rtpmap:63 red/48000/2", "a=rtpmap:63 red/8000"),
        ("a=rtpmap:63 red/48000/2", "a=x"),
        (" 111 63 ", " 111 "),  # mapped, and not in the media line
    ],
)
def test_other_redundancy_is_not_agreed_to(line: str, instead: str) -> None:
    assert line in CHROMIUM
    spec, text = answer(CHROMIUM.replace(line, instead))
    assert {s.red_payload_type for s in spec.sources + spec.slots} == {0}
    assert "red/" not in text


def test_both_channels_are_taken_where_they_are_offered() -> None:
    """RFC 7587 section 6.1: who offers stereo, a codec that is put through, gets it."""
    assert "stereo" not in answer(CHROMIUM)[1]
    offered = CHROMIUM.replace("useinbandfec=1", "useinbandfec=1;stereo=1", 1)
    assert answer(offered)[1].count("useinbandfec=1;stereo=1") == 1


def test_viewers_may_not_send() -> None:
    spec, text = answer(CHROMIUM, may_send=False)
    assert spec.sources == ()
    assert "a=recvonly" not in text
    assert "m=video 0 " in text


def without(pattern: str, text: str = CHROMIUM) -> str:
    changed = re.sub(pattern, "", text)
    assert changed != text
    return changed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The SDP is empty."),
        ("\n \r\n", "The SDP is empty."),
        ("hello", "The SDP does not begin with v=0."),
        ("v=0\r\nrubbish", "Line 2 of the SDP is not of the form x=…."),
        ("v=0\r\ns=-\r\n", "The SDP has no media lines."),
        ("v=0\r\n" + "x" * (1 << 20), f"The SDP is larger than {MAX_SDP // 1024} KiB."),
        ("v=0\n" + "a=x\n" * 30_000, "The SDP has more than 20000 lines."),
        ("v=0\r\na=" + "x" * 5000, "Line 2 of the SDP is longer than 4096 characters."),
        ("v=0\r\nm=audio", "The media line 2 of the SDP is incomplete."),
        ("v=0\r\nm=text 9 RTP/AVP 0", "The media line 2 of the SDP is neither audio nor video."),
        ("v=0\r\nm=audio 99999 RTP/AVP 0", "Line 2 of the SDP has a number that cannot be read."),
        ("v=0\r\nm=audio 9 RTP/AVP ²", "Line 2 of the SDP has a number that cannot be read."),
        (
            "v=0\r\n" + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n" * 200,
            "The SDP has more than 20 media lines.",
        ),
        (without(r"a=fingerprint:.*\r\n"), "The SDP has no fingerprint."),
        (
            re.sub(r"a=fingerprint:sha-256 .*", "a=fingerprint:md5 AA", CHROMIUM),
            "The fingerprint must use sha-256, sha-384 or sha-512.",
        ),
        (
            re.sub(r"a=fingerprint:sha-256 .*", "a=fingerprint:sha-256 AA:BB", CHROMIUM),
            "The fingerprint is not a digest of its algorithm.",
        ),
        (without(r"a=ice-ufrag:.*\r\n"), "The SDP has no usable ice-ufrag."),
        (without(r"a=ice-pwd:.*\r\n"), "The SDP has no usable ice-pwd."),
        (
            CHROMIUM.replace("a=setup:actpass", "a=setup:passive"),
            "The bridge is the DTLS server: a=setup must be actpass or active.",
        ),
        (without(r"a=mid:1\r\n"), "Every media line needs a mid of its own."),
        (
            CHROMIUM.replace("a=mid:1\r\n", "a=mid:0\r\n"),
            "Every media line needs a mid of its own.",
        ),
        (without(r"a=group:BUNDLE.*\r\n"), "All media lines must be in one BUNDLE group."),
        (
            CHROMIUM.replace("a=rtcp-mux\r\n", "a=x\r\n" * 300),
            "Section 1 of the SDP is too long.",
        ),
        (
            CHROMIUM.replace("a=rtcp-mux\r\n", "a=rtcp-fb:* nack\r\n" * 9, 1),
            "Line 31 of the SDP is one rtcp-fb:* too many.",
        ),
        (without(r"a=rtcp-mux\r\n"), "RTCP must be multiplexed with RTP (a=rtcp-mux)."),
        (
            CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
            "Media must use UDP/TLS/RTP/SAVPF.",
        ),
        (without(r"a=rtpmap:\d+ opus.*\r\n"), "The offer lacks the codec OPUS on line '0'."),
        (without(r"a=rtpmap:\d+ VP8.*\r\n"), "The offer lacks the codec VP8 on line '1'."),
        (
            re.sub(r"a=(sendonly|recvonly)", "a=inactive", CHROMIUM),
            "The offer neither sends nor receives anything that the bridge knows.",
        ),
        (
            CHROMIUM.replace("a=extmap:4 ", "a=extmap:1 ", 1),
            "A header extension has two ids inside one BUNDLE group.",
        ),
    ],
)
def test_broken_offers(text: str, sentence: str) -> None:
    with pytest.raises(SdpError) as caught:
        answer(text)
    assert str(caught.value) == sentence


LINES = CHROMIUM.split("\r\n")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_mutation_is_an_answer_or_a_sentence(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "cut", "junk", "number"])):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
            case "junk":
                lines[at] += data.draw(st.text(max_size=20))
            case "number":
                lines[at] = re.sub(r"\d+", "4294967296", lines[at])
        if not lines:
            break
    sentence = "."
    try:
        answer("\r\n".join(lines))
    except SdpError as error:
        sentence = str(error)
    assert sentence.endswith(".")


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    with pytest.raises(SdpError):
        parse("v=0\r\n" + text.replace("m=", "x="), max_media=20)
