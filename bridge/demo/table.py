"""The table that a demo shows in a terminal: each point's state, pictures and line."""

from __future__ import annotations

from rich.table import Table

from bridge.app.process import ControlProcess
from bridge.conference.model import PointId
from bridge.conference.plan import PROGRAMME
from bridge.demo.findings import Findings, Forwarding
from monitoring.statistics import percentile

COLUMNS = (
    "Điểm cầu",
    "Trạng thái",
    "Hình",
    "Đang xem",
    "Trễ hình",
    "Lên",
    "Xuống",
    "Khứ hồi",
)
STATES = {
    "in_session": "[green]● trong phiên[/]",
    "ready": "[cyan]◌ sẵn sàng[/]",
    "connecting": "[yellow]◔ đang kết nối[/]",
    "lost": "[red]▲ mất kết nối[/]",
    "offline": "[dim]○ ngoại tuyến[/]",
}
LEVELS = {
    "good": "[green]tốt",
    "fair": "[yellow]khá",
    "poor": "[red]kém",
    "bad": "[bold red]rất kém",
    "unknown": "[dim]chưa rõ",
}
ON_AIR = " [bold white on red] ĐANG PHÁT [/]"


def table(process: ControlProcess, findings: Findings, forwarding: Forwarding) -> Table:
    """The points as they are now."""
    control = process.control
    states = control.publisher.point_states()
    on_air = {state.on_air for state in process.conductor.running()}
    made = Table(title=process.topology.bridge.name.vi, caption=caption(forwarding))
    for heading in COLUMNS:
        made.add_column(heading)
    for point in process.topology.points:
        session = control.sessions.of_point(PointId(point.id))
        reports = session.reports if session is not None else {}
        programme = reports.get(PROGRAMME)
        delays = sorted(r.latency_ms for r in reports.values() if r.latency_ms is not None)
        line = process.health.quality.get(point.id)
        made.add_row(
            point.name.vi + (ON_AIR if point.id in on_air else ""),
            STATES[states[point.id]],
            f"{findings.seen_by(point.id)}/{len(findings.points) - 1}",
            programme.point if programme is not None else "",
            f"{percentile(delays, 0.5):.0f} ms" if delays else "",
            level(line.up, line.up_loss) if line is not None else "",
            level(line.down, line.down_loss) if line is not None else "",
            f"{line.rtt_ms:.1f} ms" if line is not None and line.reach == "yes" else "",
        )
    return made


def caption(forwarding: Forwarding) -> str:
    """What forwarding costs now; empty before it was looked at."""
    if not forwarding.measured():
        return ""
    p50, p99 = forwarding.delay_us
    return (
        f"{forwarding.rate_now:,.0f} packets/s forwarded, "
        f"{forwarding.cpu_us_per_packet:.1f} µs CPU each, "
        f"delay p50 {p50 / 1000:.2f} ms, p99 {p99 / 1000:.2f} ms"
    )


def level(name: str, loss: float) -> str:
    """A level of quality and the share lost (0–1), in a colour."""
    return f"{LEVELS[name]}[/] {100 * loss:.1f} %"
