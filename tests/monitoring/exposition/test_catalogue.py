"""The table of metrics: names, units and labels; the document made of it."""

from __future__ import annotations

from monitoring.exposition import buckets, catalogue, label_sets
from tests.paths import ROOT

ALLOWED = {"point", "worker", "direction", "dscp", "kind", "state", "result", "reason", "level"}
NO_BASE_UNITS = {
    *("ms", "us", "ns", "milliseconds", "minutes", "hours", "days"),
    *("bits", "kbit", "kbps", "mbps", "kilobytes", "megabytes", "percent"),
}


def test_names_units_and_labels_follow_the_rules() -> None:
    assert len(catalogue.BY_NAME) == len(catalogue.METRICS)
    for metric in catalogue.METRICS:
        assert metric.name.startswith("diemcau_")
        assert metric.name.endswith("_total") == (metric.type == "counter"), metric.name
        assert metric.text.endswith("."), metric.name
        assert bool(metric.buckets) == (metric.type == "histogram"), metric.name
        assert not set(metric.name.split("_")) & NO_BASE_UNITS, metric.name
        extra = set(metric.labels) - ALLOWED
        assert not extra or metric.type == "info", metric.name
        assert extra <= label_sets.INFO_LABELS, metric.name
        assert set(metric.sets) <= set(metric.labels), metric.name


def test_names_of_points_stand_in_one_place() -> None:
    assert [m.name for m in catalogue.METRICS if {"name", "tier", "link"} & set(m.labels)] == [
        "diemcau_point_info"
    ]


def test_limits_of_alerts_are_edges_of_buckets() -> None:
    assert {0.03, 0.1, 0.3} <= set(buckets.DELAYS)
    assert min(buckets.DELAYS) == 0.001
    assert 1.0 in buckets.TAKES
    assert 0.1 in buckets.LAGS


def test_the_document_is_the_table() -> None:
    """Made by ``python -m monitoring.exposition.catalogue > docs/metrics.md``."""
    assert (ROOT / "docs" / "metrics.md").read_text("utf-8") == catalogue.markdown()
