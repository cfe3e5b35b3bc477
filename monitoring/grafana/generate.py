"""The dashboards, in Vietnamese and English from one source:

    python -m monitoring.grafana.generate            writes monitoring/grafana/dashboards
    python -m monitoring.grafana.generate --check    says whether they are up to date (exit 1: no)

Needs the Grafana Foundation SDK, a tool of developers; admins take the committed files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm

from monitoring.grafana.panels import (
    BLUE,
    BRIDGE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    YELLOW,
    Language,
    Panel,
    Q,
    Section,
    T,
    build,
)

FOLDER = Path(__file__).parent / "dashboards"
LANGUAGES: tuple[Language, ...] = ("vi", "en")
TAG = "diem-cau"

STATES: Mapping[float, tuple[T, str]] = {
    0: (T("Ngoại tuyến", "Offline"), GREY),
    1: (T("Mất kết nối", "Lost"), RED),
    2: (T("Sẵn sàng", "Ready"), BLUE),
    3: (T("Đang kết nối", "Connecting"), YELLOW),
    4: (T("Trong phiên", "In session"), GREEN),
}
QUALITY: Mapping[float, tuple[T, str]] = {
    0: (T("Không rõ", "Unknown"), GREY),
    1: (T("Rất kém", "Bad"), RED),
    2: (T("Kém", "Poor"), ORANGE),
    3: (T("Khá", "Fair"), YELLOW),
    4: (T("Tốt", "Good"), GREEN),
}
YES: Mapping[float, tuple[T, str]] = {0: (T("Không", "No"), RED), 1: (T("Có", "Yes"), GREEN)}
NO: Mapping[float, tuple[T, str]] = {0: (T("Không", "No"), GREEN), 1: (T("Có", "Yes"), ORANGE)}
ON_AIR: Mapping[float, tuple[T, str]] = {0: (T("–", "–"), "transparent"), 1: (T("Có", "Yes"), RED)}
LOSS = ((None, GREEN), (0.01, ORANGE), (0.05, RED))
RTT = ((None, GREEN), (0.1, ORANGE), (0.3, RED))
VARIATION = ((None, GREEN), (0.03, ORANGE))
ZERO_IS_GOOD = ((None, GREEN), (1.0, RED))
AVAILABILITY = ((None, RED), (0.99, ORANGE), (0.999, GREEN))
SHARE = ((None, RED), (0.9, ORANGE), (0.98, GREEN))
BOTH = "{{direction}}"
POINT = "{{point}}"

Item = Panel | Section


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``variable``: a choice of one point, of many, or none."""

    uid: str
    title: T
    about: T
    items: Sequence[Item]
    variable: str = ""
    since: str = "now-6h"


def loss(by: str, where: str = "") -> str:
    """Share of probes lost, by labels."""
    return (
        f"sum by ({by}) (rate(diemcau_probe_packets_lost_total{{${where}}}[$__rate_interval]))"
        f" / (sum by ({by}) (rate(diemcau_probe_packets_total{{${where}}}[$__rate_interval])) > 0)"
    )


