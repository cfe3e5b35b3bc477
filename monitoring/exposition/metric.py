"""The definition of a metric: its type, and the short constructors of the tables. Pure.

Names follow Prometheus: base units (seconds, bytes, ratio), ``_total`` on counters only::

    counter("takes_total").help("Changes of who is on air.")
    gauge("on_air", POINT).help("1 for the point that is on air.")
    histogram("take_duration_seconds", TAKES).help("From the order until the picture changed.")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

PREFIX = "diemcau_"

Type = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name with the prefix, its type, a sentence about it, its labels.

    ``sets`` gives the values of a label where they are not the usual ones; ``buckets`` are the
    upper bounds of a histogram. A metric of type *info* is a gauge that is always 1 and may
    have labels of its own.
    """

    name: str
    type: Type
    text: str = ""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def help(self, text: str) -> Metric:
        """The metric with its sentence, which a scrape shows as ``HELP``."""
        return replace(self, text=text)


def gauge(name: str, /, *labels: str, **sets: tuple[str, ...]) -> Metric:
    """A value that goes up and down. ``sets``: values of a label, by the label's name."""
    return Metric(PREFIX + name, "gauge", labels=labels, sets=sets)


def counter(name: str, /, *labels: str, **sets: tuple[str, ...]) -> Metric:
    """A value that only grows; 0 after a restart. ``sets`` as with `gauge`."""
    return Metric(PREFIX + name, "counter", labels=labels, sets=sets)


def histogram(name: str, buckets: tuple[float, ...], /, *labels: str) -> Metric:
    """Counts of values by upper bounds."""
    return Metric(PREFIX + name, "histogram", labels=labels, buckets=buckets)


def info(name: str, /, *labels: str) -> Metric:
    """Texts as labels of a series that is always 1."""
    return Metric(PREFIX + name, "info", labels=labels)
