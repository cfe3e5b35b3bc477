"""Dashboard panels as Grafana Foundation SDK builders. For developers; the result is committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models import heatmap as hm
from grafana_foundation_sdk.models import prometheus as pm

Language = Literal["vi", "en"]
Kind = Literal["stat", "lines", "states", "heat", "table", "bars"]

GREEN, YELLOW, ORANGE, RED, GREY, BLUE = "green", "yellow", "orange", "red", "#8e8e8e", "blue"
BRIDGE = 'instance=~"$bridge"'


class T(NamedTuple):
    """A text in both languages."""

    vi: str
    en: str

    def to(self, language: Language) -> str:
        return self.vi if language == "vi" else self.en


class Q(NamedTuple):
    """A query. ``{$}`` in the expression stands for the chosen bridge; the legend is Grafana's
    pattern, or a text."""

    expr: str
    legend: str | T = ""

    @property
    def full(self) -> str:
        return self.expr.replace("{$", "{" + BRIDGE)


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``limits`` are thresholds upwards from the good colour; ``values`` name the
    numbers of an enumeration; ``columns`` the fields of a table by query letter or label; with
    ``to_point`` a click opens the point's dashboard. ``w`` of 24 columns."""

    kind: Kind
    title: T
    about: T
    unit: str
    queries: tuple[Q, ...]
    w: int = 12
    h: int = 8
    limits: tuple[tuple[float | None, str], ...] = ()
    values: Mapping[float, tuple[T, str]] = field(default_factory=dict)
    columns: Mapping[str, T] = field(default_factory=dict)
    column_units: Mapping[str, str] = field(default_factory=dict)
    sort: T | None = None
    to_point: bool = False
    repeat: str = ""
    low: float | None = None
    high: float | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels under a heading."""

    title: T


def _query(query: Q, letter: str, panel: Panel, language: Language) -> prometheus.Dataquery:
    legend = query.legend.to(language) if isinstance(query.legend, T) else query.legend
    built = prometheus.Dataquery().expr(query.full).ref_id(letter).legend_format(legend)
    if panel.kind == "table":
        return built.instant().format(pm.PromQueryFormat.TABLE)
    if panel.kind == "heat":
        return built.range().format(pm.PromQueryFormat.HEATMAP)
    if panel.kind in ("stat", "bars"):
        return built.instant()
    return built.range()


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    limits = panel.limits or ((None, GREEN),)
    steps = [dm.Threshold(value=value, color=colour) for value, colour in limits]
    return dashboard.ThresholdsConfig().mode(dm.ThresholdsMode.ABSOLUTE).steps(steps)


def _mappings(values: Mapping[float, tuple[T, str]], language: Language) -> list[dm.ValueMapping]:
    if not values:
        return []
    options = {
        f"{value:g}": dm.ValueMappingResult(text=text.to(language), color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(values.items())
    }
    return [dm.ValueMap(options=options)]


def _property(name: str, value: object) -> dm.DynamicConfigValue:
    return dm.DynamicConfigValue(id_val=name, value=value)


def point_link(language: Language, uid: str, label: str) -> dashboard.DashboardLink:
    title = T("Mở điểm cầu", "Open the point").to(language)
    url = f"/d/{uid}?var-point={label}&${{bridge:queryparam}}&${{__url_time_range}}"
    return dashboard.DashboardLink(title).url(url)


def _table(built: Any, panel: Panel, language: Language, point_uid: str) -> None:
    names = {key: text.to(language) for key, text in panel.columns.items()}
    renamed = {f"Value #{k}" if len(k) == 1 else k: v for k, v in names.items()}
    if len(panel.queries) == 1:
        renamed = {("Value" if k == "Value #A" else k): v for k, v in renamed.items()}
    hidden = dict.fromkeys(("Time", "__name__", "instance", "job", "alertstate"), True)
    if "A" not in panel.columns:
        hidden |= {"Value": True, "Value #A": True}
    order = {name: index for index, name in enumerate(renamed)}
    built.with_transformation(dm.DataTransformerConfig(id_val="merge", options={}))
    built.with_transformation(
        dm.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": hidden, "renameByName": renamed, "indexByName": order},
        )
    )
    for key, unit in panel.column_units.items():
        built.override_by_name(names[key], [_property("unit", unit)])
    if panel.values:
        first = names[next(iter(panel.column_units), next(iter(panel.columns)))]
        built.override_by_name(
            (panel.sort.to(language) if panel.sort else first),
            [
                _property("mappings", _mappings(panel.values, language)),
                _property("custom.cellOptions", {"type": "color-text"}),
            ],
        )
    if panel.sort is not None:
        by = common.TableSortByFieldState().display_name(panel.sort.to(language)).desc(False)
        built.sort_by([by])
    if panel.to_point:
        link = point_link(language, point_uid, "${__data.fields.point}")
        built.override_by_name("point", [_property("links", [link.build()])])
        shown = names.get("point")
        if shown is not None:
            link = point_link(language, point_uid, f'${{__data.fields["{shown}"]}}')
            built.override_by_name(shown, [_property("links", [link.build()])])


BUILDERS: dict[Kind, Callable[[], Any]] = {
    "stat": stat.Panel,
    "lines": timeseries.Panel,
    "states": statetimeline.Panel,
    "heat": heatmap.Panel,
    "table": table.Panel,
    "bars": bargauge.Panel,
}


def build(panel: Panel, language: Language, point_uid: str) -> Any:
    """The SDK's builder of a panel."""
    built = BUILDERS[panel.kind]()
    built.title(panel.title.to(language)).description(panel.about.to(language))
    built.unit(panel.unit).span(panel.w).height(panel.h)
    built.datasource(cm.DataSourceRef(type_val="prometheus", uid="${datasource}"))
    for letter, query in zip("ABCDEFGHIJ", panel.queries, strict=False):
        built.with_target(_query(query, letter, panel, language))
    built.thresholds(_thresholds(panel))
    mappings = _mappings(panel.values, language)
    if mappings and panel.kind != "table":
        built.mappings(mappings)
    if panel.low is not None:
        built.min(panel.low)
    if panel.high is not None:
        built.max(panel.high)
    if panel.repeat:
        built.repeat(panel.repeat).repeat_direction("h").max_per_row(4)
    _style(built, panel)
    if panel.kind == "table":
        _table(built, panel, language, point_uid)
    elif panel.to_point:
        built.data_links([point_link(language, point_uid, "${__field.labels.point}")])
    return built


