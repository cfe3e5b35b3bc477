"""What the comparison with other SFUs makes of its rows, and whom it measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers import plain_sdp
from benchmarks.peers.__main__ import OTHERS, table
from benchmarks.peers.programs import Programs


def row(sfu: str, rate: int, cost: float, lost: int = 0) -> dict[str, Any]:
    return {
        "sfu": sfu,
        "name": "Janus" if sfu == "janus" else "Điểm Cầu",
        "version": "1.1.2" if sfu == "janus" else "",
        "packets_per_second": rate,
        "cpu_us_per_packet": cost,
        "lost": lost,
        "expected": 1000,
    }


def test_medians_with_their_range_one_line_for_each() -> None:
    rows = [row("compiled", 6600, cost) for cost in (11.0, 9.0, 30.0)]
    rows += [row("compiled", 26400, 4.0), row("janus", 6600, 28.0, lost=13)]
    assert table(rows).splitlines() == [
        "| µs of CPU per packet | 6,600/s | 26,400/s |",
        "|---|---|---|",
        "| Điểm Cầu, compiled | 11.0 (9.0–30.0) | 4.0 (4.0–4.0) |",
        "| Janus 1.1.2 | 28.0 (28.0–28.0, up to 1.3 % lost) |  |",
    ]


def test_only_what_was_found_is_measured() -> None:
    assert Programs().found == []
    everything = Programs(
        janus=Path("a"),
        mediasoup=Path("b"),
        livekit=Path("c"),
        galene=Path("d"),
        galene_static=Path("e"),
    )
    assert set(everything.found) == set(OTHERS)
    assert Programs(galene=Path("d")).found == [], "its static folder is needed, too"


def test_no_address_but_loopback_is_taken_from_a_description() -> None:
    lines = (
        "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host",
        "a=candidate:1 1 tcp 1 127.0.0.1 5001 typ host",
        "a=candidate:1 1 udp 1 127.0.0.1 5002 typ host",
    )
    text = "\r\n".join(["v=0", "m=video 9 UDP/TLS/RTP/SAVPF 96", *lines, ""])
    assert plain_sdp.parse(text).candidates() == [("127.0.0.1", 5002)]
