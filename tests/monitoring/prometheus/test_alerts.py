"""The alert rules, by Debian's promtool: each fires, does not fire just below its limit, clears,
and is silent in maintenance."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from monitoring.exposition.catalogue import BY_NAME, series_names
from tests.paths import ROOT
from tests.waiting import HANG

RULES = ROOT / "monitoring" / "prometheus" / "rules.yml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="needs Debian's prometheus")

I = 'instance="b",job="diem-cau"'  # noqa: E741 - in every series
P = f'{I},point="p"'
UP, DOWN = f'{P},direction="up"', f'{P},direction="down"'
STEP = 10  # seconds between samples
DAY = 86_400


class Case(NamedTuple):
    """Series by name with labels. ``fires`` holds from the start until ``until`` seconds, and
    ``well`` from then on; ``below`` is just not enough. In the notation of promtool a series is
    ``START+STEPxCOUNT``; here: numbers are constant, "+N" grows by N every sample."""

    fires: dict[str, float | str]
    below: dict[str, float | str]
    well: dict[str, float | str]
    by: int = 600  # seconds by which it fires
    until: int = 900
    clear: int = 1300  # seconds by which it is over: a simulated minute takes promtool long
    point: bool = True


def probes(name: str, labels: str, lost: float) -> dict[str, float | str]:
    """A hundred packets a sample, some of them lost."""
    return {
        f'diemcau_probe_packets_total{{{labels},dscp="46"}}': "+100",
        f'diemcau_probe_packets_lost_total{{{labels},dscp="46"}}': f"+{lost}",
    }


def histogram(name: str, labels: str, below: float, share: float) -> dict[str, float | str]:
    """A hundred observations a sample: ``share`` of them above the bound ``below``, and at most
    at the next."""
    bounds = [*BY_NAME[f"diemcau_{name}"].buckets, float("inf")]
    found: dict[str, float | str] = {}
    for bound in bounds:
        count = 0.0 if bound < below else 100 * (1 - share) if bound == below else 100.0
        shown = "+Inf" if bound == float("inf") else repr(bound)
        found[f'diemcau_{name}_bucket{{{labels},le="{shown}"}}'] = f"+{count:g}"
    return found


def gauge(name: str, value: float, labels: str = P) -> dict[str, float | str]:
    return {f"diemcau_{name}{{{labels}}}": value}


EF = f'{P},dscp="46"'
VARIATION = "probe_delay_variation_seconds"
RTT = "probe_rtt_seconds"
VIDEO_DOWN = f'{DOWN},kind="video"'
AUDIO_UP = f'{UP},kind="audio"'
STARTS = "point_next_start_timestamp_seconds"
CASES: dict[str, Case] = {
    "PointMissing": Case(
        gauge("point_expected", 1) | gauge("point_connected", 0),
        gauge("point_expected", 0) | gauge("point_connected", 0),
        gauge("point_expected", 1) | gauge("point_connected", 1),
        by=40,
    ),
    "PointNotReady": Case(
        gauge(STARTS, 4000) | gauge("point_ready", 0),  # within the hour from 400 s on
        gauge(STARTS, 400 + 3601 + 600) | gauge("point_ready", 0),
        gauge(STARTS, 4000) | gauge("point_ready", 1),
        by=480,
    ),
    "PointOffline": Case(gauge("point_up", 0), gauge("point_up", 1), gauge("point_up", 1), by=130),
    "LossHigh": Case(probes("", UP, 1.01), probes("", UP, 0.98), probes("", UP, 0), by=140),
    "LossCritical": Case(probes("", UP, 5.1), probes("", UP, 4.9), probes("", UP, 0), by=90),
    "LossBurst": Case(
        {f'diemcau_probe_bursts_total{{{EF},direction="up"}}': "+0.12"},
        {f'diemcau_probe_bursts_total{{{EF},direction="up"}}': "+0.08"},
        {f'diemcau_probe_bursts_total{{{EF},direction="up"}}': "+0"},
        by=310,
    ),
    "DelayVariationHigh": Case(
        histogram(VARIATION, f'{EF},direction="up"', 0.03, 0.06),
        histogram(VARIATION, f'{EF},direction="up"', 0.03, 0.04),
        histogram(VARIATION, f'{EF},direction="up"', 0.03, 0),
        by=200,
    ),
    "RttHigh": Case(
        histogram(RTT, EF, 0.1, 0.06),
        histogram(RTT, EF, 0.1, 0.04),
        histogram(RTT, EF, 0.1, 0),
        by=650,
    ),
    "RttCritical": Case(
        histogram(RTT, EF, 0.3, 0.06),
        histogram(RTT, EF, 0.3, 0.04),
        histogram(RTT, EF, 0.3, 0),
        by=140,
    ),
    "DscpRemarked": Case(
        {f'diemcau_probe_packets_remarked_total{{{EF},direction="down"}}': "+1"},
        {f'diemcau_probe_packets_remarked_total{{{EF},direction="down"}}': "+0"},
        {f'diemcau_probe_packets_remarked_total{{{EF},direction="down"}}': "+0"},
        by=90,
        clear=2400,
    ),
    "VideoFreezing": Case(
        gauge("media_frozen_ratio", 0.11, VIDEO_DOWN) | gauge("point_connected", 1),
        gauge("media_frozen_ratio", 0.1, VIDEO_DOWN) | gauge("point_connected", 1),
        gauge("media_frozen_ratio", 0, VIDEO_DOWN) | gauge("point_connected", 1),
        by=40,
    ),
    "PointStarved": Case(
        gauge("media_starved", 1) | gauge("point_connected", 1),
        gauge("media_starved", 0) | gauge("point_connected", 1),
        gauge("media_starved", 1) | gauge("point_connected", 0),
        by=70,
    ),
    "LineBelowPlan": Case(
        gauge("line_found_bytes_per_second", 799) | gauge("line_planned_bytes_per_second", 1000),
        gauge("line_found_bytes_per_second", 800) | gauge("line_planned_bytes_per_second", 1000),
        gauge("line_found_bytes_per_second", 0) | gauge("line_planned_bytes_per_second", 1000),
        by=310,
    ),
    "SpeakerSilent": Case(
        gauge("media_audio_level_decibels", -127, AUDIO_UP) | gauge("floor_holder", 1),
        gauge("media_audio_level_decibels", -75, AUDIO_UP) | gauge("floor_holder", 1),
        gauge("media_audio_level_decibels", -127, AUDIO_UP) | gauge("floor_holder", 0),
        by=40,
    ),
    "AgentClockSkew": Case(
        gauge("point_clock_offset_seconds", -0.51) | gauge("point_agent_connected", 1),
        gauge("point_clock_offset_seconds", 0.5) | gauge("point_agent_connected", 1),
        gauge("point_clock_offset_seconds", 0.01) | gauge("point_agent_connected", 1),
        by=610,
    ),
    "WorkerDown": Case(
        gauge("workers", 0, f'{I},state="ready"'),
        gauge("workers", 1, f'{I},state="ready"'),
        gauge("workers", 1, f'{I},state="ready"'),
        by=30,
        point=False,
    ),
    "WorkerAway": Case(
        gauge("workers", 1, f'{I},state="away"'),
        gauge("workers", 0, f'{I},state="away"'),
        gauge("workers", 0, f'{I},state="away"'),
        by=120,
        point=False,
    ),
    "WorkerRestarting": Case(
        gauge("worker_starts_total", "+0.05", f'{I},worker="0"'),  # type: ignore[arg-type]
        gauge("worker_starts_total", "+0.03", f'{I},worker="0"'),  # type: ignore[arg-type]
        gauge("worker_starts_total", "+0", f'{I},worker="0"'),  # type: ignore[arg-type]
        point=False,
    ),
    "NoHostWaits": Case(
        gauge("hosts", 2, I) | gauge("hosts_waiting", 0, I),
        gauge("hosts", 1, I) | gauge("hosts_waiting", 0, I),
        gauge("hosts", 2, I) | gauge("hosts_waiting", 1, I),
        by=180,
        point=False,
    ),
    "PeerAway": Case(gauge("peer_away", 1), gauge("peer_away", 0), gauge("peer_away", 0), by=70),
    "AudienceWorkerDown": Case(
        gauge("audience_workers", 1, f'{I},state="away"'),
        gauge("audience_workers", 0, f'{I},state="away"'),
        gauge("audience_workers", 0, f'{I},state="away"'),
        by=120,
        point=False,
    ),
    "EventLoopLagHigh": Case(
        histogram("event_loop_lag_seconds", I, 0.1, 0.02),
        histogram("event_loop_lag_seconds", I, 0.1, 0.005),
        histogram("event_loop_lag_seconds", I, 0.1, 0),
        by=640,
        point=False,
    ),
    "TakeSlow": Case(
        histogram("take_duration_seconds", I, 1.0, 0.06),
        histogram("take_duration_seconds", I, 1.0, 0.04),
        histogram("take_duration_seconds", I, 1.0, 0),
        by=100,
        point=False,
    ),
    "CertificateExpiring": Case(
        gauge("certificate_expiry_timestamp_seconds", 14 * DAY, I),
        gauge("certificate_expiry_timestamp_seconds", 15 * DAY, I),
        gauge("certificate_expiry_timestamp_seconds", 400 * DAY, I),
        by=90,
        point=False,
    ),
    "DiskLow": Case(
        gauge("disk_free_bytes", 9.9, I) | gauge("disk_size_bytes", 100, I),
        gauge("disk_free_bytes", 10, I) | gauge("disk_size_bytes", 100, I),
        gauge("disk_free_bytes", 50, I) | gauge("disk_size_bytes", 100, I),
        by=310,
        point=False,
    ),
    "RecordingEnded": Case(
        gauge("recordings_ended_total", "+0.1", f'{I},reason="space"'),  # type: ignore[arg-type]
        gauge("recordings_ended_total", "+0", f'{I},reason="space"'),  # type: ignore[arg-type]
        gauge("recordings_ended_total", "+0", f'{I},reason="space"'),  # type: ignore[arg-type]
        clear=2400,
        point=False,
    ),
    "RecordingNotWritten": Case(
        gauge("recordings_wanted", 2, I) | gauge("recordings_active", 1, I),
        gauge("recordings_wanted", 2, I) | gauge("recordings_active", 2, I),
        gauge("recordings_wanted", 0, I) | gauge("recordings_active", 1, I),
        by=40,
        point=False,
    ),
    "RecordingFolderAway": Case(
        gauge("recordings_writable", 1, I) | gauge("recordings_missing", 1, I),
        gauge("recordings_writable", 1, I) | gauge("recordings_missing", 0, I),
        gauge("recordings_writable", 1, I) | gauge("recordings_missing", 0, I),
        by=140,
        point=False,
    ),
    "RecordingSpaceLow": Case(
        gauge("recordings_free_bytes", 3.9e9, I) | gauge("recordings_least_free_bytes", 2e9, I),
        gauge("recordings_free_bytes", 4e9, I) | gauge("recordings_least_free_bytes", 2e9, I),
        gauge("recordings_free_bytes", 9e9, I) | gauge("recordings_least_free_bytes", 2e9, I),
        by=310,
        point=False,
    ),
    "DatabaseNotSaving": Case(
        gauge("database_unsaved_events", 1, I),
        gauge("database_unsaved_events", 0, I),
        gauge("database_unsaved_events", 0, I),
        by=70,
        point=False,
    ),
    "ConfigReloadFailed": Case(
        gauge("config_last_reload_successful", 0, I),
        gauge("config_last_reload_successful", 1, I),
        gauge("config_last_reload_successful", 1, I),
        by=20,
        point=False,
    ),
    "AuthenticationFailures": Case(
        gauge("authentication_failures_total", "+0.4", f'{I},reason="password"'),  # type: ignore[arg-type]
        gauge("authentication_failures_total", "+0.3", f'{I},reason="password"'),  # type: ignore[arg-type]
        gauge("authentication_failures_total", "+0", f'{I},reason="password"'),  # type: ignore[arg-type]
        point=False,
    ),
    "BridgeDown": Case({f"up{{{I}}}": 0}, {f"up{{{I}}}": 1}, {f"up{{{I}}}": 1}, by=80, point=False),
}
BASELINE = "RttAboveBaseline"  # needs a day of samples; tested by itself


def alerts() -> dict[str, dict[str, object]]:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    return {r["alert"]: r for g in document["groups"] for r in g["rules"] if "alert" in r}


def written(first: float | str, count: int, then: float | str | None, rest: int) -> str:
    """Samples in promtool's notation; a counter goes on from where it was."""
    if isinstance(first, str):
        step = float(first)
        text = f"0+{step:g}x{count}"
        if isinstance(then, str):
            more = float(then)
            text += f" {step * count + more:g}+{more:g}x{rest}"
        return text
    return f"{first}x{count}" if then is None else f"{first}x{count} {then}x{rest}"


