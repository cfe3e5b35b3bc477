"""The dashboard *Point*: one point: its line, its media, its devices and its room PC."""

from __future__ import annotations

from functools import partial

from monitoring.grafana import promql
from monitoring.grafana.panels import Dashboard, Panel, Section, T
from monitoring.grafana.scales import (
    GREEN,
    LOSS,
    NO,
    ORANGE,
    QUALITY,
    RED,
    RTT,
    STATES,
    VARIATION,
    YES,
    ZERO_IS_GOOD,
)

greatest = partial(promql.greatest, where=promql.ONE_POINT)
increase = partial(promql.increase, where=promql.ONE_POINT)
probes = partial(promql.probes, where=promql.ONE_POINT)
quantile = partial(promql.quantile, where=promql.ONE_POINT)
rate = partial(promql.rate, where=promql.ONE_POINT)
share = partial(promql.share, where=promql.ONE_POINT)
total = partial(promql.total, where=promql.ONE_POINT)

BOARD = Dashboard(
    "diemcau-point",
    T("Điểm Cầu: Điểm cầu", "Điểm Cầu: Point"),
    T(
        "Một điểm cầu: đường truyền, hình, tiếng, thiết bị và máy phòng họp.",
        "One point: line, media, devices and the room PC.",
    ),
    (
        Panel("stat", "none", w=4, h=4, values=STATES)
        .vi("Trạng thái", "Trạng thái hiện tại của điểm cầu.")
        .en("State", "The point's state now.")
        .query('max(point:diemcau_point_state:code{$,point="$point"})'),
        Panel("stat", "none", w=5, h=4, values=QUALITY)
        .vi("Đường truyền", "Mức chất lượng mỗi chiều, như người dùng thấy.")
        .en("Line", "Level of each direction, as people see it.")
        .query(greatest("line_quality", "direction"), "{{direction}}"),
        Panel("stat", "none", w=5, h=4, limits=((None, RED), (3.0, ORANGE), (4.0, GREEN)))
        .vi("MOS ước tính", "Điểm ý kiến trung bình ước tính mỗi chiều, chỉ để xem xu hướng.")
        .en("Estimated MOS", "Estimated mean opinion score each way, as a trend only.")
        .query(greatest("line_mos", "direction"), "{{direction}}"),
        Panel("stat", "dateTimeFromNow", w=5, h=4)
        .vi("Thấy lần cuối", "Lần cuối điểm cầu có mặt.")
        .en("Last seen", "When the point was last there.")
        .query('1000 * max(diemcau_point_last_seen_timestamp_seconds{$,point="$point"} > 0)'),
        Panel("stat", "none", w=3, h=4, limits=ZERO_IS_GOOD)
        .vi("Sự cố đang mở", "Số sự cố chưa kết thúc của điểm cầu.")
        .en("Open incidents", "Incidents of the point that are open.")
        .query(total("point_incidents")),
        Panel("stat", "none", w=2, h=4, values=NO)
        .vi("Bảo trì", "Điểm đang bảo trì thì không có cảnh báo.")
        .en("Maintenance", "A point in maintenance raises no alerts.")
        .query(greatest("point_maintenance")),
        Section(T("Đường truyền", "Line")),
        Panel("heat", "s")
        .vi("Thời gian khứ hồi", "Phân bố thời gian khứ hồi của gói đo.")
        .en("Round trip", "Distribution of the probes' round trips.")
        .query(increase("probe_rtt_seconds_bucket", "le"), "{{le}}"),
        Panel("lines", "percentunit", limits=LOSS, low=0)
        .vi("Mất gói theo chiều", "Tỷ lệ gói đo bị mất, chiều lên và chiều xuống.")
        .en("Loss by direction", "Share of probes lost, upstream and downstream.")
        .query(probes("lost", "direction"), "{{direction}}"),
        Panel("lines", "s", limits=VARIATION, low=0)
        .vi("Biến động trễ p95", "Phân vị 95 của biến động trễ mỗi chiều.")
        .en("Delay variation p95", "95th percentile of the delay variation each way.")
        .query(quantile(0.95, "probe_delay_variation_seconds", "direction"), "{{direction}}"),
        Panel("lines", "s", low=0)
        .vi("Trễ một chiều p50", "Trung vị trễ một chiều; chỉ có khi cả hai đồng hồ đã đồng bộ.")
        .en("One-way delay p50", "Median one-way delay; only while both clocks are synchronised.")
        .query(quantile(0.5, "probe_one_way_delay_seconds", "direction"), "{{direction}}"),
        Panel("lines", "percentunit", limits=LOSS, low=0)
        .vi("Mất gói theo lớp", "Tỷ lệ mất gói của từng nhãn DSCP (46: EF, 34: AF41, 0: thường).")
        .en("Loss by class", "Loss of each DSCP (46: EF, 34: AF41, 0: best effort).")
        .query(probes("lost", "direction, dscp"), "{{direction}} {{dscp}}"),
        Panel("lines", "percentunit", low=0, high=1)
        .vi("Nhãn DSCP bị đổi", "Tỷ lệ gói đo tới nơi với nhãn khác.")
        .en("DSCP re-marked", "Share of probes that arrived with another mark.")
        .query(probes("remarked", "direction, dscp"), "{{direction}} {{dscp}}"),
        Panel("stat", "Bps", w=6, h=8)
        .vi("Dung lượng đo gần nhất", "Kết quả lần kiểm tra sẵn sàng gần nhất; 0 là chưa đo.")
        .en("Capacity last measured", "Of the last readiness sweep; 0: not measured.")
        .query(greatest("line_capacity_bytes_per_second", "direction"), "{{direction}}"),
        Panel("lines", "none", w=6, low=0)
        .vi("Chùm mất gói", "Số lần mất từ hai gói đo liên tiếp trở lên.")
        .en("Bursts of loss", "Losses of two or more probes in a row.")
        .query(increase("probe_bursts_total", "direction"), "{{direction}}"),
        Panel("lines", "percentunit", w=8, low=0)
        .vi("Đảo thứ tự, trùng lặp", "Tỷ lệ gói đo tới sai thứ tự hoặc tới hai lần.")
        .en("Reordered and duplicated", "Share of probes that overtook another, or came twice.")
        .query(
            probes("reordered", "direction"),
            T("đảo thứ tự {{direction}}", "reordered {{direction}}"),
        )
        .query(
            probes("duplicated", "direction"),
            T("trùng lặp {{direction}}", "duplicated {{direction}}"),
        ),
        Panel("lines", "s", w=4, low=0)
        .vi("Gói đo về lần cuối", "Bao lâu rồi chưa có gói đo nào của mỗi lớp quay về.")
        .en("Last probe that came back", "How long ago a probe of each class came back.")
        .query(
            "time() - max by (dscp) (diemcau_probe_last_success_timestamp_seconds"
            '{$,point="$point"} > 0)',
            "DSCP {{dscp}}",
        ),
        Section(T("Hình và tiếng", "Media")),
        Panel("lines", "Bps", low=0)
        .vi("Băng thông", "Hình và tiếng gửi lên và nhận xuống.")
        .en("Bitrate", "Media sent and received.")
        .query(rate("media_bytes_total", "direction, kind"), "{{direction}} {{kind}}"),
        Panel("lines", "percentunit", limits=LOSS, low=0)
        .vi("Mất gói RTP", "Tỷ lệ gói hình và tiếng mất hẳn (lên) hoặc do máy nhận báo (xuống).")
        .en(
            "RTP loss",
            "Share of media packets lost for good (up), or as the receiver reports (down).",
        )
        .query(
            share("media_packets_lost_total", "media_packets_total", "direction, kind"),
            "{{direction}} {{kind}}",
        ),
        Panel("lines", "pps", w=8, low=0)
        .vi("Yêu cầu gửi lại", "Số gói được yêu cầu gửi lại và số gói gửi lại mỗi giây.")
        .en("Repair", "Packets asked for again, and sent again, a second.")
        .query(rate("media_nacks_total", "direction"), "NACK {{direction}}")
        .query(rate("media_rtx_packets_total", "direction"), "RTX {{direction}}"),
        Panel("lines", "none", w=8, low=0)
        .vi("Khung hình khóa", "Số lần xin khung hình khóa.")
        .en("Key frames", "Requests for key frames.")
        .query(increase("media_key_frame_requests_total", "direction"), "{{direction}}"),
        Panel("lines", "none", w=8, low=0)
        .vi("Lớp hình", "Số lớp gửi lên và lớp đang xem ở khung hình chính.")
        .en("Layers", "Layers sent, and the layer shown in the programme slot.")
        .query(greatest("media_layer", "direction"), "{{direction}}"),
        Panel("lines", "percentunit", w=8, low=0)
        .vi(
            "Hình bị dừng, tiếng bị bù",
            "Tỷ lệ thời gian hình chính đứng yên và tiếng do trình duyệt tự bù.",
        )
        .en(
            "Frozen and concealed",
            "Share of the time that the programme stood still, and of sound made up.",
        )
        .query(greatest("media_frozen_ratio"), T("hình", "picture"))
        .query(greatest("media_concealed_ratio"), T("tiếng", "sound")),
        Panel("lines", "fps", w=8, low=0)
        .vi("Khung hình mỗi giây", "Tốc độ khung hình của hình chính tại điểm cầu.")
        .en("Frames a second", "Frame rate of the programme at the point.")
        .query(greatest("media_frame_rate"), T("khung hình", "frames")),
        Panel("lines", "none", w=8, low=0)
        .vi("Chiều cao hình", "Số dòng của hình chính tại điểm cầu.")
        .en("Frame height", "Lines of the programme at the point.")
        .query(greatest("media_frame_height_pixels"), T("dòng", "lines")),
        Panel("lines", "dB", low=-127, high=0)
        .vi("Mức tiếng micro", "Mức tiếng gửi lên; -127 là im lặng.")
        .en("Microphone level", "Level that is sent; -127 is silence.")
        .query(greatest("media_audio_level_decibels"), "dBov"),
        Panel("lines", "s", limits=RTT, low=0)
        .vi("Khứ hồi của hình, tiếng", "Thời gian khứ hồi theo RTCP.")
        .en("Round trip of media", "Round trip by RTCP.")
        .query(greatest("media_rtt_seconds"), "RTCP"),
        Panel("lines", "Bps", low=0)
        .vi(
            "Đường truyền và phần được chia",
            "Chiều xuống: đường truyền tải được, được chia, và đang dùng bao nhiêu.",
        )
        .en(
            "Line and share",
            "Downstream: what the line carries, what links give it, and what is used.",
        )
        .query(
            greatest("media_bitrate_estimate_bytes_per_second"), T("tải được", "the line carries")
        )
        .query(
            greatest("media_share_bytes_per_second", "direction"),
            T("được chia {{direction}}", "share {{direction}}"),
        )
        .query(
            greatest("media_used_bytes_per_second", "direction"),
            T("đang dùng {{direction}}", "used {{direction}}"),
        ),
        Panel("lines", "none", low=0)
        .vi(
            "Hình bị tạm dừng",
            "Số hình không gửi vì đường truyền không đủ, và số khung tiếng được lặp lại.",
        )
        .en(
            "Paused pictures",
            "Pictures that the line does not carry, and frames that the sound repeats.",
        )
        .query(greatest("media_paused_slots"), T("hình tạm dừng", "paused pictures"))
        .query(greatest("media_redundancy_frames", "direction"), "RED {{direction}}"),
        Section(T("Phòng họp", "The room")),
        Panel("stat", "none", w=8, h=6, values=YES)
        .vi("Thiết bị", "Camera (up video), micro (up audio), loa (down audio).")
        .en("Devices", "Camera (up video), microphone (up audio), speaker (down audio).")
        .query(
            'max by (direction, kind) (diemcau_point_device_present{$,point="$point",'
            'direction="up"}) or max by (direction, kind) (diemcau_point_device_present'
            '{$,point="$point",direction="down",kind="audio"})',
            "{{direction}} {{kind}}",
        ),
        Panel("lines", "percentunit", w=8, h=6, low=0, high=1)
        .vi("Máy phòng họp", "CPU, bộ nhớ và ổ đĩa đang dùng.")
        .en("Room PC", "CPU, memory and disk in use.")
        .query(greatest("point_host_cpu_ratio"), "CPU")
        .query(greatest("point_host_memory_ratio"), T("bộ nhớ", "memory"))
        .query(greatest("point_host_disk_ratio"), T("ổ đĩa", "disk")),
        Panel("lines", "celsius", w=8, h=6, limits=((None, GREEN), (80.0, ORANGE), (95.0, RED)))
        .vi("Nhiệt độ", "Nhiệt độ của máy phòng họp.")
        .en("Temperature", "Temperature of the room PC.")
        .query(greatest("point_host_temperature_celsius"), "°C"),
        Panel("stat", "none", w=4, h=6, values=YES)
        .vi("Đồng hồ đồng bộ", "Máy phòng họp báo đồng hồ đã đồng bộ hay chưa.")
        .en("Clock synchronised", "Whether the room PC says that its clock is synchronised.")
        .query(greatest("point_clock_synchronised")),
        Panel("lines", "s", w=8, h=6)
        .vi("Đồng hồ lệch", "Đồng hồ máy phòng họp nhanh hơn cầu truyền hình bao nhiêu.")
        .en("Clock offset", "How far the room PC's clock is ahead of the bridge's.")
        .query(greatest("point_clock_offset_seconds"), T("lệch", "offset")),
        Panel("lines", "none", w=8, h=6, low=0)
        .vi("Trình duyệt khởi động lại", "Số lần trình duyệt phòng họp được khởi động lại.")
        .en("Browser restarts", "How often the room's browser was started again.")
        .query(increase("point_kiosk_restarts_total"), T("lần", "times")),
        Panel("lines", "none", w=8, h=6, low=0)
        .vi("Ngắt kết nối theo lý do", "Số lần hình và tiếng của điểm cầu kết thúc.")
        .en("Disconnects by reason", "How often the point's media ended.")
        .query(increase("point_disconnects_total", "reason"), "{{reason}}"),
    ),
    variable="one",
)
