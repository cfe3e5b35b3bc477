"""Values of all metrics at one moment, and the text of a scrape."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exposition import buckets, catalogue, label_sets
from monitoring.exposition.histogram import Histogram
from monitoring.exposition.snapshot import Snapshot, UnknownSeries, exposition, keys_of
from tests.waiting import HANG

DOMAINS = {
    label_sets.POINT: ("an-binh", "khoan-du"),
    label_sets.WORKER: ("0",),
    label_sets.DIRECTION: label_sets.DIRECTIONS,
    label_sets.DSCP: ("46", "34", "0"),
    label_sets.KIND: label_sets.KINDS,
    label_sets.REASON: ("empty", "oversize"),
}


def test_every_series_is_there_from_the_start() -> None:
    text = exposition(Snapshot(DOMAINS))[0].decode()
    assert 'diemcau_point_joins_total{point="khoan-du",result="failed"} 0.0' in text
    assert "_created" not in text
    found = {f.name: f for f in text_string_to_metric_families(text)}
    for metric in catalogue.METRICS:
        family = found[metric.name.removesuffix("_total")]
        assert family.documentation == metric.text
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
    histogram = Histogram(buckets.DELAYS)
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


@pytest.mark.live
@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's prometheus")
def test_promtool_finds_nothing() -> None:
    text = exposition(Snapshot(DOMAINS))[0]
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=HANG
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
