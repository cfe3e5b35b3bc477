"""Is a point ready for a conference? From what was found out to checks that pass or fail, each with
a reason and a next step. Pure.

A check is pass, warn, fail or unknown. ``reason`` and ``step`` are keys of sentences in the
catalogues (``ready.reason.…``, ``ready.step.…``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from monitoring.probing.delays import Delays
from monitoring.quality.line_state import Mark
from monitoring.statistics import wilson

Level = Literal["pass", "warn", "fail", "unknown"]
ORDER: tuple[Level, ...] = ("pass", "unknown", "warn", "fail")
EXIT_CODES: dict[Level, int] = {"pass": 0, "unknown": 1, "warn": 1, "fail": 2}
CHECKS = (
    "reach",
    "loss_down",
    "loss_up",
    "variation_down",
    "variation_up",
    "round_trip",
    "dscp",
    "capacity",
    "agent",
    "kiosk",
    "camera",
    "microphone",
    "speaker",
    "call",
    "clock",
    "certificate",
    "disk",
)

LOSS_WARN, LOSS_FAIL = 0.01, 0.05
VARIATION_WARN, VARIATION_FAIL = 30.0, 100.0  # ms, p95
ROUND_TRIP_WARN, ROUND_TRIP_FAIL = 100.0, 300.0  # ms, p95
STEP_LOSS_WARN, STEP_LOSS_FAIL = 0.01, 0.03  # share lost at a step of the capacity test
CLOCK_WARN, CLOCK_FAIL = 1.0, 30.0  # seconds: times in logs; certificates and schedules
CERTIFICATE_WARN = 14.0  # days
DISK_WARN, DISK_FAIL = 0.90, 0.97  # share in use
DISK_LEAST = 300 << 20  # octets free
MIN_PACKETS = 30  # of a window, to judge loss


class Check(NamedTuple):
    """One check's outcome. ``values`` fill the places in the sentences."""

    name: str
    level: Level
    reason: str
    step: str = ""
    values: dict[str, str] = {}  # noqa: RUF012 - never changed


class StepFound(NamedTuple):
    """A step of the capacity test: kbit/s offered, share lost, p95 of the added delay in ms."""

    share: float
    down: float
    up: float
    down_loss: float
    up_loss: float
    down_delay: float
    up_delay: float


@dataclass(slots=True)
class Facts:
    """What was found out of a point. None: not known. ``capacity`` is None where it was not
    tested, with the reason in ``capacity_skipped``."""

    connected: bool = False  # a page of the point is here
    in_conference: bool = False  # and its media flows in a conference: nothing is tested then
    probed: bool = False
    reachable: bool | None = None
    down: tuple[int, int] = (0, 0)  # packets and lost, in the window
    up: tuple[int, int] = (0, 0)
    delays: Delays | None = None
    marks: dict[str, Mark] = field(default_factory=dict)
    capacity: list[StepFound] | None = None
    capacity_skipped: str = ""
    agent: bool = False
    had_agent: bool = False
    kiosk: str = ""
    kiosk_reason: str = ""
    devices: frozenset[str] | None = None
    room_camera: bool | None = None
    room_microphone: bool | None = None
    call: Call | None = None
    synchronised: bool | None = None
    offset: float | None = None  # seconds
    uncertainty: float = 0.0
    certificate_days: float | None = None  # None: no TLS here
    disk: float | None = None
    disk_free: int | None = None
    observer: bool = False  # sends nothing


class Call(NamedTuple):
    """What a test call found: whether it connected, and whether picture and sound came back;
    ``own`` where they were the room's own camera and microphone, not a test card and a tone."""

    connected: bool
    picture: bool
    sound: bool
    detail: str = ""
    own: bool = False


def evaluate(facts: Facts) -> list[Check]:
    """All checks of a point, in the order of `CHECKS`."""
    return [
        *_line(facts),
        _dscp(facts),
        _capacity(facts),
        _agent(facts),
        _kiosk(facts),
        _device(facts, "camera", facts.room_camera),
        _device(facts, "microphone", facts.room_microphone),
        _device(facts, "speaker", None),
        _call(facts),
        _clock(facts),
        _certificate(facts),
        _disk(facts),
    ]


def overall(checks: list[Check]) -> Level:
    """The worst level."""
    return max((check.level for check in checks), key=ORDER.index, default="unknown")


