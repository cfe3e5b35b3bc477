"""Offers of players that only receive."""

from __future__ import annotations

FINGERPRINT = ":".join(["AB"] * 32)
VP8 = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n"
VP8 += "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
OPUS = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"


def offer(
    kinds: str = "vvaaa", *, direction: str = "recvonly", ufrag: str = "abcd", tail: str = ""
) -> str:
    """An offer with a line for each letter (v: picture, a: sound)."""
    lines = [
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
        f"a=group:BUNDLE {' '.join(str(mid) for mid in range(len(kinds)))}\r\n",
    ]
    for mid, kind in enumerate(kinds):
        lines.append(VP8 if kind == "v" else OPUS)
        lines.append(
            f"c=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\n"
            f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{'p' * 24}\r\n"
            f"a=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:actpass\r\n"
        )
    return "".join(lines) + tail
