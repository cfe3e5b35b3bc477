"""The table of metrics, histograms, distributions and the text of a scrape."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exposition import catalogue
from monitoring.exposition.distributions import Distributions, Floor
from monitoring.exposition.histogram import Histogram
from monitoring.exposition.snapshot import Snapshot, UnknownSeries, exposition, keys_of
from tests.paths import ROOT

DOMAINS = {
    catalogue.POINT: ("an-binh", "khoan-du"),
    catalogue.WORKER: ("0",),
    catalogue.DIRECTION: catalogue.DIRECTIONS,
    catalogue.DSCP: ("46", "34", "0"),
    catalogue.KIND: catalogue.KINDS,
    catalogue.REASON: ("empty", "oversize"),
}
ALLOWED = {"point", "worker", "direction", "dscp", "kind", "state", "result", "reason", "level"}


def test_names_units_and_labels_follow_the_rules() -> None:
    assert len(catalogue.BY_NAME) == len(catalogue.METRICS)
    for metric in catalogue.METRICS:
        assert metric.name.startswith("diemcau_")
        assert metric.name.endswith("_total") == (metric.type == "counter"), metric.name
        assert metric.help.endswith("."), metric.name
        assert bool(metric.buckets) == (metric.type == "histogram"), metric.name
        if metric.unit:
            assert metric.unit in metric.name, metric.name
        extra = set(metric.labels) - ALLOWED
        assert not extra or metric.type == "info", metric.name
        assert extra <= catalogue.INFO_LABELS, metric.name
        assert set(metric.sets) <= set(metric.labels), metric.name


def test_names_of_points_stand_in_one_place() -> None:
    assert [m.name for m in catalogue.METRICS if {"name", "tier", "link"} & set(m.labels)] == [
        "diemcau_point_info"
    ]


def test_limits_of_alerts_are_edges_of_buckets() -> None:
    assert {0.03, 0.1, 0.3} <= set(catalogue.DELAYS)
    assert min(catalogue.DELAYS) == 0.001
    assert 1.0 in catalogue.TAKES
    assert 0.1 in catalogue.LAGS


def test_every_series_is_there_from_the_start() -> None:
    text = exposition(Snapshot(DOMAINS))[0].decode()
    assert 'diemcau_point_joins_total{point="khoan-du",result="failed"} 0.0' in text
    assert "_created" not in text
    found = {f.name: f for f in text_string_to_metric_families(text)}
    for metric in catalogue.METRICS:
        family = found[metric.name.removesuffix("_total")]
        assert family.documentation == metric.help
        assert len(
            {
                tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
                for s in family.samples
            }
        ) == len(keys_of(metric, DOMAINS))


def test_nothing_can_make_a_series_that_was_not_foreseen() -> None:
    snapshot = Snapshot(DOMAINS)
    for name, labels in (
        ("point_up", ("elsewhere",)),
        ("point_up", ()),
        ("no_such_metric", ()),
        ("point_disconnects_total", ("an-binh", "something new")),
        ("build_info", ("1", "2")),
    ):
        with pytest.raises(UnknownSeries):
            snapshot.set(name, 1, *labels)
        with pytest.raises(UnknownSeries):
            snapshot.value(name, *labels)
    with pytest.raises(UnknownSeries):
        snapshot.info("build_info", "one label")
    with pytest.raises(UnknownSeries):
        snapshot.histogram("probe_rtt_seconds", Histogram((1.0,)), "an-binh", "46")


def test_a_scrape_says_what_was_set() -> None:
    snapshot = Snapshot(DOMAINS)
    snapshot.set("point_up", True, "an-binh")
    snapshot.info("point_info", "an-binh", 'Xã "An"\n\\Bình', "commune", "an-binh")
    histogram = Histogram(catalogue.DELAYS)
    for value in (0.0005, 0.001, 0.02, 7.0):
        histogram.observe(value)
    snapshot.histogram("probe_rtt_seconds", histogram, "an-binh", "46")
    histogram.observe(1.0)  # a later one is not in this scrape
    text, content_type = exposition(snapshot)
    assert content_type.startswith("text/plain")
    found = {f.name: f for f in text_string_to_metric_families(text.decode())}
    info = found["diemcau_point_info"].samples[0]
    assert info.labels["name"] == 'Xã "An"\n\\Bình'
    rtt = {
        (s.name, s.labels.get("le")): s.value
        for s in found["diemcau_probe_rtt_seconds"].samples
        if s.labels["point"] == "an-binh" and s.labels["dscp"] == "46"
    }
    assert rtt["diemcau_probe_rtt_seconds_bucket", "0.001"] == 2
    assert rtt["diemcau_probe_rtt_seconds_bucket", "0.03"] == 3
    assert rtt["diemcau_probe_rtt_seconds_bucket", "+Inf"] == 4
    assert rtt["diemcau_probe_rtt_seconds_count", None] == 4
    assert rtt["diemcau_probe_rtt_seconds_sum", None] == pytest.approx(7.0215)
    assert snapshot.series == sum(len(f.samples) for f in found.values())


def test_openmetrics_is_spoken_where_it_is_asked_for() -> None:
    text, content_type = exposition(Snapshot(DOMAINS), "application/openmetrics-text")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's prometheus")
def test_promtool_finds_nothing() -> None:
    text = exposition(Snapshot(DOMAINS))[0]
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=60))
def test_a_histogram_counts_everything_once(values: list[float]) -> None:
    histogram = Histogram((0.1, 1.0, 5.0))
    for value in values:
        histogram.observe(value)
    buckets = histogram.cumulative()
    assert [bound for bound, _ in buckets] == ["0.1", "1.0", "5.0", "+Inf"]
    for bound, count in buckets:
        assert count == sum(value <= float(bound) for value in values)
    assert histogram.count == len(values)
    twice = Histogram((0.1, 1.0, 5.0))
    twice.add(histogram.counts, histogram.total)
    twice.add(histogram.counts, histogram.total)
    assert twice.count == 2 * len(values)


@pytest.mark.parametrize("bounds", [(1.0, 0.5), (1.0, 1.0)])
def test_bounds_grow(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="grow"):
        Histogram(bounds)


def test_counts_of_other_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="other bounds"):
        Histogram((1.0,)).add((1, 2, 3), 1.0)
    with pytest.raises(ValueError, match="one count"):
        Histogram((1.0,), [1])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 20)), min_size=1, max_size=200))
def test_the_floor_is_the_smallest_of_the_last_half_to_whole_minute(
    steps: list[tuple[float, float]],
) -> None:
    floor, now = Floor(), 0.0
    seen: list[tuple[float, float]] = []
    for value, wait in steps:
        now += wait
        seen.append((now, value))
        found = floor.feed(value, now)
        assert found <= value
        assert found in [v for at, v in seen if now - at < 90.0001]
        assert found <= min(v for at, v in seen if now - at < 29.9999 and at >= floor._block)


def test_drifting_clocks_are_no_variation() -> None:
    """A clock that drifts by 50 ppm for an hour moves by 180 ms; the line did not."""
    delays = Distributions()
    for second in range(0, 3600, 1):
        drift = 50e-6 * second
        delays.feed(
            round_trip=0.002,
            down=0.001 + drift,
            up=0.001 - drift,
            segment=0,
            now=float(second),
            synchronised=False,
        )
    assert delays.variation["down"].cumulative()[1] == ("0.003", 3600)
    assert delays.variation["up"].cumulative()[0] == ("0.001", 3600)
    assert delays.one_way["down"].count == 0
    assert delays.round_trip.count == 3600


def test_a_stepped_clock_begins_anew() -> None:
    delays = Distributions()
    for segment, down in ((0, 0.001), (0, 0.001), (1, 5.001), (1, 5.001)):
        delays.feed(
            round_trip=0.002, down=down, up=0.001, segment=segment, now=1.0, synchronised=True
        )
    assert delays.variation["down"].cumulative()[0] == ("0.001", 4)
    assert delays.one_way["down"].count == 4


def test_the_document_is_the_table() -> None:
    """Made by ``python -m monitoring.exposition.catalogue > docs/metrics.md``."""
    assert (ROOT / "docs" / "metrics.md").read_text("utf-8") == catalogue.markdown()
