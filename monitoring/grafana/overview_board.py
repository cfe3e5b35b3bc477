"""The dashboard *Overview*: all points at once, the running conference, and alerts."""

from __future__ import annotations

from monitoring.grafana.panels import Dashboard, Panel, T
from monitoring.grafana.promql import greatest, probes, quantile, total
from monitoring.grafana.scales import LOSS, QUALITY, RTT, STATES, ZERO_IS_GOOD

BOARD = Dashboard(
    "diemcau-overview",
    T("Điểm Cầu: Tổng quan", "Điểm Cầu: Overview"),
    T(
        "Tất cả các điểm cầu, cuộc họp đang diễn ra và cảnh báo.",
        "All points, the conference that runs, and alerts.",
    ),
    (
        Panel("stat", "none", w=4, h=4)
        .vi("Điểm cầu trực tuyến", "Số điểm có trang phòng họp, phần mềm tại điểm cầu hoặc gói đo.")
        .en("Points online", "Points of which a page, an agent or a probe is there.")
        .query(total("point_up")),
        Panel("stat", "none", w=4, h=4)
        .vi("Trong phiên họp", "Số điểm có hình và tiếng trong cuộc họp.")
        .en("In session", "Points whose media is in a conference.")
        .query('sum(diemcau_point_state{$,state="in_session"})'),
        Panel("stat", "none", w=4, h=4, limits=ZERO_IS_GOOD)
        .vi("Vắng mặt", "Số điểm cần có trong cuộc họp đang diễn ra mà chưa có.")
        .en("Missing", "Points that a running conference expects and that are not there.")
        .query(
            "sum(diemcau_point_expected{$} * on (instance, point) (1 - diemcau_point_connected{$}))"
        ),
        Panel("stat", "none", w=4, h=4)
        .vi("Cuộc họp đang diễn ra", "Số cuộc họp chính thức, không tính phiên thử.")
        .en("Conferences live", "Conferences that have started; trial sessions do not count.")
        .query('sum(diemcau_conferences{$,state="live"})'),
        Panel("stat", "none", w=4, h=4, limits=ZERO_IS_GOOD)
        .vi("Cảnh báo đang phát", "Số cảnh báo của Prometheus đang phát.")
        .en("Firing alerts", "Alerts of Prometheus that fire now.")
        .query('count(ALERTS{$,alertstate="firing"}) or vector(0)'),
        Panel("stat", "dateTimeFromNow", w=4, h=4)
        .vi("Cuộc họp kế tiếp", "Giờ bắt đầu của cuộc họp kế tiếp theo lịch.")
        .en("Next conference", "When the next planned conference starts.")
        .query("1000 * min(diemcau_conference_next_start_timestamp_seconds{$} > 0)"),
        Panel("states", "none", w=24, h=11, values=STATES, to_point=True)
        .vi(
            "Trạng thái các điểm cầu",
            "Trạng thái của từng điểm theo thời gian; bấm vào để mở điểm đó.",
        )
        .en("States of the points", "Each point's state over time; a click opens the point.")
        .query("max by (point) (point:diemcau_point_state:code{$})", "{{point}}"),
        Panel("table", "none", w=14, h=12, values=QUALITY, sort=T("Mức", "Level"), to_point=True)
        .vi(
            "Các điểm cầu, kém nhất trước",
            "Mức đường truyền (chiều kém hơn), tỷ lệ mất gói mỗi chiều và thời gian khứ hồi.",
        )
        .en(
            "Points, the worst first",
            "Level of the line (the worse direction), loss each way, and the round trip.",
        )
        .query("min by (point) (diemcau_line_quality{$})")
        .query('max by (point) (diemcau_line_loss_ratio{$,direction="up"})')
        .query('max by (point) (diemcau_line_loss_ratio{$,direction="down"})')
        .query("max by (point) (point:diemcau_probe_rtt_seconds:p95_5m{$})")
        .query("max by (point) (diemcau_line_mos{$} > 0)")
        .query(total("point_incidents", "point"))
        .query(greatest("point_info", "point, name"))
        .column("point", "Mã", "Id")
        .column("name", "Điểm cầu", "Point")
        .column("A", "Mức", "Level")
        .column("B", "Mất gói lên", "Loss up", "percentunit")
        .column("C", "Mất gói xuống", "Loss down", "percentunit")
        .column("D", "Khứ hồi p95", "RTT p95", "s")
        .column("E", "MOS", "MOS")
        .column("F", "Sự cố", "Incidents")
        .column("G", "#", "#"),
        Panel("table", "none", w=10, h=12, to_point=True)
        .vi("Cảnh báo", "Các cảnh báo đang phát, nghiêm trọng trước.")
        .en("Alerts", "Alerts that fire now.")
        .query('ALERTS{$,alertstate="firing"}')
        .column("severity", "Mức độ", "Severity")
        .column("alertname", "Cảnh báo", "Alert")
        .column("point", "Điểm cầu", "Point")
        .column("direction", "Chiều", "Direction"),
        Panel("lines", "none", low=0, to_point=True)
        .vi("Chỉ có tiếng", "Các điểm cầu mà đường truyền không đủ cho hình chính.")
        .en("Sound only", "Points whose line does not carry the programme.")
        .query("max by (point) (diemcau_media_starved{$}) > 0", "{{point}}"),
        Panel("lines", "Bps", low=0, to_point=True)
        .vi(
            "Đường truyền tải ít hơn kế hoạch",
            "Đường truyền đo được ít hơn mức trong tệp cấu hình.",
        )
        .en("Lines below plan", "Lines found to carry less than was asked of them.")
        .query("max by (point) (diemcau_line_found_bytes_per_second{$}) > 0", "{{point}}"),
        Panel("lines", "percentunit", limits=LOSS, low=0, to_point=True)
        .vi("Mất gói, năm chiều kém nhất", "Tỷ lệ gói đo bị mất, năm điểm và chiều kém nhất.")
        .en("Loss, the five worst", "Share of probes lost: the five worst points and directions.")
        .query(f"topk(5, {probes('lost', 'point, direction')})", "{{point}} {{direction}}"),
        Panel("lines", "s", limits=RTT, low=0, to_point=True)
        .vi("Khứ hồi, năm điểm chậm nhất", "Phân vị 95 của thời gian khứ hồi.")
        .en("Round trip, the five slowest", "95th percentile of the round trip.")
        .query(f"topk(5, {quantile(0.95, 'probe_rtt_seconds', 'point')})", "{{point}}"),
    ),
)
