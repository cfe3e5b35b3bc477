"""The dashboard *Bridge*: the control process and the media worker."""

from __future__ import annotations

from monitoring.grafana.panels import Dashboard, Panel, T
from monitoring.grafana.promql import greatest, increase, quantile, quantile_shown, rate, total
from monitoring.grafana.scales import GREEN, ORANGE

BOARD = Dashboard(
    "diemcau-bridge",
    T("Điểm Cầu: Máy chủ cầu", "Điểm Cầu: Bridge"),
    T(
        "Tiến trình điều khiển và tiến trình chuyển tiếp hình, tiếng.",
        "The control process and the media worker.",
    ),
    (
        Panel("stat", "none", w=5, h=4)
        .vi("Tiến trình chuyển tiếp", "Số tiến trình theo trạng thái.")
        .en("Workers", "Workers by state.")
        .query(total("workers", "state"), "{{state}}"),
        Panel("stat", "s", w=5, h=4)
        .vi("Đã chạy", "Thời gian từ lúc tiến trình chuyển tiếp khởi động.")
        .en("Uptime", "Since the worker's start.")
        .query("min(diemcau_worker_uptime_seconds{$})"),
        Panel("stat", "none", w=4, h=4)
        .vi("Khởi động lại", "Số lần khởi động trong khoảng thời gian đang xem.")
        .en("Worker starts", "Starts in the time shown.")
        .query(increase("worker_starts_total", window="$__range")),
        Panel("stat", "s", w=5, h=4)
        .vi("CPU mỗi gói", "Thời gian CPU để chuyển tiếp một gói, trung bình 5 phút.")
        .en("CPU a packet", "CPU time for one forwarded packet, mean of 5 minutes.")
        .query("max(worker:diemcau_worker_cpu_per_packet:seconds_5m{$})"),
        Panel("stat", "none", w=5, h=4)
        .vi("Gói mỗi lần gửi", "Số gói trung bình trong một lời gọi gửi gộp (GSO).")
        .en("Packets a send", "Mean packets in a call that sends several at once (GSO).")
        .query(
            "sum(increase(diemcau_worker_gso_segments_total{$}[$__range])) / "
            "sum(increase(diemcau_worker_gso_batches_total{$}[$__range]))"
        ),
        Panel("lines", "pps", low=0)
        .vi("Gói hình và tiếng", "Gói nhận vào và gửi ra mỗi giây.")
        .en("Packets", "Packets in and out a second.")
        .query(rate("worker_packets_received_total"), T("nhận", "received"))
        .query(rate("worker_packets_forwarded_total"), T("gửi", "forwarded")),
        Panel("lines", "Bps", low=0)
        .vi("Băng thông gửi ra", "Tổng băng thông gửi tới các điểm.")
        .en("Bytes forwarded", "What is sent to all receivers.")
        .query(rate("worker_bytes_forwarded_total"), T("gửi", "forwarded")),
        Panel("lines", "s", low=0)
        .vi("Trễ chuyển tiếp", "Từ lúc gói tới nhân hệ điều hành tới lúc các bản sao được gửi.")
        .en("Forwarding delay", "From a packet's arrival in the kernel until its copies were sent.")
        .query(quantile(0.5, "worker_forwarding_delay_seconds"), "p50")
        .query(quantile(0.99, "worker_forwarding_delay_seconds"), "p99"),
        Panel("lines", "none", low=0)
        .vi("CPU", "Số lõi CPU đang dùng của hai tiến trình.")
        .en("CPU", "Cores in use by both processes.")
        .query(
            rate("worker_cpu_seconds_total", "worker"),
            T("chuyển tiếp {{worker}}", "worker {{worker}}"),
        )
        .query(rate("process_cpu_seconds_total"), T("điều khiển", "control")),
        Panel("lines", "none", low=0)
        .vi("Cuộc họp theo tiến trình", "Số cuộc họp mà mỗi tiến trình chuyển tiếp đang giữ.")
        .en("Conferences by worker", "Conferences that each worker of points holds.")
        .query(total("worker_conferences", "worker"), "{{worker}}"),
        Panel("lines", "pps", low=0)
        .vi("Gói bị loại theo lý do", "Gói không được dùng, theo lý do.")
        .en("Drops by reason", "Packets that were not used, by reason.")
        .query(
            "sum by (reason) (rate(diemcau_worker_packets_dropped_total{$}[$__rate_interval])) > 0",
            "{{reason}}",
        ),
        Panel("lines", "s", low=0, limits=((None, GREEN), (0.1, ORANGE)))
        .vi(
            "Vòng lặp chậm",
            "Phân vị 99 của tiến trình điều khiển và giá trị lớn nhất của tiến trình chuyển tiếp.",
        )
        .en("Event-loop lag", "99th percentile of the control process, maximum of the worker.")
        .query(quantile(0.99, "event_loop_lag_seconds"), T("điều khiển", "control"))
        .query(greatest("worker_event_loop_lag_seconds"), T("chuyển tiếp", "worker")),
        Panel("lines", "bytes", w=8, low=0)
        .vi("Bộ nhớ", "Bộ nhớ của tiến trình chuyển tiếp.")
        .en("Memory", "Memory of the worker.")
        .query(greatest("worker_resident_memory_bytes", "worker"), "{{worker}}"),
        Panel("lines", "none", w=8, low=0)
        .vi("Kết nối theo trạng thái", "Các kết nối WebRTC của tiến trình chuyển tiếp.")
        .en("Transports by state", "WebRTC transports of the worker.")
        .query(total("transports", "state"), "{{state}}"),
        Panel("lines", "none", w=8, low=0)
        .vi("Kết nối hỏng", "ICE không tới, DTLS không xong, hoặc im lặng.")
        .en("Failed transports", "No ICE check, no end of DTLS, or silence.")
        .query(increase("transport_failures_total", "reason"), "{{reason}}"),
        Panel("lines", "none", w=8, low=0)
        .vi(
            "Yêu cầu hình khóa",
            "Số lần người nhận xin hình khóa, và số lần máy chủ xin nguồn hình: dù bao nhiêu người "
            "xin, nguồn hình chỉ được hỏi ít lần.",
        )
        .en(
            "Key frames asked for",
            "How often receivers asked, and how often senders were asked: far less, however many "
            "receivers ask.",
        )
        .query(
            increase("worker_key_frame_requests_received_total", "worker"),
            T("nhận {{worker}}", "received {{worker}}"),
        )
        .query(
            increase("worker_key_frame_requests_sent_total", "worker"),
            T("gửi {{worker}}", "sent {{worker}}"),
        ),
        Panel("lines", "none", w=8, low=0)
        .vi("WebSocket", "Số trang đang kết nối và số lần cầu truyền hình ngắt.")
        .en("WebSocket", "Pages connected, and connections that the bridge closed.")
        .query(total("websocket_clients"), T("trang", "pages"))
        .query(increase("websocket_drops_total", "reason"), "{{reason}}"),
        Panel("lines", "s", w=8, low=0)
        .vi("Lưu sự kiện p95", "Thời gian một giao dịch lưu sự kiện.")
        .en("Commit p95", "Time of a transaction with events.")
        .query(quantile_shown(0.95, "database_commit_duration_seconds"), "p95"),
        Panel("stat", "s", w=4, h=8)
        .vi("Điều khiển đã chạy", "Thời gian từ lúc tiến trình điều khiển khởi động.")
        .en("Control uptime", "Since the control process started.")
        .query("time() - min(diemcau_process_start_time_seconds{$})"),
        Panel("lines", "pps", w=12, low=0)
        .vi("Gói đo bất thường", "Gói lạ, gói không dùng được, gói không gửi được hoặc bị bỏ qua.")
        .en("Odd probe packets", "Strange or unusable packets, and those not sent or skipped.")
        .query(rate("prober_packets_total", "result"), "{{result}}"),
        Panel("lines", "s", w=8, low=0)
        .vi("Đo chậm", "Gói đo gửi chậm bao nhiêu (p99).")
        .en("Prober lateness", "How late probes leave (p99).")
        .query(greatest("prober_lateness_seconds"), "p99"),
    ),
)
