"""Metrics of lines: what probes say of each direction. Pure."""

from __future__ import annotations

from monitoring.exposition.buckets import DELAYS
from monitoring.exposition.label_sets import DIRECTION, DSCP, LEVEL, LEVELS, POINT, RESULT, STATE
from monitoring.exposition.metric import Metric, counter, gauge, histogram

PROBES = (POINT, DIRECTION, DSCP)

LINES: tuple[Metric, ...] = (
    counter("probe_packets_total", *PROBES).help(
        "Probe packets that should have crossed the line in this direction."
    ),
    counter("probe_packets_lost_total", *PROBES).help("Probe packets lost in this direction."),
    counter("probe_packets_reordered_total", *PROBES).help("Probe packets that overtook another."),
    counter("probe_packets_duplicated_total", *PROBES).help("Probe packets that came twice."),
    counter("probe_packets_remarked_total", *PROBES).help(
        "Probe packets that arrived with another DSCP than they were sent with."
    ),
    counter("probe_bursts_total", *PROBES).help("Losses of two or more probe packets in a row."),
    histogram("probe_rtt_seconds", DELAYS, POINT, DSCP).help("Round trip of probe packets."),
    histogram("probe_delay_variation_seconds", DELAYS, *PROBES).help(
        "Delay of probe packets over the smallest of the last minute (RFC 5481, PDV)."
    ),
    histogram("probe_one_way_delay_seconds", DELAYS, *PROBES).help(
        "One-way delay of probe packets; counted only while both clocks are synchronised."
    ),
    gauge("probe_last_success_timestamp_seconds", POINT, DSCP).help(
        "When a probe packet last came back; 0: never."
    ),
    gauge("line_quality", POINT, DIRECTION).help(
        "Level shown to people: 4 good, 3 fair, 2 poor, 1 bad, 0 unknown."
    ),
    gauge("line_mos", POINT, DIRECTION).help(
        "Estimated mean opinion score, 1-5, a trend; 0 where not known."
    ),
    gauge("line_loss_ratio", POINT, DIRECTION).help(
        "Loss of the last 20 seconds, 0-1, the worse of probes and media."
    ),
    gauge("line_capacity_bytes_per_second", POINT, DIRECTION).help(
        "What the last readiness sweep measured of the line; 0: not measured."
    ),
    gauge("line_planned_bytes_per_second", POINT).help(
        "What the topology's links on the way give to the point's conferences."
    ),
    gauge("line_found_bytes_per_second", POINT).help(
        "What the line was found to carry where that is less than was asked of it: by a readiness "
        "sweep, or while pictures are paused for it; 0: all that was asked."
    ),
    counter(
        "line_seconds_total", POINT, STATE, state=("up", "down", "maintenance", "unknown")
    ).help("Time that the line was up, down, in maintenance, or not known."),
    counter("line_conference_seconds_total", POINT, DIRECTION, LEVEL, level=LEVELS).help(
        "Time in running conferences by the level of the line."
    ),
    counter(
        "prober_packets_total",
        RESULT,
        result=("stranger", "unknown", "unusable", "not_sent", "skipped"),
    ).help("What the prober did with packets of its own."),
    gauge("prober_lateness_seconds").help(
        "How late probe packets leave, 99th percentile of the last ones."
    ),
)
