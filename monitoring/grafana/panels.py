"""A dashboard as plain values: its panels, their queries, and both languages' texts.

A panel is written in one chain, one line a language and a query::

    Panel("lines", "s", limits=RTT, low=0)
    .vi("Thời gian khứ hồi", "Thời gian khứ hồi theo RTCP.")
    .en("Round trip", "Round trip by RTCP.")
    .query("max(diemcau_media_rtt_seconds{$})", "RTCP")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

Language = Literal["vi", "en"]
Kind = Literal["stat", "lines", "states", "heat", "table", "bars"]
Limits = tuple[tuple[float | None, str], ...]

BRIDGE = 'instance=~"$bridge"'


class T(NamedTuple):
    """A text in both languages."""

    vi: str
    en: str

    def to(self, language: Language) -> str:
        return self.vi if language == "vi" else self.en


NO_TEXT = T("", "")

Values = Mapping[float, tuple[T, str]]
"""Names and colours of the numbers of an enumeration."""


class Q(NamedTuple):
    """A query in PromQL. ``{$}`` in the expression stands for the chosen bridge; the legend is
    Grafana's pattern, or a text."""

    expr: str
    legend: str | T = ""

    @property
    def full(self) -> str:
        return self.expr.replace("{$", "{" + BRIDGE)


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: what kind it is, the unit of its values (Grafana's names), how it looks.

    ``w`` of 24 columns and ``h`` rows; ``limits`` are thresholds upwards from the good colour;
    ``values`` name the numbers of an enumeration; ``sort`` is the title of the column by which
    a table is sorted; with ``to_point`` a click opens the point's dashboard.
    """

    kind: Kind
    unit: str
    w: int = 12
    h: int = 8
    limits: Limits = ()
    values: Values = field(default_factory=dict)
    sort: T | None = None
    to_point: bool = False
    repeat: str = ""
    low: float | None = None
    high: float | None = None
    title: T = NO_TEXT
    about: T = NO_TEXT
    queries: tuple[Q, ...] = ()
    columns: Mapping[str, T] = field(default_factory=dict)
    column_units: Mapping[str, str] = field(default_factory=dict)

    def vi(self, title: str, about: str) -> Panel:
        """Title and description in Vietnamese."""
        return replace(
            self, title=self.title._replace(vi=title), about=self.about._replace(vi=about)
        )

    def en(self, title: str, about: str) -> Panel:
        """Title and description in English."""
        return replace(
            self, title=self.title._replace(en=title), about=self.about._replace(en=about)
        )

    def query(self, expr: str, legend: str | T = "") -> Panel:
        """Add a query; the first one is ``A``."""
        return replace(self, queries=(*self.queries, Q(expr, legend)))

    def column(self, key: str, vi: str, en: str, unit: str = "") -> Panel:
        """Add a column to a table: ``key`` is a query's letter, or a label."""
        columns = {**self.columns, key: T(vi, en)}
        units = {**self.column_units, key: unit} if unit else self.column_units
        return replace(self, columns=columns, column_units=units)


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels under a heading."""

    title: T


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard. ``variable`` offers a choice of ``one`` point, of ``many``, or none;
    ``since`` is the beginning of the time shown, in Grafana's words."""

    uid: str
    title: T
    about: T
    items: Sequence[Panel | Section]
    variable: Literal["", "one", "many"] = ""
    since: str = "now-6h"