def _style(built: Any, panel: Panel) -> None:
    if panel.kind == "lines":
        built.line_width(1).fill_opacity(8).show_points(cm.VisibilityMode.NEVER)
        built.span_nulls(False)
        built.legend(
            common.VizLegendOptions()
            .display_mode(cm.LegendDisplayMode.LIST)
            .placement(cm.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
        built.tooltip(
            common.VizTooltipOptions()
            .mode(cm.TooltipDisplayMode.MULTI)
            .sort(cm.SortOrder.DESCENDING)
        )
        if panel.limits:
            style = cm.GraphThresholdsStyleMode.DASHED
            built.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
        if panel.stacked:
            built.stacking(common.StackingConfig().mode(cm.StackingMode.NORMAL))
    elif panel.kind == "states":
        built.show_value(cm.VisibilityMode.NEVER).merge_values(True).row_height(0.85)
    elif panel.kind in ("stat", "bars"):
        built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        if panel.kind == "stat":
            built.graph_mode(cm.BigValueGraphMode.NONE).color_mode(cm.BigValueColorMode.VALUE)
        else:
            built.orientation(cm.VizOrientation.HORIZONTAL)
    elif panel.kind == "heat":
        built.calculate(False)
        built.color(
            heatmap.HeatmapColorOptions().mode(hm.HeatmapColorMode.SCHEME).scheme("Blues").steps(64)
        )
        built.y_axis(heatmap.YAxisConfig().unit(panel.unit))
