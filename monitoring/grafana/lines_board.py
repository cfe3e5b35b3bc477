"""The dashboard *Lines*: figures of the leased lines, for talking with the carrier."""

from __future__ import annotations

from monitoring.grafana.panels import Dashboard, Panel, Section, T
from monitoring.grafana.promql import CHOSEN_POINTS, ONE_POINT, increase, probes
from monitoring.grafana.scales import AVAILABILITY, GREEN, LOSS, ORANGE, SHARE

BOARD = Dashboard(
    "diemcau-lines",
    T("Điểm Cầu: Đường truyền", "Điểm Cầu: Lines"),
    T(
        "Số liệu đường truyền để làm việc với nhà mạng.",
        "Figures of the lines, for talking with the carrier.",
    ),
    (
        Panel("bars", "percentunit", h=10, limits=AVAILABILITY, low=0.9, high=1, to_point=True)
        .vi(
            "Sẵn sàng 30 ngày",
            "Phần thời gian đường truyền thông; không tính bảo trì và lúc không theo dõi.",
        )
        .en(
            "Availability, 30 days",
            "Share of the time that the line was up; maintenance and unwatched time do not count.",
        )
        .query('point:diemcau_line_availability:ratio_30d{$,point=~"$point"}', "{{point}}"),
        Panel("bars", "percentunit", h=10, limits=SHARE, low=0, high=1, to_point=True)
        .vi(
            "Thời gian họp có đường truyền tốt, 30 ngày",
            "Phần thời gian họp mà mức đường truyền là Tốt, mỗi chiều.",
        )
        .en(
            "Conference time with a good line, 30 days",
            "Share of the time in conferences in which the line was good, each way.",
        )
        .query(
            'point:diemcau_conference_good:ratio_30d{$,point=~"$point"}', "{{point}} {{direction}}"
        ),
        Panel("table", "none", w=10, h=10, to_point=True)
        .vi("Nhãn DSCP bị đổi", "Số gói đo tới nơi với nhãn khác, trong khoảng thời gian đang xem.")
        .en("DSCP re-marked", "Probes that arrived with another mark, in the time shown.")
        .query(
            increase(
                "probe_packets_remarked_total",
                "point, direction, dscp",
                CHOSEN_POINTS,
                window="$__range",
            )
        )
        .column("point", "Điểm cầu", "Point")
        .column("direction", "Chiều", "Direction")
        .column("dscp", "DSCP", "DSCP")
        .column("A", "Gói bị đổi", "Re-marked"),
        Panel("lines", "percentunit", w=14, h=10, limits=LOSS, low=0)
        .vi("Mất gói theo lớp", "Tỷ lệ mất gói của các điểm đã chọn, theo nhãn DSCP và chiều.")
        .en("Loss by class", "Loss of the chosen points, by DSCP and direction.")
        .query(probes("lost", "direction, dscp", CHOSEN_POINTS), "{{direction}} {{dscp}}"),
        Panel("lines", "none", w=24, limits=((None, GREEN), (2.0, ORANGE)), low=0, to_point=True)
        .vi(
            "Khứ hồi so với thường lệ",
            "Phân vị 95 trong 5 phút chia cho trung bình 7 ngày; chưa có trong ngày đầu.",
        )
        .en(
            "Round trip against what is usual",
            "95th percentile of 5 minutes over the average of 7 days; not on the first day.",
        )
        .query(
            'point:diemcau_probe_rtt_seconds:p95_5m{$,point=~"$point"}'
            " / on (instance, point)"
            ' point:diemcau_probe_rtt_seconds:baseline_7d{$,point=~"$point"}',
            "{{point}}",
        ),
        Section(T("Từng điểm cầu", "Point by point")),
        Panel("lines", "percentunit", w=6, h=6, limits=LOSS, low=0, repeat="point")
        .vi("Mất gói: $point", "Tỷ lệ gói đo bị mất mỗi chiều.")
        .en("Loss: $point", "Share of probes lost each way.")
        .query(probes("lost", "direction", ONE_POINT), "{{direction}}"),
    ),
    variable="many",
    since="now-24h",
)