def _line(facts: Facts) -> list[Check]:
    if not facts.probed or facts.reachable is None:
        reason = "line_unprobed" if not facts.connected else "line_media_only"
        level: Level = "unknown" if facts.connected else "fail"
        step = "start_agent" if facts.connected else "start_room"
        return [Check("reach", level, reason, step)] + [
            Check(name, "unknown", "not_measured") for name in CHECKS[1:6]
        ]
    if not facts.reachable:
        return [Check("reach", "fail", "unreachable", "check_cable")] + [
            Check(name, "unknown", "not_measured") for name in CHECKS[1:6]
        ]
    found = [Check("reach", "pass", "reachable")]
    for name, (packets, lost) in (("loss_down", facts.down), ("loss_up", facts.up)):
        found.append(_loss(name, packets, lost))
    delays = facts.delays
    if delays is None:
        return found + [Check(name, "unknown", "not_measured") for name in CHECKS[3:6]]
    for name, value in (
        ("variation_down", delays.variation_down[1]),
        ("variation_up", delays.variation_up[1]),
    ):
        found.append(
            _limits(name, value, VARIATION_WARN, VARIATION_FAIL, name, "call_carrier_delay")
        )
    found.append(
        _limits(
            "round_trip",
            delays.round_trip[1],
            ROUND_TRIP_WARN,
            ROUND_TRIP_FAIL,
            "round_trip",
            "call_carrier_delay",
        )
    )
    return found


def _loss(name: str, packets: int, lost: int) -> Check:
    if packets < MIN_PACKETS:
        return Check(name, "unknown", "not_measured")
    share = lost / packets
    values = {"loss": f"{100 * share:.1f}", "lost": str(lost), "packets": str(packets)}
    # One lost packet of a short window is no proof of a bad line: the warning wants an interval
    # (99 %) that lies above nothing, or two lost packets.
    if share >= LOSS_FAIL and wilson(lost, packets)[0] > LOSS_WARN / 2:
        return Check(name, "fail", name, f"{name}_step", values)
    if share >= LOSS_WARN and lost >= 2:
        return Check(name, "warn", name, f"{name}_step", values)
    return Check(name, "pass", "loss_fine", "", values)


def _limits(name: str, value: float, warn: float, fail: float, reason: str, step: str) -> Check:
    level: Level = "fail" if value >= fail else "warn" if value >= warn else "pass"
    values = {"value": f"{value:.0f}" if value >= 10 else f"{value:.1f}", "limit": f"{warn:.0f}"}
    if level == "pass":
        return Check(name, level, "delay_fine", "", values)
    return Check(name, level, reason, step, values)


def _dscp(facts: Facts) -> Check:
    """Kept, or taken off, and on which way."""
    if facts.reachable is not True:
        return Check("dscp", "unknown", "not_measured")
    down = [
        f"{k}: {m.sent} -> {m.down}"
        for k, m in facts.marks.items()
        if m.down is not None and m.down != m.sent
    ]
    up = [
        f"{k}: {m.sent} -> {m.up}"
        for k, m in facts.marks.items()
        if m.up is not None and m.up != m.sent
    ]
    known = any(m.down is not None for m in facts.marks.values())
    values = {"marks": ", ".join(dict.fromkeys(down + up))}
    if down and up:
        return Check("dscp", "warn", "dscp_both", "dscp_step", values)
    if down:
        return Check("dscp", "warn", "dscp_down", "dscp_step", values)
    if up:
        return Check("dscp", "warn", "dscp_up", "dscp_step", values)
    if not known:
        return Check("dscp", "unknown", "not_measured")
    return Check("dscp", "pass", "dscp_kept")


def _capacity(facts: Facts) -> Check:
    if facts.capacity is None and facts.in_conference:
        # Not tested on purpose, which is no fault of the point: it is in the conference.
        return Check("capacity", "pass", "capacity_in_conference")
    if facts.capacity is None:
        return Check("capacity", "unknown", facts.capacity_skipped or "not_measured")
    if not facts.capacity:
        return Check("capacity", "unknown", "not_measured", "check_cable")
    last = facts.capacity[-1]
    worst = max(last.down_loss, last.up_loss)
    way = "down" if last.down_loss >= last.up_loss else "up"
    values = {
        "down": f"{last.down / 1000:.1f}",
        "up": f"{last.up / 1000:.1f}",
        "loss": f"{100 * worst:.1f}",
        "share": f"{100 * last.share:.0f}",
    }
    if last.share < 1 or worst >= STEP_LOSS_FAIL:
        return Check("capacity", "fail", f"capacity_{way}", "capacity_step", values)
    if worst >= STEP_LOSS_WARN:
        return Check("capacity", "warn", f"capacity_{way}", "capacity_step", values)
    return Check("capacity", "pass", "capacity_fine", "", values)


