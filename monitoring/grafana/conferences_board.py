"""The dashboard *Conferences*: joins, takes, the floor, and how long commands take."""

from __future__ import annotations

from monitoring.grafana.panels import Dashboard, Panel, T
from monitoring.grafana.promql import greatest, increase, quantile, quantile_shown, rate, total
from monitoring.grafana.scales import GREEN, NO, ON_AIR, ORANGE

BOARD = Dashboard(
    "diemcau-conferences",
    T("Điểm Cầu: Phiên họp", "Điểm Cầu: Conferences"),
    T("Các cuộc họp: tham gia, chuyển hình, phát biểu.", "Conferences: joins, takes, the floor."),
    (
        Panel("stat", "none", w=5, h=4)
        .vi("Đang chạy", "Phiên thử và cuộc họp đang diễn ra.")
        .en("Running", "Trial sessions and live conferences.")
        .query(total("conferences", "state"), "{{state}}"),
        Panel("stat", "none", w=7, h=4)
        .vi("Bắt đầu họp", "Số lần bắt đầu cuộc họp trong khoảng thời gian đang xem, theo kết quả.")
        .en("Starts", "Starts in the time shown, by result.")
        .query(increase("conference_starts_total", "result", window="$__range"), "{{result}}"),
        Panel("stat", "none", w=4, h=4)
        .vi("Lần chuyển hình", "Số lần đổi điểm lên hình trong khoảng thời gian đang xem.")
        .en("Takes", "Changes of who is on air in the time shown.")
        .query(increase("takes_total", window="$__range")),
        Panel("stat", "none", w=4, h=4)
        .vi("Chờ phát biểu", "Số điểm đang xin phát biểu.")
        .en("Waiting for the floor", "Points that ask for the floor now.")
        .query(total("floor_requests_waiting")),
        Panel("stat", "s", w=4, h=4)
        .vi("Thời lượng họp p50", "Trung vị thời lượng các cuộc họp đã kết thúc.")
        .en("Length p50", "Median length of the conferences that ended.")
        .query(quantile_shown(0.5, "conference_duration_seconds")),
        Panel("states", "none", h=10, values=ON_AIR, to_point=True)
        .vi("Đang lên hình", "Điểm cầu nào đang lên hình.")
        .en("On air", "Which point is on air.")
        .query(greatest("on_air", "point"), "{{point}}"),
        Panel("states", "none", h=10, values=ON_AIR, to_point=True)
        .vi("Đang phát biểu", "Điểm cầu nào được mời phát biểu.")
        .en("Has the floor", "Which point has the floor.")
        .query(greatest("floor_holder", "point"), "{{point}}"),
        Panel("lines", "s", low=0, limits=((None, GREEN), (1.0, ORANGE)))
        .vi("Thời gian chuyển hình", "Từ lúc ra lệnh tới lúc máy nhận đổi hình.")
        .en("Take duration", "From the order until a receiver's picture changed.")
        .query(quantile(0.5, "take_duration_seconds"), "p50")
        .query(quantile(0.95, "take_duration_seconds"), "p95"),
        Panel("lines", "none", low=0)
        .vi("Tham gia theo kết quả", "Số lần các điểm vào họp.")
        .en("Joins by result", "Attempts of points to join.")
        .query(increase("point_joins_total", "result"), "{{result}}"),
        Panel("lines", "s", low=0)
        .vi("Thời gian tham gia", "Từ lúc trang gửi yêu cầu tới lúc có kết nối.")
        .en("Join duration", "From a page's offer until its media is connected.")
        .query(quantile_shown(0.95, "point_join_duration_seconds"), "p95"),
        Panel("lines", "none", low=0)
        .vi("Ngắt kết nối theo lý do", "Số lần hình và tiếng của các điểm kết thúc.")
        .en("Disconnects by reason", "How often media of points ended.")
        .query(increase("point_disconnects_total", "reason"), "{{reason}}"),
        Panel("lines", "none", w=8, low=0)
        .vi("Xin phát biểu theo kết quả", "Được mời, tự rút, hay hết họp vẫn chưa được mời.")
        .en("Floor requests by outcome", "Granted, withdrawn, or unanswered at the end.")
        .query(increase("floor_requests_total", "result"), "{{result}}"),
        Panel("lines", "s", w=8, low=0)
        .vi("Thời gian chờ phát biểu", "Từ lúc xin tới lúc được mời phát biểu.")
        .en("Wait for the floor", "From a request until it was granted.")
        .query(quantile_shown(0.5, "floor_wait_seconds"), "p50")
        .query(quantile_shown(0.95, "floor_wait_seconds"), "p95"),
        Panel("bars", "s", h=10, low=0, to_point=True, limits=((None, GREEN), (60.0, ORANGE)))
        .vi(
            "Hình bị dừng theo điểm",
            "Tổng thời gian hình chính đứng yên ở từng điểm, trong khoảng thời gian đang xem.",
        )
        .en(
            "Frozen pictures by point",
            "How long the programme stood still at each point, in the time shown.",
        )
        .query(increase("media_frozen_seconds_total", "point", window="$__range"), "{{point}}"),
        Panel("lines", "none", w=8, low=0)
        .vi("Người theo dõi", "Số người đang theo dõi các cuộc họp, theo cách vào.")
        .en("Audience", "Who watches conferences, by how they were admitted.")
        .query(total("audience_viewers", "kind"), "{{kind}}"),
        Panel("lines", "none", w=8, low=0)
        .vi(
            "Không được theo dõi",
            "Số yêu cầu của người theo dõi bị từ chối, theo lý do; và số yêu cầu tải đoạn không có "
            "của bản ghi hình.",
        )
        .en(
            "Turned away",
            "Requests of viewers that were refused, by reason; and requests for ranges of "
            "recordings that there are not.",
        )
        .query(increase("audience_refused_total", "reason"), "{{reason}}")
        .query(increase("recordings_bad_ranges_total"), T("bản ghi hình", "recordings")),
        Panel("lines", "cps", w=8, low=0)
        .vi("Lệnh theo kết quả", "Số lệnh điều khiển mỗi giây.")
        .en("Commands by result", "Commands a second.")
        .query(rate("commands_total", "result"), "{{result}}")
        .query(rate("talkbacks_total", "result"), T("nói riêng {{result}}", "talkback {{result}}")),
        Panel("lines", "none", w=12, low=0)
        .vi("Vị trí máy quay theo kết quả", "Số lần gọi vị trí máy quay của các điểm cầu.")
        .en("Camera presets by result", "Presets of points' cameras that were called.")
        .query(increase("camera_presets_total", "result"), "{{result}}"),
        Panel("lines", "s", low=0)
        .vi("Thời gian trả lời lệnh p95", "Từ lúc nhận lệnh tới lúc đã lưu và trả lời.")
        .en("Command duration p95", "From a command until it was saved and answered.")
        .query(quantile(0.95, "command_duration_seconds"), "p95"),
        Panel("lines", "none", w=12, low=0)
        .vi(
            "Người theo dõi theo tiến trình",
            "Số người theo dõi mà mỗi tiến trình phục vụ, và số cuộc họp được chuyển tới đó.",
        )
        .en(
            "Audience by worker",
            "Viewers that each worker of the audience serves, and conferences relayed to it.",
        )
        .query(total("audience_worker_viewers", "worker"), "{{worker}}")
        .query(total("audience_relays", "worker"), "{{worker}} ←"),
        Panel("lines", "none", w=12, low=0)
        .vi("Chuyển tiếp tới người theo dõi", "Số lần mở và số lần hỏng, theo tiến trình.")
        .en("Relays to the audience", "How many were opened and failed, by worker.")
        .query(increase("audience_relays_opened_total", "worker"), "{{worker}}")
        .query(increase("audience_relays_failed_total", "worker"), "{{worker}} ✘"),
        Panel("lines", "none", w=12, low=0)
        .vi(
            "Thiết bị hội nghị qua SIP",
            "Cổng SIP có chạy không, đã đăng ký chưa, số cuộc gọi đang nối và số chiều hình phải "
            "mã hóa lại.",
        )
        .en(
            "Codecs over SIP",
            "Whether the gateway listens and is registered, calls that are up, and directions "
            "whose pictures are coded anew.",
        )
        .query(total("sip_gateway_up"), T("cổng SIP", "gateway"))
        .query(total("sip_registered"), T("đã đăng ký", "registered"))
        .query(total("sip_calls_up"), T("cuộc gọi", "calls"))
        .query(total("sip_transcoded_pictures"), T("mã hóa lại", "coded anew")),
        Panel("lines", "none", w=12, low=0)
        .vi(
            "Cuộc gọi SIP và điều bị từ chối",
            "Số lần gọi theo kết quả, và những gì cổng SIP từ chối hoặc bỏ qua, theo lý do.",
        )
        .en(
            "SIP calls, and what was refused",
            "Calls by result, and what the gateway refused or ignored, by reason.",
        )
        .query(increase("sip_calls_total", "result"), "{{result}}")
        .query(increase("sip_refused_total", "reason"), "{{reason}} ✘"),
        Panel("lines", "none", w=12, low=0)
        .vi("Cầu khác", "Số cầu khác đang nối, vắng mặt, và có hình và tiếng.")
        .en("Other bridges", "How many are connected, are away, and have media with this one.")
        .query(total("peers", "state"), "{{state}}")
        .query(total("peers_with_media"), T("có hình và tiếng", "with media")),
        Panel("lines", "none", w=12, low=0)
        .vi(
            "Điều bị từ chối giữa các cầu",
            "Kết nối hỏng và những gì không nhận từ cầu khác, theo lý do.",
        )
        .en(
            "Refused between bridges",
            "Connections that failed and what was not taken from other bridges, by reason.",
        )
        .query(increase("peer_refused_total", "reason"), "{{reason}} ✘"),
        Panel("lines", "none", w=12, low=0)
        .vi("Cuộc gọi của bàn tiếp dân", "Số cuộc gọi đã kết thúc, theo kết quả.")
        .en("Desk calls", "Calls of citizens' desks that ended, by outcome.")
        .query(increase("desk_calls_total", "result"), "{{result}}"),
        Panel("lines", "s", w=12, low=0)
        .vi("Thời gian nói chuyện ở bàn tiếp dân", "Tổng thời gian các cuộc gọi đã kết thúc.")
        .en("Talk at desks", "How long desks and officers have talked, when a call ends.")
        .query(increase("desk_call_talk_seconds_total"), T("nói chuyện", "talk")),
        Panel("states", "none", h=10, values=NO, to_point=True)
        .vi("Vắng mặt khi đang họp", "Điểm cần có mà chưa có hình và tiếng.")
        .en("Missing from the conference", "Points that are expected and have no media.")
        .query(
            "max by (point) (diemcau_point_expected{$} * on (instance, point) "
            "(1 - diemcau_point_connected{$}))",
            "{{point}}",
        ),
    ),
)
