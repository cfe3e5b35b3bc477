"""Sound of a codec and back, by the tone that arrives; keys that are pressed."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.media import rtp
from bridge.programme.mixer import BLOCK, Voice
from bridge.sip.flow.dtmf import Events, Keypad, key_of_info
from bridge.sip.flow.streams import Rewriter
from bridge.sip.flow.voice_coder import QUIETEST, FromCodec, OpusStream, ToCodec, level_of
from endpoints.webrtc import tone
from endpoints.webrtc.tracks import encoded_tone

CLOCKS = {"PCMA": 8000, "PCMU": 8000, "G722": 8000, "OPUS": 48_000}
FIRST, SECOND = 5, 8


@pytest.mark.parametrize("codec", CLOCKS)
def test_two_voices_are_mixed_for_a_codec_and_come_back_as_opus(codec: str) -> None:
    clock = CLOCKS[codec]
    to_codec, from_codec = ToCodec(codec, 0.0), FromCodec(codec, clock)
    voices = {7: encoded_tone(FIRST), 9: encoded_tone(SECOND)}
    back, levels, times = Voice(), [], []
    heard = np.zeros(0)
    for step in range(30):
        now = step * 0.02
        for ssrc, packets in voices.items():
            packet = rtp.build(
                payload_type=96,
                sequence_number=step,
                timestamp=BLOCK * step,
                ssrc=ssrc,
                payload=packets[step % len(packets)],
            )
            to_codec.lay(packet, now)
        for timestamp, payload in to_codec.take(now):
            for time, opus, level in from_codec.take(payload, timestamp):
                heard = np.concatenate([heard, back.decode(opus)])
                levels.append(level)
                times.append(time)
    window = heard[-tone.WINDOW :].astype(np.float64) * 32768
    assert tone.detect_mixed(window, range(1, 20)) == {FIRST, SECOND}
    assert 5 < levels[-1] < 20
    assert times == [BLOCK * n for n in range(len(times))]


def test_a_pause_of_the_codec_moves_its_clock_and_says_nothing() -> None:
    stream = FromCodec("PCMA", 8000)
    quiet = bytes([0xD5]) * 160
    first = stream.take(quiet, 1000)
    after = stream.take(quiet * 2, 1000 + 8000)
    assert first == []  # the resampler keeps some samples back
    assert abs(after[0][0] - 48_000) < 100
    assert after[0][2] >= 60  # nearly silent: the quietest step of A-law


def test_a_packet_to_the_bridge_has_the_level_of_its_voice() -> None:
    stream = OpusStream(Rewriter(0x1234, 96, 48_000), 1)
    packet = stream.packet(960, b"opus", 17, 1.0)
    at, length = rtp.find_extension(packet, 1)
    assert (packet[at], length, rtp.payload(packet)) == (0x80 | 17, 1, b"opus")
    assert level_of(np.zeros(BLOCK, np.float32)) == QUIETEST
    assert level_of(np.ones(BLOCK, np.float32)) == 0


def test_broken_payloads_are_silence() -> None:
    for codec, clock in CLOCKS.items():
        stream = FromCodec(codec, clock)
        stream.take(b"\xff", 0)
        stream.take(b"", 5)


def test_a_key_counts_once_although_its_packets_are_repeated() -> None:
    events = Events()
    assert [events.take(bytes([11, 0x0A, 0, 160]), 500) for _ in range(3)] == ["#", "", ""]
    assert events.take(bytes([1, 0x0A, 0, 160]), 900) == "1"
    assert events.take(bytes([99, 0, 0, 0]), 950) == ""
    assert events.take(b"\1", 990) == ""


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("application/dtmf-relay", "Signal=1\r\nDuration=160\r\n", "1"),
        ("application/dtmf-relay", "Signal= *\nDuration= 250\n", "*"),
        ("application/dtmf-relay", "Signal=11\r\n", "#"),
        ("application/dtmf", "6", "6"),
        ("application/dtmf", "66", ""),
        ("application/dtmf-relay", "Signal=rm -rf\r\n", ""),
        ("text/plain", "1", ""),
    ],
)
def test_keys_in_info(kind: str, text: str, key: str) -> None:
    assert key_of_info(kind, text) == key


def test_what_keys_mean() -> None:
    pad = Keypad()
    assert pad.press("1", 0.0) == "floor"
    assert pad.press("*", 1.0) is None
    assert pad.press("6", 2.0) == "mute"
    assert pad.press("*", 10.0) is None
    assert pad.press("6", 20.0) == "mute"  # the star was forgotten; the key alone means the same
    assert pad.press("9", 21.0) is None