def scenario(case: Case, kind: str) -> dict[str, str]:
    """Series of a scenario: clears, below or maintenance."""
    count = case.until // STEP
    rest = (case.clear - case.until) // STEP + 6
    if kind == "below":
        return {name: written(v, count + rest, None, 0) for name, v in case.below.items()}
    series = {name: written(v, count, case.well[name], rest) for name, v in case.fires.items()}
    if kind == "maintenance":
        series[f"diemcau_point_maintenance{{{P}}}"] = f"1x{count + rest}"
    elif case.point:
        series[f"diemcau_point_maintenance{{{P}}}"] = f"0x{count + rest}"
    return series


def firing(alert: str) -> str:
    return f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'


def expect(alert: str, at: int, count: int) -> dict[str, object]:
    return {
        "expr": firing(alert),
        "eval_time": f"{at}s",
        "exp_samples": [{"labels": "{}", "value": count}],
    }


def promtool(*arguments: str, cwd: Path = ROOT) -> str:
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_tests(folder: Path, tests: list[dict[str, object]], interval: str = "10s") -> None:
    document = {"rule_files": [str(RULES)], "evaluation_interval": interval, "tests": tests}
    path = folder / "tests.yml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    promtool("test", "rules", str(path))


def test_every_alert_has_its_cases() -> None:
    assert {*CASES, BASELINE} == set(alerts())