def _agent(facts: Facts) -> Check:
    if facts.agent:
        return Check("agent", "pass", "agent_here")
    if facts.had_agent:
        return Check("agent", "fail", "agent_away", "start_agent")
    return Check("agent", "unknown", "agent_never", "install_agent")


def _kiosk(facts: Facts) -> Check:
    if not facts.agent:
        if facts.connected:
            return Check("kiosk", "pass", "kiosk_page")
        return Check("kiosk", "unknown", "not_measured")
    values = {"reason": facts.kiosk_reason or "–"}
    match facts.kiosk:
        case "failed":
            return Check("kiosk", "fail", "kiosk_failed", "kiosk_step", values)
        case "starting" | "waiting":
            return Check("kiosk", "warn", "kiosk_starting", "wait", values)
        case _ if not facts.connected:
            return Check("kiosk", "fail", "kiosk_page_away", "kiosk_step", values)
        case "off":
            return Check("kiosk", "pass", "kiosk_page")
        case _:
            return Check("kiosk", "pass", "kiosk_fine")


def _device(facts: Facts, kind: str, in_page: bool | None) -> Check:
    if facts.observer and kind != "speaker":
        return Check(kind, "pass", "observer")
    there = kind in facts.devices if facts.devices is not None else None
    if there is False:
        return Check(kind, "fail", f"{kind}_missing", f"{kind}_step")
    if in_page is False:
        return Check(kind, "fail", f"{kind}_unused", f"{kind}_step")
    if there is None and in_page is None:
        return Check(kind, "unknown", "not_measured")
    return Check(kind, "pass", f"{kind}_fine")


def _call(facts: Facts) -> Check:
    call = facts.call
    if call is None and facts.in_conference:
        return Check("call", "pass", "call_in_conference")
    if call is None:
        return Check("call", "unknown", "not_measured")
    values = {"detail": call.detail or "–"}
    own = "_own" if call.own else ""
    if not call.connected:
        return Check("call", "fail", "call_failed", "call_step", values)
    if not (call.picture and call.sound):
        missing = "picture" if not call.picture else "sound"
        return Check("call", "fail", f"call_no_{missing}{own}", f"call_step{own}", values)
    return Check("call", "pass", f"call_fine{own}")


def _clock(facts: Facts) -> Check:
    offset = facts.offset
    if offset is not None and abs(offset) - facts.uncertainty >= CLOCK_WARN:
        level: Level = "fail" if abs(offset) - facts.uncertainty >= CLOCK_FAIL else "warn"
        return Check("clock", level, "clock_wrong", "clock_step", {"offset": f"{offset:+.1f}"})
    if facts.synchronised is False:
        return Check("clock", "warn", "clock_loose", "clock_step")
    if facts.synchronised is None and offset is None:
        return Check("clock", "unknown", "not_measured")
    return Check("clock", "pass", "clock_fine")


def _certificate(facts: Facts) -> Check:
    days = facts.certificate_days
    if days is None:
        return Check("certificate", "pass", "certificate_none")
    values = {"days": f"{days:.0f}"}
    if days <= 0:
        return Check("certificate", "fail", "certificate_over", "certificate_step", values)
    if days < CERTIFICATE_WARN:
        return Check("certificate", "warn", "certificate_soon", "certificate_step", values)
    return Check("certificate", "pass", "certificate_fine", "", values)


def _disk(facts: Facts) -> Check:
    if facts.disk is None:
        return Check("disk", "unknown", "not_measured")
    values = {"used": f"{100 * facts.disk:.0f}"}
    short = facts.disk_free is not None and facts.disk_free < DISK_LEAST
    if facts.disk >= DISK_FAIL or short:
        return Check("disk", "fail", "disk_full", "disk_step", values)
    if facts.disk >= DISK_WARN:
        return Check("disk", "warn", "disk_full", "disk_step", values)
    return Check("disk", "pass", "disk_fine", "", values)
