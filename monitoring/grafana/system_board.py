"""The dashboard *System*: disk, certificate, configuration, logins and versions."""

from __future__ import annotations

from monitoring.grafana.panels import Dashboard, Panel, T
from monitoring.grafana.promql import increase, total
from monitoring.grafana.scales import GREEN, ORANGE, RED, YES

BOARD = Dashboard(
    "diemcau-system",
    T("Điểm Cầu: Hệ thống", "Điểm Cầu: System"),
    T(
        "Ghi hình, ổ đĩa, chứng thư, cấu hình và đăng nhập.",
        "Recording, disk, certificates, configuration and logins.",
    ),
    (
        Panel("stat", "none", w=4, h=4)
        .vi("Đang ghi hình", "Số cuộc họp đang thật sự được ghi hình.")
        .en("Recordings", "Conferences of which something is being written.")
        .query(total("recordings_active")),
        Panel("stat", "percentunit", w=5, h=4, limits=((None, RED), (0.1, ORANGE), (0.2, GREEN)))
        .vi("Ổ đĩa còn trống", "Phần còn trống của ổ đĩa chứa dữ liệu của cầu truyền hình.")
        .en("Free disk", "Free share of the disk that holds the bridge's state.")
        .query("min(diemcau_disk_free_bytes{$} / (diemcau_disk_size_bytes{$} > 0))"),
        Panel("stat", "dateTimeFromNow", w=5, h=4)
        .vi("Chứng thư hết hạn", "Trống nếu cầu truyền hình chạy không có chứng thư.")
        .en("Certificate expires", "Empty where the bridge runs without a certificate.")
        .query("1000 * min(diemcau_certificate_expiry_timestamp_seconds{$} > 0)"),
        Panel("stat", "none", w=5, h=4, values=YES)
        .vi("Nạp cấu hình", "Lần nạp cấu hình gần nhất có thành công không.")
        .en("Configuration", "Whether the last topology asked for was taken in.")
        .query("min(diemcau_config_last_reload_successful{$})"),
        Panel("stat", "dateTimeFromNow", w=5, h=4)
        .vi("Nạp lần cuối", "Lần cuối cấu hình được nạp.")
        .en("Last taken in", "When the topology was last taken in.")
        .query("1000 * max(diemcau_config_last_reload_success_timestamp_seconds{$})"),
        Panel("lines", "none", low=0)
        .vi("Đăng nhập bị từ chối", "Mật khẩu, khóa và mã bị từ chối, theo lý do.")
        .en("Refused logins", "Refused passwords, keys and codes, by reason.")
        .query(increase("authentication_failures_total", "reason"), "{{reason}}"),
        Panel("lines", "bytes", low=0)
        .vi("Ổ đĩa", "Dung lượng còn trống, và dung lượng các bản ghi hình.")
        .en("Disk", "Free space, and the size of the recordings.")
        .query("min(diemcau_disk_free_bytes{$})", T("còn trống", "free"))
        .query(total("recordings_bytes"), T("bản ghi hình", "recordings")),
        Panel("lines", "none", low=0)
        .vi("Sự kiện chưa lưu", "Sự kiện chờ cơ sở dữ liệu, và giao dịch hỏng.")
        .en("Unsaved events", "Events that wait for the database, and failed transactions.")
        .query(total("database_unsaved_events"), T("đang chờ", "waiting"))
        .query(increase("database_commit_failures_total"), T("hỏng", "failed")),
        Panel("lines", "s", low=0)
        .vi("Đọc số liệu", "Thời gian Prometheus đọc số liệu của cầu truyền hình.")
        .en("Scrape", "How long Prometheus needs to scrape the bridge.")
        .query('max(scrape_duration_seconds{$,job="diem-cau"})', T("đọc", "scrape")),
        Panel("stat", "none", w=5, h=4, values=YES)
        .vi("Chuyển tiếp biên dịch", "Mọi tiến trình truyền có chạy mã biên dịch không.")
        .en("Compiled forwarding", "Whether every media worker forwards with compiled code.")
        .query("min(diemcau_worker_compiled{$})"),
        Panel("stat", "none", w=5, h=4, values=YES)
        .vi(
            "Tiến trình truyền dự phòng",
            "Có tiến trình thứ hai chờ sẵn để thay tiến trình bị hỏng không.",
        )
        .en("Spare worker", "Whether a second media worker waits to replace one that dies.")
        .query("min(diemcau_worker_spare_ready{$})"),
        Panel("table", "none", h=6)
        .vi("Phiên bản", "Phiên bản của cầu truyền hình.")
        .en("Versions", "Version of the bridge.")
        .query("diemcau_build_info{$}")
        .column("version", "Phiên bản", "Version")
        .column("python", "Python", "Python"),
        Panel("table", "none", h=6, to_point=True)
        .vi("Phần mềm tại điểm cầu", "Phiên bản phần mềm ở các điểm cầu.")
        .en("Agents", "Versions of the points' agents.")
        .query("diemcau_agent_info{$}")
        .column("point", "Điểm cầu", "Point")
        .column("version", "Phiên bản", "Version"),
    ),
)