def test_every_alert_says_what_how_bad_and_where() -> None:
    for name, rule in alerts().items():
        assert re.fullmatch(r"([A-Z][a-z]+)+", name), name
        assert rule["labels"] in ({"severity": "warning"}, {"severity": "critical"}), name
        notes = rule["annotations"]
        assert isinstance(notes, dict)
        assert set(notes) == {
            "summary",
            "summary_en",
            "description",
            "description_en",
            "runbook",
            "dashboard",
        }, name
        assert notes["runbook"] == "{{ $externalLabels.bridge_url }}/runbooks/" + name
        for key in ("summary", "summary_en", "description", "description_en"):
            assert notes[key].endswith("."), (name, key)


def test_alerts_of_points_stop_in_maintenance() -> None:
    for name, rule in alerts().items():
        silenced = "unless on (instance, point) diemcau_point_maintenance == 1" in str(rule["expr"])
        assert silenced == (name == BASELINE or CASES[name].point), name


def test_rules_use_metrics_that_exist() -> None:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    known = {series for metric in BY_NAME.values() for series in series_names(metric)}
    recorded = {rule["record"] for rule in rules if "record" in rule}
    for rule in rules:
        for name in re.findall(r"[a-z:]*diemcau_[a-z0-9_:]+", rule["expr"]):
            assert name in known | recorded, (rule, name)


