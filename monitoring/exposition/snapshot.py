"""Values of all metrics at one moment, and their text for Prometheus. No clock, no I/O."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from monitoring.exposition.catalogue import BY_NAME, METRICS
from monitoring.exposition.histogram import Histogram
from monitoring.exposition.label_sets import INFO_LABELS
from monitoring.exposition.metric import PREFIX, Metric

Key = tuple[str, ...]
Domains = Mapping[str, tuple[str, ...]]


class UnknownSeries(ValueError):
    """A value for a series that the table and the topology do not foresee."""


def keys_of(metric: Metric, domains: Domains) -> list[Key]:
    """All label values of a metric, in order; none of an info metric, which sets its own."""
    if set(metric.labels) & INFO_LABELS:
        return []
    values = [metric.sets.get(label) or domains[label] for label in metric.labels]
    return list(itertools.product(*values))


class Snapshot:
    """Values of every series there is: 0 until it is set. ``domains`` gives the values of the
    labels that the table leaves open: point, worker, direction, dscp, kind and reason."""

    def __init__(self, domains: Domains) -> None:
        self.numbers: dict[str, dict[Key, float]] = {}
        self.histograms: dict[str, dict[Key, Histogram]] = {}
        for metric in METRICS:
            keys = keys_of(metric, domains)
            if metric.type == "histogram":
                self.histograms[metric.name] = {k: Histogram(metric.buckets) for k in keys}
            else:
                self.numbers[metric.name] = dict.fromkeys(keys, 0.0)

    def set(self, name: str, value: float, *labels: str) -> None:
        """``name`` is without the prefix. Raises `UnknownSeries`."""
        known = self.numbers.get(PREFIX + name)
        if known is None or labels not in known:
            raise UnknownSeries(f"{name}{labels}")
        known[labels] = float(value)

    def info(self, name: str, *labels: str) -> None:
        """Set an info metric. Raises `UnknownSeries`."""
        metric = BY_NAME.get(PREFIX + name)
        if metric is None or metric.type != "info" or len(labels) != len(metric.labels):
            raise UnknownSeries(f"{name}{labels}")
        self.numbers[metric.name][labels] = 1.0

    def histogram(self, name: str, value: Histogram, *labels: str) -> None:
        """Raises `UnknownSeries`."""
        known = self.histograms.get(PREFIX + name)
        if known is None or labels not in known or value.bounds != known[labels].bounds:
            raise UnknownSeries(f"{name}{labels}")
        known[labels] = Histogram(value.bounds, list(value.counts), value.total)

    def value(self, name: str, *labels: str) -> float:
        """A number that was set, by the name without the prefix. Raises `UnknownSeries`."""
        known = self.numbers.get(PREFIX + name)
        if known is None or labels not in known:
            raise UnknownSeries(f"{name}{labels}")
        return known[labels]

    @property
    def series(self) -> int:
        """How many lines a scrape has, without comments."""
        plain = sum(len(found) for found in self.numbers.values())
        return plain + sum(
            len(found) * (len(BY_NAME[name].buckets) + 3) for name, found in self.histograms.items()
        )

    def families(self) -> Iterable[Family]:
        """In the words of prometheus-client."""
        for metric in METRICS:
            kind = "gauge" if metric.type == "info" else metric.type
            name = metric.name.removesuffix("_total") if kind == "counter" else metric.name
            family = Family(name, metric.text, kind)
            labels = metric.labels
            if kind == "histogram":
                for key, found in self.histograms[metric.name].items():
                    _histogram(family, metric.name, dict(zip(labels, key, strict=True)), found)
            else:
                for key, value in self.numbers[metric.name].items():
                    family.add_sample(metric.name, dict(zip(labels, key, strict=True)), value)
            yield family


def _histogram(family: Family, name: str, labels: dict[str, str], found: Histogram) -> None:
    running = 0.0
    for bound, running in found.cumulative():
        family.add_sample(f"{name}_bucket", {**labels, "le": bound}, running)
    family.add_sample(f"{name}_sum", labels, found.total)
    family.add_sample(f"{name}_count", labels, running)


class _Taken(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Family]:
        return []  # nothing is asked for at the registration

    def collect(self) -> Iterable[Family]:
        return self._snapshot.families()


def exposition(snapshot: Snapshot, accept: str = "") -> tuple[bytes, str]:
    """The text of a scrape and its content type, as the Accept header asks. A registry of its
    own each time, so that nothing but the table is ever in it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Taken(snapshot))
    encoder: Any
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type