def quantile(share: float, name: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram, by labels."""
    labels = f"{by}, le" if by else "le"
    return (
        f"histogram_quantile({share}, sum by ({labels}) "
        f"(rate(diemcau_{name}_bucket{{${where}}}[$__rate_interval])))"
    )


HERE = ',point="$point"'

OVERVIEW = Dashboard(
    "diemcau-overview",
    T("Điểm Cầu: Tổng quan", "Điểm Cầu: Overview"),
    T(
        "Tất cả các điểm cầu, cuộc họp đang diễn ra và cảnh báo.",
        "All points, the conference that runs, and alerts.",
    ),
    (
        Panel(
            "stat",
            T("Điểm cầu trực tuyến", "Points online"),
            T(
                "Số điểm có trang, tác nhân hoặc gói đo.",
                "Points of which a page, an agent or a probe is there.",
            ),
            "none",
            (Q("sum(diemcau_point_up{$})"),),
            w=4,
            h=4,
        ),
        Panel(
            "stat",
            T("Trong phiên họp", "In session"),
            T("Số điểm có hình và tiếng trong cuộc họp.", "Points whose media is in a conference."),
            "none",
            (Q('sum(diemcau_point_state{$,state="in_session"})'),),
            w=4,
            h=4,
        ),
        Panel(
            "stat",
            T("Vắng mặt", "Missing"),
            T(
                "Số điểm cần có trong cuộc họp đang diễn ra mà chưa có.",
                "Points that a running conference expects and that are not there.",
            ),
            "none",
            (
                Q(
                    "sum(diemcau_point_expected{$} * on (instance, point) "
                    "(1 - diemcau_point_connected{$}))"
                ),
            ),
            w=4,
            h=4,
            limits=ZERO_IS_GOOD,
        ),
        Panel(
            "stat",
            T("Cuộc họp đang diễn ra", "Conferences live"),
            T(
                "Số cuộc họp chính thức, không tính phiên thử.",
                "Conferences that have started; trial sessions do not count.",
            ),
            "none",
            (Q('sum(diemcau_conferences{$,state="live"})'),),
            w=4,
            h=4,
        ),
        Panel(
            "stat",
            T("Cảnh báo đang phát", "Firing alerts"),
            T("Số cảnh báo của Prometheus đang phát.", "Alerts of Prometheus that fire now."),
            "none",
            (Q(f'count(ALERTS{{{BRIDGE},alertstate="firing"}}) or vector(0)'),),
            w=4,
            h=4,
            limits=ZERO_IS_GOOD,
        ),
        Panel(
            "stat",
            T("Cuộc họp kế tiếp", "Next conference"),
            T(
                "Giờ bắt đầu của cuộc họp kế tiếp theo lịch.",
                "When the next planned conference starts.",
            ),
            "dateTimeFromNow",
            (Q("1000 * min(diemcau_conference_next_start_timestamp_seconds{$} > 0)"),),
            w=4,
            h=4,
        ),
        Panel(
            "states",
            T("Trạng thái các điểm cầu", "States of the points"),
            T(
                "Trạng thái của từng điểm theo thời gian; bấm vào để mở điểm đó.",
                "Each point's state over time; a click opens the point.",
            ),
            "none",
            (Q("max by (point) (point:diemcau_point_state:code{$})", POINT),),
            w=24,
            h=11,
            values=STATES,
            to_point=True,
        ),
        Panel(
            "table",
            T("Các điểm cầu, kém nhất trước", "Points, the worst first"),
            T(
                "Mức đường truyền (chiều kém hơn), tỷ lệ mất gói mỗi chiều và thời gian khứ hồi.",
                "Level of the line (the worse direction), loss each way, and the round trip.",
            ),
            "none",
            (
                Q("min by (point) (diemcau_line_quality{$})"),
                Q('max by (point) (diemcau_line_loss_ratio{$,direction="up"})'),
                Q('max by (point) (diemcau_line_loss_ratio{$,direction="down"})'),
                Q("max by (point) (point:diemcau_probe_rtt_seconds:p95_5m{$})"),
                Q("max by (point) (diemcau_line_mos{$} > 0)"),
                Q("sum by (point) (diemcau_point_incidents{$})"),
                Q("max by (point, name) (diemcau_point_info{$})"),
            ),
            w=14,
            h=12,
            values=QUALITY,
            sort=T("Mức", "Level"),
            to_point=True,
            columns={
                "point": T("Mã", "Id"),
                "name": T("Điểm cầu", "Point"),
                "A": T("Mức", "Level"),
                "B": T("Mất gói lên", "Loss up"),
                "C": T("Mất gói xuống", "Loss down"),
                "D": T("Khứ hồi p95", "RTT p95"),
                "E": T("MOS", "MOS"),
                "F": T("Sự cố", "Incidents"),
                "G": T("#", "#"),
            },
            column_units={"B": "percentunit", "C": "percentunit", "D": "s"},
        ),
        Panel(
            "table",
            T("Cảnh báo", "Alerts"),
            T("Các cảnh báo đang phát, nghiêm trọng trước.", "Alerts that fire now."),
            "none",
            (Q(f'ALERTS{{{BRIDGE},alertstate="firing"}}'),),
            w=10,
            h=12,
            to_point=True,
            columns={
                "severity": T("Mức độ", "Severity"),
                "alertname": T("Cảnh báo", "Alert"),
                "point": T("Điểm cầu", "Point"),
                "direction": T("Chiều", "Direction"),
            },
        ),
        Panel(
            "lines",
            T("Mất gói, năm chiều kém nhất", "Loss, the five worst"),
            T(
                "Tỷ lệ gói đo bị mất, năm điểm và chiều kém nhất.",
                "Share of probes lost: the five worst points and directions.",
            ),
            "percentunit",
            (Q(f"topk(5, {loss('point, direction')})", "{{point}} {{direction}}"),),
            limits=LOSS,
            low=0,
            to_point=True,
        ),
        Panel(
            "lines",
            T("Khứ hồi, năm điểm chậm nhất", "Round trip, the five slowest"),
            T("Phân vị 95 của thời gian khứ hồi.", "95th percentile of the round trip."),
            "s",
            (Q(f"topk(5, {quantile(0.95, 'probe_rtt_seconds', 'point')})", POINT),),
            limits=RTT,
            low=0,
            to_point=True,
        ),
    ),
)

POINT_BOARD = Dashboard(
    "diemcau-point",
    T("Điểm Cầu: Điểm cầu", "Điểm Cầu: Point"),
    T(
        "Một điểm cầu: đường truyền, hình, tiếng, thiết bị và máy phòng họp.",
        "One point: line, media, devices and the room PC.",
    ),
    (
        Panel(
            "stat",
            T("Trạng thái", "State"),
            T("Trạng thái hiện tại của điểm cầu.", "The point's state now."),
            "none",
            (Q('max(point:diemcau_point_state:code{$,point="$point"})'),),
            w=4,
            h=4,
            values=STATES,
        ),
        Panel(
            "stat",
            T("Đường truyền", "Line"),
            T(
                "Mức chất lượng mỗi chiều, như người dùng thấy.",
                "Level of each direction, as people see it.",
            ),
            "none",
            (Q('max by (direction) (diemcau_line_quality{$,point="$point"})', BOTH),),
            w=5,
            h=4,
            values=QUALITY,
        ),
        Panel(
            "stat",
            T("MOS ước tính", "Estimated MOS"),
            T(
                "Điểm ý kiến trung bình ước tính mỗi chiều, chỉ để xem xu hướng.",
                "Estimated mean opinion score each way, as a trend only.",
            ),
            "none",
            (Q('max by (direction) (diemcau_line_mos{$,point="$point"})', BOTH),),
            w=5,
            h=4,
            limits=((None, RED), (3.0, ORANGE), (4.0, GREEN)),
        ),
        Panel(
            "stat",
            T("Thấy lần cuối", "Last seen"),
            T("Lần cuối điểm cầu có mặt.", "When the point was last there."),
            "dateTimeFromNow",
            (Q('1000 * max(diemcau_point_last_seen_timestamp_seconds{$,point="$point"} > 0)'),),
            w=5,
            h=4,
        ),
        Panel(
            "stat",
            T("Sự cố đang mở", "Open incidents"),
            T("Số sự cố chưa kết thúc của điểm cầu.", "Incidents of the point that are open."),
            "none",
            (Q('sum(diemcau_point_incidents{$,point="$point"})'),),
            w=3,
            h=4,
            limits=ZERO_IS_GOOD,
        ),
        Panel(
            "stat",
            T("Bảo trì", "Maintenance"),
            T(
                "Điểm đang bảo trì thì không có cảnh báo.",
                "A point in maintenance raises no alerts.",
            ),
            "none",
            (Q('max(diemcau_point_maintenance{$,point="$point"})'),),
            w=2,
            h=4,
            values=NO,
        ),
        Section(T("Đường truyền", "Line")),
        Panel(
            "heat",
            T("Thời gian khứ hồi", "Round trip"),
            T("Phân bố thời gian khứ hồi của gói đo.", "Distribution of the probes' round trips."),
            "s",
            (
                Q(
                    "sum by (le) (increase(diemcau_probe_rtt_seconds_bucket"
                    '{$,point="$point"}[$__rate_interval]))',
                    "{{le}}",
                ),
            ),
        ),
        Panel(
            "lines",
            T("Mất gói theo chiều", "Loss by direction"),
            T(
                "Tỷ lệ gói đo bị mất, chiều lên và chiều xuống.",
                "Share of probes lost, upstream and downstream.",
            ),
            "percentunit",
            (Q(loss("direction", HERE), BOTH),),
            limits=LOSS,
            low=0,
        ),
        Panel(
            "lines",
            T("Dao động trễ p95", "Delay variation p95"),
            T(
                "Phân vị 95 của độ dao động trễ mỗi chiều.",
                "95th percentile of the delay variation each way.",
            ),
            "s",
            (Q(quantile(0.95, "probe_delay_variation_seconds", "direction", HERE), BOTH),),
            limits=VARIATION,
            low=0,
        ),
        Panel(
            "lines",
            T("Trễ một chiều p50", "One-way delay p50"),
            T(
                "Trung vị trễ một chiều; chỉ có khi cả hai đồng hồ đã đồng bộ.",
                "Median one-way delay; only while both clocks are synchronised.",
            ),
            "s",
            (Q(quantile(0.5, "probe_one_way_delay_seconds", "direction", HERE), BOTH),),
            low=0,
        ),
        Panel(
            "lines",
            T("Mất gói theo lớp", "Loss by class"),
            T(
                "Tỷ lệ mất gói của từng nhãn DSCP (46: EF, 34: AF41, 0: thường).",
                "Loss of each DSCP (46: EF, 34: AF41, 0: best effort).",
            ),
            "percentunit",
            (Q(loss("direction, dscp", HERE), "{{direction}} {{dscp}}"),),
            limits=LOSS,
            low=0,
        ),
        Panel(
            "lines",
            T("Nhãn DSCP bị đổi", "DSCP re-marked"),
            T(
                "Tỷ lệ gói đo tới nơi với nhãn khác.",
                "Share of probes that arrived with another mark.",
            ),
            "percentunit",
            (
                Q(
                    "sum by (direction, dscp) (rate(diemcau_probe_packets_remarked_total"
                    '{$,point="$point"}[$__rate_interval])) / (sum by (direction, dscp) '
                    '(rate(diemcau_probe_packets_total{$,point="$point"}[$__rate_interval])) > 0)',
                    "{{direction}} {{dscp}}",
                ),
            ),
            low=0,
            high=1,
        ),
        Panel(
            "stat",
            T("Dung lượng đo gần nhất", "Capacity last measured"),
            T(
                "Kết quả lần kiểm tra sẵn sàng gần nhất; 0 là chưa đo.",
                "Of the last readiness sweep; 0: not measured.",
            ),
            "Bps",
            (
                Q(
                    'max by (direction) (diemcau_line_capacity_bytes_per_second{$,point="$point"})',
                    BOTH,
                ),
            ),
            w=6,
            h=8,
        ),
        Panel(
            "lines",
            T("Chùm mất gói", "Bursts of loss"),
            T(
                "Số lần mất từ hai gói đo liên tiếp trở lên.",
                "Losses of two or more probes in a row.",
            ),
            "none",
            (
                Q(
                    "sum by (direction) (increase(diemcau_probe_bursts_total"
                    '{$,point="$point"}[$__rate_interval]))',
                    BOTH,
                ),
            ),
            w=6,
            low=0,
        ),
        Panel(
            "lines",
            T("Đảo thứ tự, trùng lặp", "Reordered and duplicated"),
            T(
                "Tỷ lệ gói đo tới sai thứ tự hoặc tới hai lần.",
                "Share of probes that overtook another, or came twice.",
            ),
            "percentunit",
            (
                Q(
                    "sum by (direction) (rate(diemcau_probe_packets_reordered_total"
                    '{$,point="$point"}[$__rate_interval])) / (sum by (direction) '
                    '(rate(diemcau_probe_packets_total{$,point="$point"}[$__rate_interval])) > 0)',
                    T("đảo thứ tự {{direction}}", "reordered {{direction}}"),
                ),
                Q(
                    "sum by (direction) (rate(diemcau_probe_packets_duplicated_total"
                    '{$,point="$point"}[$__rate_interval])) / (sum by (direction) '
                    '(rate(diemcau_probe_packets_total{$,point="$point"}[$__rate_interval])) > 0)',
                    T("trùng lặp {{direction}}", "duplicated {{direction}}"),
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Gói đo về lần cuối", "Last probe that came back"),
            T(
                "Bao lâu rồi chưa có gói đo nào của mỗi lớp quay về.",
                "How long ago a probe of each class came back.",
            ),
            "s",
            (
                Q(
                    "time() - max by (dscp) (diemcau_probe_last_success_timestamp_seconds"
                    '{$,point="$point"} > 0)',
                    "DSCP {{dscp}}",
                ),
            ),
            w=4,
            low=0,
        ),
        Section(T("Hình và tiếng", "Media")),
        Panel(
            "lines",
            T("Băng thông", "Bitrate"),
            T("Hình và tiếng gửi lên và nhận xuống.", "Media sent and received."),
            "Bps",
            (
                Q(
                    "sum by (direction, kind) (rate(diemcau_media_bytes_total"
                    '{$,point="$point"}[$__rate_interval]))',
                    "{{direction}} {{kind}}",
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Mất gói RTP", "RTP loss"),
            T(
                "Tỷ lệ gói hình và tiếng mất hẳn (lên) hoặc do máy nhận báo (xuống).",
                "Share of media packets lost for good (up), or as the receiver reports (down).",
            ),
            "percentunit",
            (
                Q(
                    "sum by (direction, kind) (rate(diemcau_media_packets_lost_total"
                    '{$,point="$point"}[$__rate_interval])) / (sum by (direction, kind) '
                    '(rate(diemcau_media_packets_total{$,point="$point"}[$__rate_interval])) > 0)',
                    "{{direction}} {{kind}}",
                ),
            ),
            limits=LOSS,
            low=0,
        ),
        Panel(
            "lines",
            T("Yêu cầu gửi lại", "Repair"),
            T(
                "Số gói được yêu cầu gửi lại và số gói gửi lại mỗi giây.",
                "Packets asked for again, and sent again, a second.",
            ),
            "pps",
            (
                Q(
                    "sum by (direction) (rate(diemcau_media_nacks_total"
                    '{$,point="$point"}[$__rate_interval]))',
                    "NACK {{direction}}",
                ),
                Q(
                    "sum by (direction) (rate(diemcau_media_rtx_packets_total"
                    '{$,point="$point"}[$__rate_interval]))',
                    "RTX {{direction}}",
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Khung hình khóa", "Key frames"),
            T("Số lần xin khung hình khóa.", "Requests for key frames."),
            "none",
            (
                Q(
                    "sum by (direction) (increase(diemcau_media_key_frame_requests_total"
                    '{$,point="$point"}[$__rate_interval]))',
                    BOTH,
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Lớp hình", "Layers"),
            T(
                "Số lớp gửi lên và lớp đang xem ở khung hình chính.",
                "Layers sent, and the layer shown in the programme slot.",
            ),
            "none",
            (Q('max by (direction) (diemcau_media_layer{$,point="$point"})', BOTH),),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Hình bị dừng, tiếng bị bù", "Frozen and concealed"),
            T(
                "Tỷ lệ thời gian hình chính đứng yên và tiếng do trình duyệt tự bù.",
                "Share of the time that the programme stood still, and of sound made up.",
            ),
            "percentunit",
            (
                Q('max(diemcau_media_frozen_ratio{$,point="$point"})', T("hình", "picture")),
                Q('max(diemcau_media_concealed_ratio{$,point="$point"})', T("tiếng", "sound")),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Khung hình mỗi giây", "Frames a second"),
            T(
                "Tốc độ khung hình của hình chính tại điểm cầu.",
                "Frame rate of the programme at the point.",
            ),
            "fps",
            (Q('max(diemcau_media_frame_rate{$,point="$point"})', T("khung hình", "frames")),),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Chiều cao hình", "Frame height"),
            T("Số dòng của hình chính tại điểm cầu.", "Lines of the programme at the point."),
            "none",
            (Q('max(diemcau_media_frame_height_pixels{$,point="$point"})', T("dòng", "lines")),),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Mức tiếng micro", "Microphone level"),
            T("Mức tiếng gửi lên; -127 là im lặng.", "Level that is sent; -127 is silence."),
            "dB",
            (Q('max(diemcau_media_audio_level_decibels{$,point="$point"})', "dBov"),),
            low=-127,
            high=0,
        ),
        Panel(
            "lines",
            T("Khứ hồi của hình, tiếng", "Round trip of media"),
            T("Thời gian khứ hồi theo RTCP.", "Round trip by RTCP."),
            "s",
            (Q('max(diemcau_media_rtt_seconds{$,point="$point"})', "RTCP"),),
            limits=RTT,
            low=0,
        ),
        Panel(
            "lines",
            T("Khả năng nhận", "What it can receive"),
            T(
                "Băng thông mà trình duyệt của điểm cầu ước tính nhận được.",
                "What the point's browser says it can receive.",
            ),
            "Bps",
            (Q('max(diemcau_media_bitrate_estimate_bytes_per_second{$,point="$point"})', "REMB"),),
            low=0,
        ),
        Section(T("Phòng họp", "The room")),
        Panel(
            "stat",
            T("Thiết bị", "Devices"),
            T(
                "Camera (up video), micro (up audio), loa (down audio).",
                "Camera (up video), microphone (up audio), speaker (down audio).",
            ),
            "none",
            (
                Q(
                    'max by (direction, kind) (diemcau_point_device_present{$,point="$point",'
                    'direction="up"}) or max by (direction, kind) (diemcau_point_device_present'
                    '{$,point="$point",direction="down",kind="audio"})',
                    "{{direction}} {{kind}}",
                ),
            ),
            w=8,
            h=6,
            values=YES,
        ),
        Panel(
            "lines",
            T("Máy phòng họp", "Room PC"),
            T("CPU, bộ nhớ và ổ đĩa đang dùng.", "CPU, memory and disk in use."),
            "percentunit",
            (
                Q('max(diemcau_point_host_cpu_ratio{$,point="$point"})', "CPU"),
                Q('max(diemcau_point_host_memory_ratio{$,point="$point"})', T("bộ nhớ", "memory")),
                Q('max(diemcau_point_host_disk_ratio{$,point="$point"})', T("ổ đĩa", "disk")),
            ),
            w=8,
            h=6,
            low=0,
            high=1,
        ),
        Panel(
            "lines",
            T("Nhiệt độ", "Temperature"),
            T("Nhiệt độ của máy phòng họp.", "Temperature of the room PC."),
            "celsius",
            (Q('max(diemcau_point_host_temperature_celsius{$,point="$point"})', "°C"),),
            w=8,
            h=6,
            limits=((None, GREEN), (80.0, ORANGE), (95.0, RED)),
        ),
        Panel(
            "stat",
            T("Đồng hồ đồng bộ", "Clock synchronised"),
            T(
                "Máy phòng họp báo đồng hồ đã đồng bộ hay chưa.",
                "Whether the room PC says that its clock is synchronised.",
            ),
            "none",
            (Q('max(diemcau_point_clock_synchronised{$,point="$point"})'),),
            w=4,
            h=6,
            values=YES,
        ),
        Panel(
            "lines",
            T("Đồng hồ lệch", "Clock offset"),
            T(
                "Đồng hồ máy phòng họp nhanh hơn cầu truyền hình bao nhiêu.",
                "How far the room PC's clock is ahead of the bridge's.",
            ),
            "s",
            (Q('max(diemcau_point_clock_offset_seconds{$,point="$point"})', T("lệch", "offset")),),
            w=8,
            h=6,
        ),
        Panel(
            "lines",
            T("Trình duyệt khởi động lại", "Browser restarts"),
            T(
                "Số lần trình duyệt phòng họp được khởi động lại.",
                "How often the room's browser was started again.",
            ),
            "none",
            (
                Q(
                    "sum(increase(diemcau_point_kiosk_restarts_total"
                    '{$,point="$point"}[$__rate_interval]))',
                    T("lần", "times"),
                ),
            ),
            w=8,
            h=6,
            low=0,
        ),
        Panel(
            "lines",
            T("Ngắt kết nối theo lý do", "Disconnects by reason"),
            T("Số lần hình và tiếng của điểm cầu kết thúc.", "How often the point's media ended."),
            "none",
            (
                Q(
                    "sum by (reason) (increase(diemcau_point_disconnects_total"
                    '{$,point="$point"}[$__rate_interval]))',
                    "{{reason}}",
                ),
            ),
            w=8,
            h=6,
            low=0,
        ),
    ),
    variable="one",
)

CONFERENCES = Dashboard(
    "diemcau-conferences",
    T("Điểm Cầu: Phiên họp", "Điểm Cầu: Conferences"),
    T("Các cuộc họp: tham gia, chuyển hình, phát biểu.", "Conferences: joins, takes, the floor."),
    (
        Panel(
            "stat",
            T("Đang chạy", "Running"),
            T("Phiên thử và cuộc họp đang diễn ra.", "Trial sessions and live conferences."),
            "none",
            (Q("sum by (state) (diemcau_conferences{$})", "{{state}}"),),
            w=5,
            h=4,
        ),
        Panel(
            "stat",
            T("Bắt đầu họp", "Starts"),
            T(
                "Số lần bắt đầu cuộc họp trong khoảng thời gian đang xem, theo kết quả.",
                "Starts in the time shown, by result.",
            ),
            "none",
            (
                Q(
                    "sum by (result) (increase(diemcau_conference_starts_total{$}[$__range]))",
                    "{{result}}",
                ),
            ),
            w=7,
            h=4,
        ),
        Panel(
            "stat",
            T("Lần chuyển hình", "Takes"),
            T(
                "Số lần đổi điểm lên hình trong khoảng thời gian đang xem.",
                "Changes of who is on air in the time shown.",
            ),
            "none",
            (Q("sum(increase(diemcau_takes_total{$}[$__range]))"),),
            w=4,
            h=4,
        ),
        Panel(
            "stat",
            T("Chờ phát biểu", "Waiting for the floor"),
            T("Số điểm đang xin phát biểu.", "Points that ask for the floor now."),
            "none",
            (Q("sum(diemcau_floor_requests_waiting{$})"),),
            w=4,
            h=4,
        ),
        Panel(
            "stat",
            T("Thời lượng họp p50", "Length p50"),
            T(
                "Trung vị thời lượng các cuộc họp đã kết thúc.",
                "Median length of the conferences that ended.",
            ),
            "s",
            (
                Q(
                    "histogram_quantile(0.5, sum by (le) "
                    "(increase(diemcau_conference_duration_seconds_bucket{$}[$__range])))"
                ),
            ),
            w=4,
            h=4,
        ),
        Panel(
            "states",
            T("Đang lên hình", "On air"),
            T("Điểm cầu nào đang lên hình.", "Which point is on air."),
            "none",
            (Q("max by (point) (diemcau_on_air{$})", POINT),),
            h=10,
            values=ON_AIR,
            to_point=True,
        ),
        Panel(
            "states",
            T("Đang phát biểu", "Has the floor"),
            T("Điểm cầu nào được mời phát biểu.", "Which point has the floor."),
            "none",
            (Q("max by (point) (diemcau_floor_holder{$})", POINT),),
            h=10,
            values=ON_AIR,
            to_point=True,
        ),
        Panel(
            "lines",
            T("Thời gian chuyển hình", "Take duration"),
            T(
                "Từ lúc ra lệnh tới lúc máy nhận đổi hình.",
                "From the order until a receiver's picture changed.",
            ),
            "s",
            (
                Q(quantile(0.5, "take_duration_seconds"), "p50"),
                Q(quantile(0.95, "take_duration_seconds"), "p95"),
            ),
            low=0,
            limits=((None, GREEN), (1.0, ORANGE)),
        ),
        Panel(
            "lines",
            T("Tham gia theo kết quả", "Joins by result"),
            T("Số lần các điểm vào họp.", "Attempts of points to join."),
            "none",
            (
                Q(
                    "sum by (result) (increase(diemcau_point_joins_total{$}[$__rate_interval]))",
                    "{{result}}",
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Thời gian tham gia", "Join duration"),
            T(
                "Từ lúc trang gửi yêu cầu tới lúc có kết nối.",
                "From a page's offer until its media is connected.",
            ),
            "s",
            (
                Q(
                    "histogram_quantile(0.95, sum by (le) "
                    "(increase(diemcau_point_join_duration_seconds_bucket{$}[$__range])))",
                    "p95",
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Ngắt kết nối theo lý do", "Disconnects by reason"),
            T("Số lần hình và tiếng của các điểm kết thúc.", "How often media of points ended."),
            "none",
            (
                Q(
                    "sum by (reason) (increase(diemcau_point_disconnects_total{$}"
                    "[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Xin phát biểu theo kết quả", "Floor requests by outcome"),
            T(
                "Được mời, tự rút, hay hết họp vẫn chưa được mời.",
                "Granted, withdrawn, or unanswered at the end.",
            ),
            "none",
            (
                Q(
                    "sum by (result) (increase(diemcau_floor_requests_total{$}[$__rate_interval]))",
                    "{{result}}",
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Thời gian chờ phát biểu", "Wait for the floor"),
            T("Từ lúc xin tới lúc được mời phát biểu.", "From a request until it was granted."),
            "s",
            (
                Q(
                    "histogram_quantile(0.5, sum by (le) "
                    "(increase(diemcau_floor_wait_seconds_bucket{$}[$__range])))",
                    "p50",
                ),
                Q(
                    "histogram_quantile(0.95, sum by (le) "
                    "(increase(diemcau_floor_wait_seconds_bucket{$}[$__range])))",
                    "p95",
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "bars",
            T("Hình bị dừng theo điểm", "Frozen pictures by point"),
            T(
                "Tổng thời gian hình chính đứng yên ở từng điểm, trong khoảng thời gian đang xem.",
                "How long the programme stood still at each point, in the time shown.",
            ),
            "s",
            (
                Q(
                    "sum by (point) (increase(diemcau_media_frozen_seconds_total{$}[$__range]))",
                    POINT,
                ),
            ),
            h=10,
            low=0,
            to_point=True,
            limits=((None, GREEN), (60.0, ORANGE)),
        ),
        Panel(
            "lines",
            T("Lệnh theo kết quả", "Commands by result"),
            T("Số lệnh điều khiển mỗi giây.", "Commands a second."),
            "cps",
            (
                Q(
                    "sum by (result) (rate(diemcau_commands_total{$}[$__rate_interval]))",
                    "{{result}}",
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Thời gian trả lời lệnh p95", "Command duration p95"),
            T(
                "Từ lúc nhận lệnh tới lúc đã lưu và trả lời.",
                "From a command until it was saved and answered.",
            ),
            "s",
            (Q(quantile(0.95, "command_duration_seconds"), "p95"),),
            low=0,
        ),
        Panel(
            "states",
            T("Vắng mặt khi đang họp", "Missing from the conference"),
            T(
                "Điểm cần có mà chưa có hình và tiếng.",
                "Points that are expected and have no media.",
            ),
            "none",
            (
                Q(
                    "max by (point) (diemcau_point_expected{$} * on (instance, point) "
                    "(1 - diemcau_point_connected{$}))",
                    POINT,
                ),
            ),
            h=10,
            values=NO,
            to_point=True,
        ),
    ),
)

BRIDGE_BOARD = Dashboard(
    "diemcau-bridge",
    T("Điểm Cầu: Máy chủ cầu", "Điểm Cầu: Bridge"),
    T(
        "Tiến trình điều khiển và tiến trình chuyển tiếp hình, tiếng.",
        "The control process and the media worker.",
    ),
    (
        Panel(
            "stat",
            T("Tiến trình chuyển tiếp", "Workers"),
            T("Số tiến trình theo trạng thái.", "Workers by state."),
            "none",
            (Q("sum by (state) (diemcau_workers{$})", "{{state}}"),),
            w=5,
            h=4,
        ),
        Panel(
            "stat",
            T("Đã chạy", "Uptime"),
            T("Thời gian từ lúc tiến trình chuyển tiếp khởi động.", "Since the worker's start."),
            "s",
            (Q("min(diemcau_worker_uptime_seconds{$})"),),
            w=5,
            h=4,
        ),
        Panel(
            "stat",
            T("Khởi động lại", "Worker starts"),
            T("Số lần khởi động trong khoảng thời gian đang xem.", "Starts in the time shown."),
            "none",
            (Q("sum(increase(diemcau_worker_starts_total{$}[$__range]))"),),
            w=4,
            h=4,
        ),
        Panel(
            "stat",
            T("CPU mỗi gói", "CPU a packet"),
            T(
                "Thời gian CPU để chuyển tiếp một gói, trung bình 5 phút.",
                "CPU time for one forwarded packet, mean of 5 minutes.",
            ),
            "s",
            (Q("max(worker:diemcau_worker_cpu_per_packet:seconds_5m{$})"),),
            w=5,
            h=4,
        ),
        Panel(
            "stat",
            T("Gói mỗi lần gửi", "Packets a send"),
            T(
                "Số gói trung bình trong một lời gọi gửi gộp (GSO).",
                "Mean packets in a call that sends several at once (GSO).",
            ),
            "none",
            (
                Q(
                    "sum(increase(diemcau_worker_gso_segments_total{$}[$__range])) / "
                    "sum(increase(diemcau_worker_gso_batches_total{$}[$__range]))"
                ),
            ),
            w=5,
            h=4,
        ),
        Panel(
            "lines",
            T("Gói hình và tiếng", "Packets"),
            T("Gói nhận vào và gửi ra mỗi giây.", "Packets in and out a second."),
            "pps",
            (
                Q(
                    "sum(rate(diemcau_worker_packets_received_total{$}[$__rate_interval]))",
                    T("nhận", "received"),
                ),
                Q(
                    "sum(rate(diemcau_worker_packets_forwarded_total{$}[$__rate_interval]))",
                    T("gửi", "forwarded"),
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Băng thông gửi ra", "Bytes forwarded"),
            T("Tổng băng thông gửi tới các điểm.", "What is sent to all receivers."),
            "Bps",
            (
                Q(
                    "sum(rate(diemcau_worker_bytes_forwarded_total{$}[$__rate_interval]))",
                    T("gửi", "forwarded"),
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Trễ chuyển tiếp", "Forwarding delay"),
            T(
                "Từ lúc gói tới nhân hệ điều hành tới lúc các bản sao được gửi.",
                "From a packet's arrival in the kernel until its copies were sent.",
            ),
            "s",
            (
                Q(quantile(0.5, "worker_forwarding_delay_seconds"), "p50"),
                Q(quantile(0.99, "worker_forwarding_delay_seconds"), "p99"),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("CPU", "CPU"),
            T("Số lõi CPU đang dùng của hai tiến trình.", "Cores in use by both processes."),
            "none",
            (
                Q(
                    "sum by (worker) (rate(diemcau_worker_cpu_seconds_total{$}[$__rate_interval]))",
                    T("chuyển tiếp {{worker}}", "worker {{worker}}"),
                ),
                Q(
                    "sum(rate(diemcau_process_cpu_seconds_total{$}[$__rate_interval]))",
                    T("điều khiển", "control"),
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Gói bị loại theo lý do", "Drops by reason"),
            T("Gói không được dùng, theo lý do.", "Packets that were not used, by reason."),
            "pps",
            (
                Q(
                    "sum by (reason) (rate(diemcau_worker_packets_dropped_total{$}"
                    "[$__rate_interval])) > 0",
                    "{{reason}}",
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Vòng lặp chậm", "Event-loop lag"),
            T(
                "Phân vị 99 của tiến trình điều khiển và giá trị lớn nhất của tiến trình "
                "chuyển tiếp.",
                "99th percentile of the control process, maximum of the worker.",
            ),
            "s",
            (
                Q(quantile(0.99, "event_loop_lag_seconds"), T("điều khiển", "control")),
                Q("max(diemcau_worker_event_loop_lag_seconds{$})", T("chuyển tiếp", "worker")),
            ),
            low=0,
            limits=((None, GREEN), (0.1, ORANGE)),
        ),
        Panel(
            "lines",
            T("Bộ nhớ", "Memory"),
            T("Bộ nhớ của tiến trình chuyển tiếp.", "Memory of the worker."),
            "bytes",
            (Q("max by (worker) (diemcau_worker_resident_memory_bytes{$})", "{{worker}}"),),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Kết nối theo trạng thái", "Transports by state"),
            T("Các kết nối WebRTC của tiến trình chuyển tiếp.", "WebRTC transports of the worker."),
            "none",
            (Q("sum by (state) (diemcau_transports{$})", "{{state}}"),),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Kết nối hỏng", "Failed transports"),
            T(
                "ICE không tới, DTLS không xong, hoặc im lặng.",
                "No ICE check, no end of DTLS, or silence.",
            ),
            "none",
            (
                Q(
                    "sum by (reason) (increase(diemcau_transport_failures_total{$}"
                    "[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("WebSocket", "WebSocket"),
            T(
                "Số trang đang kết nối và số lần cầu truyền hình ngắt.",
                "Pages connected, and connections that the bridge closed.",
            ),
            "none",
            (
                Q("sum(diemcau_websocket_clients{$})", T("trang", "pages")),
                Q(
                    "sum by (reason) "
                    "(increase(diemcau_websocket_drops_total{$}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "lines",
            T("Lưu sự kiện p95", "Commit p95"),
            T("Thời gian một giao dịch lưu sự kiện.", "Time of a transaction with events."),
            "s",
            (
                Q(
                    "histogram_quantile(0.95, sum by (le) (increase("
                    "diemcau_database_commit_duration_seconds_bucket{$}[$__range])))",
                    "p95",
                ),
            ),
            w=8,
            low=0,
        ),
        Panel(
            "stat",
            T("Điều khiển đã chạy", "Control uptime"),
            T(
                "Thời gian từ lúc tiến trình điều khiển khởi động.",
                "Since the control process started.",
            ),
            "s",
            (Q("time() - min(diemcau_process_start_time_seconds{$})"),),
            w=4,
            h=8,
        ),
        Panel(
            "lines",
            T("Gói đo bất thường", "Odd probe packets"),
            T(
                "Gói lạ, gói không dùng được, gói không gửi được hoặc bị bỏ qua.",
                "Strange or unusable packets, and those not sent or skipped.",
            ),
            "pps",
            (
                Q(
                    "sum by (result) (rate(diemcau_prober_packets_total{$}[$__rate_interval]))",
                    "{{result}}",
                ),
            ),
            w=12,
            low=0,
        ),
        Panel(
            "lines",
            T("Đo chậm", "Prober lateness"),
            T("Gói đo gửi chậm bao nhiêu (p99).", "How late probes leave (p99)."),
            "s",
            (Q("max(diemcau_prober_lateness_seconds{$})", "p99"),),
            w=8,
            low=0,
        ),
    ),
)

LINES = Dashboard(
    "diemcau-lines",
    T("Điểm Cầu: Đường truyền", "Điểm Cầu: Lines"),
    T(
        "Số liệu đường truyền để làm việc với nhà mạng.",
        "Figures of the lines, for talking with the carrier.",
    ),
    (
        Panel(
            "bars",
            T("Sẵn sàng 30 ngày", "Availability, 30 days"),
            T(
                "Phần thời gian đường truyền thông; không tính bảo trì và lúc không theo dõi.",
                "Share of the time that the line was up; maintenance and unwatched time do not "
                "count.",
            ),
            "percentunit",
            (Q('point:diemcau_line_availability:ratio_30d{$,point=~"$point"}', POINT),),
            h=10,
            limits=AVAILABILITY,
            low=0.9,
            high=1,
            to_point=True,
        ),
        Panel(
            "bars",
            T(
                "Thời gian họp có đường truyền tốt, 30 ngày",
                "Conference time with a good line, 30 days",
            ),
            T(
                "Phần thời gian họp mà mức đường truyền là Tốt, mỗi chiều.",
                "Share of the time in conferences in which the line was good, each way.",
            ),
            "percentunit",
            (
                Q(
                    'point:diemcau_conference_good:ratio_30d{$,point=~"$point"}',
                    "{{point}} {{direction}}",
                ),
            ),
            h=10,
            limits=SHARE,
            low=0,
            high=1,
            to_point=True,
        ),
        Panel(
            "table",
            T("Nhãn DSCP bị đổi", "DSCP re-marked"),
            T(
                "Số gói đo tới nơi với nhãn khác, trong khoảng thời gian đang xem.",
                "Probes that arrived with another mark, in the time shown.",
            ),
            "none",
            (
                Q(
                    "sum by (point, direction, dscp) (increase(diemcau_probe_packets_remarked_total"
                    '{$,point=~"$point"}[$__range]))'
                ),
            ),
            w=10,
            h=10,
            to_point=True,
            columns={
                "point": T("Điểm cầu", "Point"),
                "direction": T("Chiều", "Direction"),
                "dscp": T("DSCP", "DSCP"),
                "A": T("Gói bị đổi", "Re-marked"),
            },
        ),
        Panel(
            "lines",
            T("Mất gói theo lớp", "Loss by class"),
            T(
                "Tỷ lệ mất gói của các điểm đã chọn, theo nhãn DSCP và chiều.",
                "Loss of the chosen points, by DSCP and direction.",
            ),
            "percentunit",
            (Q(loss("direction, dscp", ',point=~"$point"'), "{{direction}} {{dscp}}"),),
            w=14,
            h=10,
            limits=LOSS,
            low=0,
        ),
        Panel(
            "lines",
            T("Khứ hồi so với thường lệ", "Round trip against what is usual"),
            T(
                "Phân vị 95 trong 5 phút chia cho trung bình 7 ngày; chưa có trong ngày đầu.",
                "95th percentile of 5 minutes over the average of 7 days; not on the first day.",
            ),
            "none",
            (
                Q(
                    'point:diemcau_probe_rtt_seconds:p95_5m{$,point=~"$point"}'
                    " / on (instance, point)"
                    ' point:diemcau_probe_rtt_seconds:baseline_7d{$,point=~"$point"}',
                    POINT,
                ),
            ),
            w=24,
            limits=((None, GREEN), (2.0, ORANGE)),
            low=0,
            to_point=True,
        ),
        Section(T("Từng điểm cầu", "Point by point")),
        Panel(
            "lines",
            T("Mất gói: $point", "Loss: $point"),
            T("Tỷ lệ gói đo bị mất mỗi chiều.", "Share of probes lost each way."),
            "percentunit",
            (Q(loss("direction", ',point="$point"'), BOTH),),
            w=6,
            h=6,
            limits=LOSS,
            low=0,
            repeat="point",
        ),
    ),
    variable="many",
    since="now-24h",
)

SYSTEM = Dashboard(
    "diemcau-system",
    T("Điểm Cầu: Hệ thống", "Điểm Cầu: System"),
    T(
        "Ghi hình, ổ đĩa, chứng chỉ, cấu hình và đăng nhập.",
        "Recording, disk, certificates, configuration and logins.",
    ),
    (
        Panel(
            "stat",
            T("Đang ghi hình", "Recordings"),
            T("Số bản ghi hình đang chạy.", "Recordings that run."),
            "none",
            (Q("sum(diemcau_recordings_active{$})"),),
            w=4,
            h=4,
        ),
        Panel(
            "stat",
            T("Ổ đĩa còn trống", "Free disk"),
            T(
                "Phần còn trống của ổ đĩa chứa dữ liệu của cầu truyền hình.",
                "Free share of the disk that holds the bridge's state.",
            ),
            "percentunit",
            (Q("min(diemcau_disk_free_bytes{$} / (diemcau_disk_size_bytes{$} > 0))"),),
            w=5,
            h=4,
            limits=((None, RED), (0.1, ORANGE), (0.2, GREEN)),
        ),
        Panel(
            "stat",
            T("Chứng chỉ hết hạn", "Certificate expires"),
            T(
                "Trống nếu cầu truyền hình chạy không có chứng chỉ.",
                "Empty where the bridge runs without a certificate.",
            ),
            "dateTimeFromNow",
            (Q("1000 * min(diemcau_certificate_expiry_timestamp_seconds{$} > 0)"),),
            w=5,
            h=4,
        ),
        Panel(
            "stat",
            T("Nạp cấu hình", "Configuration"),
            T(
                "Lần nạp cấu hình gần nhất có thành công không.",
                "Whether the last topology asked for was taken in.",
            ),
            "none",
            (Q("min(diemcau_config_last_reload_successful{$})"),),
            w=5,
            h=4,
            values=YES,
        ),
        Panel(
            "stat",
            T("Nạp lần cuối", "Last taken in"),
            T("Lần cuối cấu hình được nạp.", "When the topology was last taken in."),
            "dateTimeFromNow",
            (Q("1000 * max(diemcau_config_last_reload_success_timestamp_seconds{$})"),),
            w=5,
            h=4,
        ),
        Panel(
            "lines",
            T("Đăng nhập bị từ chối", "Refused logins"),
            T(
                "Mật khẩu, khóa và mã bị từ chối, theo lý do.",
                "Refused passwords, keys and codes, by reason.",
            ),
            "none",
            (
                Q(
                    "sum by (reason) (increase(diemcau_authentication_failures_total{$}"
                    "[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Ổ đĩa", "Disk"),
            T("Dung lượng còn trống.", "Free space."),
            "bytes",
            (Q("min(diemcau_disk_free_bytes{$})", T("còn trống", "free")),),
            low=0,
        ),
        Panel(
            "lines",
            T("Sự kiện chưa lưu", "Unsaved events"),
            T(
                "Sự kiện chờ cơ sở dữ liệu, và giao dịch hỏng.",
                "Events that wait for the database, and failed transactions.",
            ),
            "none",
            (
                Q("sum(diemcau_database_unsaved_events{$})", T("đang chờ", "waiting")),
                Q(
                    "sum(increase(diemcau_database_commit_failures_total{$}[$__rate_interval]))",
                    T("hỏng", "failed"),
                ),
            ),
            low=0,
        ),
        Panel(
            "lines",
            T("Đọc số liệu", "Scrape"),
            T(
                "Thời gian Prometheus đọc số liệu của cầu truyền hình.",
                "How long Prometheus needs to scrape the bridge.",
            ),
            "s",
            (Q(f'max(scrape_duration_seconds{{{BRIDGE},job="diem-cau"}})', T("đọc", "scrape")),),
            low=0,
        ),
        Panel(
            "table",
            T("Phiên bản", "Versions"),
            T("Phiên bản của cầu truyền hình.", "Version of the bridge."),
            "none",
            (Q("diemcau_build_info{$}"),),
            h=6,
            columns={"version": T("Phiên bản", "Version"), "python": T("Python", "Python")},
        ),
        Panel(
            "table",
            T("Tác nhân", "Agents"),
            T("Phiên bản tác nhân ở các điểm cầu.", "Versions of the points' agents."),
            "none",
            (Q("diemcau_agent_info{$}"),),
            h=6,
            to_point=True,
            columns={"point": T("Điểm cầu", "Point"), "version": T("Phiên bản", "Version")},
        ),
    ),
)

DASHBOARDS = (OVERVIEW, POINT_BOARD, CONFERENCES, BRIDGE_BOARD, LINES, SYSTEM)


def uid_of(board: Dashboard, language: Language) -> str:
    """The Vietnamese ones have the plain uid, which alerts link to."""
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


def document(board: Dashboard, language: Language) -> str:
    """A dashboard's JSON, as Grafana imports it."""
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
    point_uid = uid_of(POINT_BOARD, language)
    for item in board.items:
        if isinstance(item, Section):
            built.with_row(dashboard.Row(item.title.to(language)))
        else:
            built.with_panel(build(item, language, point_uid))
    encoded = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    for number, panel in enumerate(encoded["panels"], 1):
        panel["id"] = number
    return json.dumps(encoded, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def files() -> dict[Path, str]:
    """All files by path."""
    return {
        FOLDER / language / f"{uid_of(board, language)}.json": document(board, language)
        for board in DASHBOARDS
        for language in LANGUAGES
    }


def main(arguments: Sequence[str]) -> int:
    stale = [p for p, text in files().items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path} is not what monitoring.grafana.generate makes; run it.", file=sys.stderr)
        return 1 if stale else 0
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    print(f"{len(files())} dashboards, {len(stale)} of them new or changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