@pytest.mark.live
@needs_promtool
def test_promtool_accepts_the_rules() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(RULES))


@pytest.mark.live
@needs_promtool
def test_each_alert_fires_and_clears(tmp_path: Path) -> None:
    run_tests(
        tmp_path,
        [
            {
                "interval": f"{STEP}s",
                "name": name,
                "input_series": [{"series": s, "values": v} for s, v in scenario(case, "").items()],
                "promql_expr_test": [
                    expect(name, case.by, 1),
                    expect(name, case.until - STEP, 1),
                    expect(name, case.clear, 0),
                ],
            }
            for name, case in CASES.items()
        ],
    )


@pytest.mark.live
@needs_promtool
def test_no_alert_fires_just_below_its_limit(tmp_path: Path) -> None:
    run_tests(
        tmp_path,
        [
            {
                "interval": f"{STEP}s",
                "name": name,
                "input_series": [
                    {"series": s, "values": v} for s, v in scenario(case, "below").items()
                ],
                "promql_expr_test": [expect(name, at, 0) for at in range(0, case.until, 60)],
            }
            for name, case in CASES.items()
        ],
    )


@pytest.mark.live
@needs_promtool
def test_maintenance_silences_the_alerts_of_points(tmp_path: Path) -> None:
    run_tests(
        tmp_path,
        [
            {
                "interval": f"{STEP}s",
                "name": name,
                "input_series": [
                    {"series": s, "values": v} for s, v in scenario(case, "maintenance").items()
                ],
                "promql_expr_test": [expect(name, at, 0) for at in range(0, case.until, 60)],
            }
            for name, case in CASES.items()
            if case.point
        ],
    )


