"""Write dashboards as the JSON that Grafana imports, by the Grafana Foundation SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

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
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models import heatmap as hm
from grafana_foundation_sdk.models import prometheus as pm

from monitoring.grafana.panels import (
    BRIDGE,
    Dashboard,
    Kind,
    Language,
    Panel,
    Q,
    Section,
    T,
    Values,
)
from monitoring.grafana.scales import GREEN

TAG = "diem-cau"


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


def _mappings(values: Values, language: Language) -> list[dm.ValueMapping]:
    if not values:
        return []
    options = {
        f"{value:g}": dm.ValueMappingResult(text=text.to(language), color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(values.items())
    }
    return [dm.ValueMap(options=options)]


def _property(name: str, value: object) -> dm.DynamicConfigValue:
    return dm.DynamicConfigValue(id_val=name, value=value)


def _point_link(language: Language, uid: str, label: str) -> dashboard.DashboardLink:
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
        link = _point_link(language, point_uid, "${__data.fields.point}")
        built.override_by_name("point", [_property("links", [link.build()])])
        shown = names.get("point")
        if shown is not None:
            link = _point_link(language, point_uid, f'${{__data.fields["{shown}"]}}')
            built.override_by_name(shown, [_property("links", [link.build()])])


_BUILDERS: dict[Kind, Callable[[], Any]] = {
    "stat": stat.Panel,
    "lines": timeseries.Panel,
    "states": statetimeline.Panel,
    "heat": heatmap.Panel,
    "table": table.Panel,
    "bars": bargauge.Panel,
}


def _panel(panel: Panel, language: Language, point_uid: str) -> Any:
    built = _BUILDERS[panel.kind]()
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
        built.data_links([_point_link(language, point_uid, "${__field.labels.point}")])
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


def uid_of(board: Dashboard, language: Language) -> str:
    """The identifier in the dashboard's URL. The Vietnamese one is plain: alerts link to it."""
    return board.uid if language == "vi" else board.uid.replace("diemcau-", "diemcau-en-")


def _variables(board: Dashboard, built: dashboard.Dashboard, language: Language) -> None:
    source = cm.DataSourceRef(type_val="prometheus", uid="${datasource}")
    built.with_variable(
        dashboard.DatasourceVariable("datasource")
        .label(T("Nguồn dữ liệu", "Data source").to(language))
        .type("prometheus")
    )
    built.with_variable(
        dashboard.QueryVariable("bridge")
        .label(T("Cầu truyền hình", "Bridge").to(language))
        .datasource(source)
        .query("label_values(diemcau_build_info, instance)")
        .refresh(dm.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(dm.VariableOption(text="All", value="$__all"))
    )
    if board.variable:
        many = board.variable == "many"
        variable = (
            dashboard.QueryVariable("point")
            .label(T("Điểm cầu", "Point").to(language))
            .datasource(source)
            .query(f"label_values(diemcau_point_info{{{BRIDGE}}}, point)")
            .refresh(dm.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(dm.VariableSort.ALPHABETICAL_ASC)
            .multi(many)
            .include_all(many)
        )
        if many:
            variable.current(dm.VariableOption(text="All", value="$__all"))
        built.with_variable(variable)


def document(board: Dashboard, language: Language, points: Dashboard) -> str:
    """A dashboard's JSON. ``points`` is the dashboard that links to a point lead to."""
    built = (
        dashboard.Dashboard(board.title.to(language))
        .uid(uid_of(board, language))
        .description(board.about.to(language))
        .tags([TAG, language])
        .timezone("browser")
        .editable()
        .tooltip(dm.DashboardCursorSync.CROSSHAIR)
        .refresh("30s")
        .time(board.since, "now")
        .link(
            dashboard.DashboardLink("Điểm Cầu")
            .type(dm.DashboardLinkType.DASHBOARDS)
            .tags([TAG, language])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
    )
    _variables(board, built, language)
    point_uid = uid_of(points, language)
    for item in board.items:
        if isinstance(item, Section):
            built.with_row(dashboard.Row(item.title.to(language)))
        else:
            built.with_panel(_panel(item, language, point_uid))
    encoded = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    for number, panel in enumerate(encoded["panels"], 1):
        panel["id"] = number
    return json.dumps(encoded, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
