"""Metrics of media: packets, repair, and what receivers report. Pure."""

from __future__ import annotations

from monitoring.exposition.label_sets import DIRECTION, KIND, POINT
from monitoring.exposition.metric import Metric, counter, gauge

PICTURE = {"direction": ("down",), "kind": ("video",)}
STREAMS = (POINT, DIRECTION, KIND)

MEDIA: tuple[Metric, ...] = (
    counter("media_packets_total", *STREAMS).help(
        "RTP packets from a point (up) and to it (down)."
    ),
    counter("media_bytes_total", *STREAMS).help("RTP payload from a point and to it."),
    counter("media_packets_lost_total", *STREAMS).help(
        "RTP packets lost: gaps not filled (up), as receivers report (down)."
    ),
    counter("media_nacks_total", *STREAMS).help(
        "Packets asked for again: of the point (up), by the point (down)."
    ),
    counter("media_rtx_packets_total", *STREAMS).help(
        "Packets recovered by retransmission (up), retransmitted (down)."
    ),
    counter("media_key_frame_requests_total", *STREAMS, kind=("video", "content")).help(
        "Key frames asked of the point (up), asked for by the point (down)."
    ),
    gauge("media_layer", POINT, DIRECTION).help(
        "Simulcast layers that arrive (up); the layer in the programme slot, 1 the lowest "
        "(down); 0: none."
    ),
    gauge("media_bitrate_estimate_bytes_per_second", POINT).help(
        "What the point's line is found to carry downstream; 0 where not known."
    ),
    gauge("media_share_bytes_per_second", POINT, DIRECTION).help(
        "What links give the point in its conference; 0 outside of conferences."
    ),
    gauge("media_used_bytes_per_second", POINT, DIRECTION).help(
        "What the point is sent (down) and sends (up) now, with headers."
    ),
    gauge("media_paused_slots", POINT).help(
        "Pictures that the point is not sent because its line or a link carries no more."
    ),
    gauge("media_starved", POINT).help(
        "1 while the point is not even sent the programme for that reason: sound only."
    ),
    gauge("media_redundancy_frames", POINT, DIRECTION).help(
        "Earlier frames that the sound to the point (down) or from it (up) repeats (RED)."
    ),
    gauge("media_rtt_seconds", POINT).help("Round trip by RTCP; 0 where not known."),
    gauge("media_frozen_ratio", *STREAMS, **PICTURE).help(
        "Share of the last 10 seconds that the programme stood still at the point."
    ),
    counter("media_frozen_seconds_total", *STREAMS, **PICTURE).help(
        "Time that the programme stood still at the point."
    ),
    gauge("media_frame_rate", *STREAMS, **PICTURE).help(
        "Frames a second of the programme shown at the point."
    ),
    gauge("media_frame_height_pixels", *STREAMS, **PICTURE).help(
        "Lines of the programme shown at the point."
    ),
    gauge("media_concealed_ratio", *STREAMS, direction=("down",), kind=("audio",)).help(
        "Share of the sound of the last 10 seconds that the point's browser made up."
    ),
    gauge("media_audio_level_decibels", *STREAMS, direction=("up",), kind=("audio",)).help(
        "Level of the point's microphone, dBov: 0 loud, -127 silent."
    ),
)