@pytest.mark.live
@needs_promtool
def test_a_round_trip_is_compared_with_what_is_usual(tmp_path: Path) -> None:
    """A day at 10 to 30 ms, then 50 to 100 ms; on a first day nothing is usual yet."""

    def series(day: int, *, maintenance: int) -> dict[str, str]:
        bounds = [*BY_NAME["diemcau_" + RTT].buckets, float("inf")]
        found = {f"diemcau_point_maintenance{{{P}}}": f"{maintenance}x{day + 120}"}
        for bound in bounds:
            usual, later = (100 if bound >= 0.03 else 0), (100 if bound >= 0.1 else 0)
            le = "+Inf" if bound == float("inf") else repr(bound)
            found[f'diemcau_{RTT}_bucket{{{EF},le="{le}"}}'] = (
                f"0+{usual}x{day} {usual * day + later}+{later}x60 "
                f"{usual * day + later * 61 + usual}+{usual}x60"
            )
        return found

    def test(
        name: str, day: int, expected: list[tuple[int, int]], maintenance: int = 0
    ) -> dict[str, object]:
        return {
            "interval": "1m",
            "name": name,
            "input_series": [
                {"series": s, "values": v} for s, v in series(day, maintenance=maintenance).items()
            ],
            "promql_expr_test": [expect(BASELINE, at * 60, count) for at, count in expected],
        }

    run_tests(
        tmp_path,
        [
            test("fires and clears", 1500, [(1500, 0), (1530, 1), (1559, 1), (1615, 0)]),
            test("nothing is usual on the first day", 1300, [(1330, 0), (1359, 0)]),
            test("maintenance", 1500, [(1530, 0), (1559, 0)], maintenance=1),
        ],
        "1m",
    )


@pytest.mark.live
@needs_promtool
def test_the_examples_for_admins_are_valid() -> None:
    said = promtool("check", "config", "monitoring/prometheus/prometheus.yml")
    assert "1 rule files found" in said
    for path in (
        "compose.yml",
        "grafana/provisioning/datasources/diem-cau.yml",
        "grafana/provisioning/dashboards/diem-cau.yml",
    ):
        assert yaml.safe_load((ROOT / "monitoring" / path).read_text("utf-8"))


@pytest.mark.live
@pytest.mark.skipif(shutil.which("amtool") is None, reason="needs Debian's prometheus-alertmanager")
def test_amtool_accepts_the_example() -> None:
    done = subprocess.run(
        ["amtool", "check-config", "monitoring/alertmanager/alertmanager.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG,
    )
    assert done.returncode == 0, done.stdout + done.stderr
