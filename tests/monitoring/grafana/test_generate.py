"""The committed dashboards: what the SDK makes of the source, by our own lint as well."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.exposition.catalogue import BY_NAME, series_names
from monitoring.grafana import generate, render
from monitoring.grafana.panels import Panel
from tests.monitoring.prometheus.test_alerts import RULES

KNOWN = {series for metric in BY_NAME.values() for series in series_names(metric)}
FOREIGN = {"ALERTS", "scrape_duration_seconds", "label_values", "up"}
COUNTERS = {m.name for m in BY_NAME.values() if m.type == "counter"}
BUCKETS = {name for m in BY_NAME.values() if m.type == "histogram" for name in series_names(m)}
UNITS = {
    "none",
    "percentunit",
    "s",
    "pps",
    "Bps",
    "bytes",
    "fps",
    "dB",
    "celsius",
    "cps",
    "dateTimeFromNow",
}
FILES = generate.files()
Document = dict[str, Any]


def recorded() -> set[str]:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    return {r["record"] for g in document["groups"] for r in g["rules"] if "record" in r}


def panels(document: Document) -> list[Document]:
    return [p for p in document["panels"] if p["type"] != "row"]


@pytest.fixture(params=sorted(FILES), ids=lambda path: f"{path.parent.name}-{path.stem}")
def document(request: pytest.FixtureRequest) -> Document:
    path: Path = request.param
    loaded: Document = json.loads(path.read_text("utf-8"))
    return loaded


def test_making_them_again_changes_nothing() -> None:
    assert generate.main(["--check"]) == 0
    committed = set(generate.FOLDER.rglob("*.json"))
    assert committed == set(FILES)


def test_the_sdk_reads_them_back(document: Document) -> None:
    read = Dashboard.from_json(document)
    assert read.uid == document["uid"]
    assert len(read.panels or []) == len(document["panels"])


def test_titles_descriptions_units_and_data_source(document: Document) -> None:
    assert document["description"].endswith(".")
    names = {v["name"] for v in document["templating"]["list"]}
    assert {"datasource", "bridge"} <= names
    ids = [p["id"] for p in document["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels(document):
        title = panel["title"]
        assert title, panel
        assert panel["description"].endswith("."), title
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, title
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, title
        assert panel["targets"], title
        for target in panel["targets"]:
            assert "$point" not in target["expr"] or "point" in names, title


def test_queries_name_what_exists(document: Document) -> None:
    names = KNOWN | FOREIGN | recorded()
    for panel in panels(document):
        for target in panel["targets"]:
            expr = re.sub(r"\"[^\"]*\"", '""', target["expr"])
            found = re.findall(r"[a-z]*:?diemcau_[a-z0-9_:]+", expr)
            assert found or set(re.findall(r"[A-Za-z_]+", expr)) & FOREIGN, expr
            for name in found:
                assert name in names, (panel["title"], name)
            assert "instance=~" in target["expr"], (panel["title"], target["expr"])


def test_counters_are_rated_before_they_are_summed(document: Document) -> None:
    for panel in panels(document):
        for target in panel["targets"]:
            expr = target["expr"]
            for name in re.findall(r"diemcau_[a-z0-9_]+", expr):
                if name not in COUNTERS | BUCKETS or ":" in expr.split(name)[0][-8:]:
                    continue
                rated = re.search(rf"(rate|increase)\(\s*{name}\{{[^}}]*\}}\[([^\]]+)\]\)", expr)
                assert rated, (panel["title"], expr)
                assert rated[2] in ("$__rate_interval", "$__range"), (panel["title"], expr)
            assert not re.search(r"(rate|increase)\(\s*(sum|max|min|avg)", expr), expr


def test_links_lead_to_dashboards_that_exist(document: Document) -> None:
    uids = {json.loads(text)["uid"] for text in FILES.values()}
    for uid in re.findall(r"/d/([a-z-]+)", json.dumps(document)):
        assert uid in uids
    text = RULES.read_text("utf-8")
    for uid in re.findall(r"/d/([a-z-]+)", text):
        assert uid in uids


def test_the_overview_leads_to_points() -> None:
    for language in generate.LANGUAGES:
        uid = render.uid_of(generate.OVERVIEW, language)
        text = (generate.FOLDER / language / f"{uid}.json").read_text("utf-8")
        target = render.uid_of(generate.POINT, language)
        assert text.count(f"/d/{target}?var-point=") >= 4


def test_both_languages_say_everything() -> None:
    for board in generate.DASHBOARDS:
        for item in board.items:
            texts = [item.title] + ([item.about] if isinstance(item, Panel) else [])
            for text in texts:
                assert text.vi, text
                assert text.en, text


def test_every_metric_is_shown_or_alerted_on() -> None:
    """A figure that nobody looks at is a cost."""
    shown = "".join(FILES.values()) + RULES.read_text("utf-8")
    unused = {m.name for m in BY_NAME.values() if m.name not in shown}
    assert not unused
