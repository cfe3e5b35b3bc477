"""Every metric of the bridge, as one table, and the document that is made of it. Pure.

``python -m monitoring.exposition.catalogue`` prints docs/metrics.md. The metrics themselves
stand by subject in `point_metrics`, `line_metrics`, `media_metrics`, `conference_metrics` and
`bridge_metrics`.
"""

from __future__ import annotations

from monitoring.exposition.bridge_metrics import BRIDGE
from monitoring.exposition.conference_metrics import CONFERENCES
from monitoring.exposition.line_metrics import LINES
from monitoring.exposition.media_metrics import MEDIA
from monitoring.exposition.metric import Metric
from monitoring.exposition.point_metrics import POINTS

METRICS: tuple[Metric, ...] = POINTS + LINES + MEDIA + CONFERENCES + BRIDGE
BY_NAME = {metric.name: metric for metric in METRICS}


def series_names(metric: Metric) -> tuple[str, ...]:
    """The names under which a metric's samples stand in a scrape."""
    if metric.type == "histogram":
        return tuple(metric.name + suffix for suffix in ("_bucket", "_sum", "_count"))
    return (metric.name,)


def markdown() -> str:
    """The table as docs/metrics.md has it."""
    lines = [
        "# Metrics",
        "",
        "What `/metrics` says, made by `python -m monitoring.exposition.catalogue`. Every series",
        "exists from the start at 0. Labels are closed sets; `point` and `worker` come from the",
        "topology. *up* is point → bridge.",
    ]
    for title, metrics in (
        ("Points", POINTS),
        ("Lines", LINES),
        ("Media", MEDIA),
        ("Conferences", CONFERENCES),
        ("Bridge", BRIDGE),
    ):
        lines += ["", f"## {title}", "", "| name | type | labels | |", "|---|---|---|---|"]
        for metric in metrics:
            labels = ", ".join(
                f"{label} ({', '.join(metric.sets[label])})" if label in metric.sets else label
                for label in metric.labels
            )
            text = metric.text.replace("|", "\\|")
            if metric.buckets:
                text += f" Buckets: {', '.join(f'{b:g}' for b in metric.buckets)}."
            lines.append(f"| `{metric.name}` | {metric.type} | {labels} | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
