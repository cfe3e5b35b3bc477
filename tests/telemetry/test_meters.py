"""What the bridge counts of what happens in it."""

from __future__ import annotations

from bridge.conference import events as e
from bridge.conference.apply import apply
from bridge.conference.model import Booking, Rules, State, Title
from bridge.telemetry.meters import Meters, Running
from monitoring.exposition import catalogue
from tests.telemetry.support import stats, transport

POINTS = ("hoi-truong", "an-binh", "khoan-du")


def test_a_counter_that_begins_anew_goes_on() -> None:
    running = Running()
    assert [running.feed(("x",), "first", v) for v in (3, 5, 5)] == [3, 2, 0]
    assert running.feed(("x",), "second", 4) == 4
    assert running.feed(("x",), "second", 2) == 0  # nobody counts backwards
    assert running.feed(("x",), "second", 3) == 1
    assert running.totals["x",] == 10


def booking() -> Booking:
    return Booking(
        id="c1",
        title=Title(vi="Họp", en="Briefing"),
        chair="hoi-truong",
        points=POINTS,
        rules=Rules(),
    )


class Log:
    """Events into meters, as the conductor tells them."""

    def __init__(self) -> None:
        self.meters = Meters()
        self.state: State | None = None
        self.at = 1000.0

    def tell(self, *events: e.Event, after: float = 1.0) -> None:
        for event in events:
            self.at += after
            seq = 1 if self.state is None else self.state.seq + 1
            recorded = e.Recorded(
                conference="c1", seq=seq, at=self.at, actor="user:x", reason="", event=event
            )
            self.state = apply(self.state, recorded)
            self.meters.changed("c1", self.state, [recorded])


def test_the_floor_from_request_to_outcome() -> None:
    log = Log()
    log.tell(e.Opened(booking=booking()), e.Started())
    log.tell(e.FloorRequested(point="an-binh", number=1))
    log.tell(e.FloorRequested(point="khoan-du", number=2))
    log.tell(e.FloorGranted(point="an-binh", previous="hoi-truong", number=1), after=40)
    log.tell(e.FloorWithdrawn(point="khoan-du"))
    log.tell(e.FloorRequested(point="khoan-du", number=3))
    log.tell(e.FloorGranted(point="hoi-truong", previous="an-binh"))  # nobody asked for it
    log.tell(e.Ended(), after=3000)
    counts = log.meters.counts
    outcomes = {k[1]: v for k, v in counts.items() if k[0] == "floor_requests_total"}
    assert outcomes == {"granted": 1, "withdrawn": 1, "unanswered": 1}
    assert log.meters.waits.total == 41
    assert log.meters.waits.count == 1
    assert counts["takes_total",] == 2
    assert counts["conference_starts_total", "started"] == 1
    assert log.meters.lengths.count == 1
    assert 3000 < log.meters.lengths.total < 3100


def test_a_trial_session_that_never_started_has_no_length() -> None:
    log = Log()
    log.tell(e.Opened(booking=booking()), e.Ended())
    assert log.meters.lengths.count == 0


def test_commands_by_result() -> None:
    meters = Meters()
    for word, result in (
        ("start", "done"),
        ("start", "refused"),
        ("start", "not_saved"),
        ("take", "done"),
        ("take", "failed"),
    ):
        meters.command(word, result, 0.002)
    assert meters.counts["commands_total", "done"] == 2
    assert meters.commands.count == 5
    # One that succeeded is counted where it happened, also when nobody gave the command.
    starts = {k[1]: v for k, v in meters.counts.items() if k[0] == "conference_starts_total"}
    assert starts == {"refused": 1, "not_saved": 1}
    meters.committed(0.01, True)
    meters.committed(5.0, False)
    assert meters.commits.count == 1
    assert meters.counts["database_commit_failures_total",] == 1


def test_joins_and_disconnects() -> None:
    meters = Meters()
    meters.offered("an-binh", 10.0)
    meters.connected("an-binh", 10.8)
    meters.disconnected("an-binh", "vanished")
    meters.connected("an-binh", 20.0)  # it came back by itself: no new join
    meters.offered("khoan-du", 30.0)
    meters.disconnected("khoan-du", "failed")  # it never was there
    assert meters.counts["point_joins_total", "an-binh", "joined"] == 1
    assert meters.counts["point_joins_total", "khoan-du", "failed"] == 1
    assert meters.counts["point_disconnects_total", "an-binh", "vanished"] == 1
    assert ("point_disconnects_total", "khoan-du", "failed") not in meters.counts
    assert meters.joins.count == 1
    assert abs(meters.joins.total - 0.8) < 1e-9


def test_only_the_programme_is_a_take() -> None:
    meters = Meters()
    meters.showing("programme", 0.2)
    meters.showing("thumb:an-binh", 3.0)
    assert (meters.takes.count, meters.takes.total) == (1, 0.2)


def media(meters: Meters, name: str) -> dict[tuple[str, ...], float]:
    return {k[2:]: v for k, v in meters.counts.items() if k[0] == f"media_{name}" and v}


def test_media_by_direction_and_kind() -> None:
    meters = Meters()
    meters.take_worker(stats(transport("t1", packets=100)), "0", "w1", POINTS)
    meters.take_worker(stats(transport("t1", packets=150)), "0", "w1", POINTS)
    assert media(meters, "packets_total") == {
        ("up", "video"): 150,
        ("up", "audio"): 150,
        ("down", "video"): 300,
        ("down", "audio"): 150,
    }
    assert media(meters, "packets_lost_total") == {
        ("up", "video"): 3,
        ("up", "audio"): 5,
        ("down", "video"): 1,
    }
    # Another transport of the same point counts anew, and the total goes on.
    meters.take_worker(stats(transport("t2", packets=10)), "0", "w1", POINTS)
    assert media(meters, "packets_total")["up", "video"] == 160
    # A user's session is no point.
    meters.take_worker(stats(transport("t3", packets=10, label="session:x")), "0", "w1", POINTS)
    assert {k[1] for k in meters.counts if k[0] == "media_packets_total"} == {"an-binh"}


def test_a_screen_counts_as_content_from_when_it_is_shown() -> None:
    meters = Meters()
    meters.take_worker(stats(transport("t1", packets=100)), "0", "w1", POINTS)
    meters.take_worker(stats(transport("t1", packets=130, shows="content")), "0", "w1", POINTS)
    found = media(meters, "packets_total")
    assert found["down", "content"] == 30
    assert found["down", "video"] == 100 + 130  # the programme before, and the thumbnail


def test_a_worker_that_was_started_again_counts_on() -> None:
    meters = Meters()
    meters.take_worker(stats(), "0", "w1", POINTS)
    meters.take_worker(stats(), "0", "w1", POINTS)
    meters.take_worker(stats(counters={"packets_out": 30}, cpu_seconds=0.25), "0", "w2", POINTS)
    assert meters.running.totals["worker", "0", "packets_out"] == 130
    assert meters.running.totals["worker", "0", "cpu_seconds"] == 1.75
    assert meters.running.totals["worker", "0", "dropped.empty"] == 2
    assert meters.workers["0"].forwarding.counts == [2] * 9
    assert meters.workers["0"].forwarding.total == 1.0
    # One of an earlier version says nothing of delays.
    meters.take_worker(stats(delay_counts=()), "0", "w3", POINTS)
    assert meters.workers["0"].forwarding.counts == [2] * 9


def test_what_an_adopted_worker_counted_before_is_not_new() -> None:
    """A control process that was restarted: its counters begin at 0, and do not jump."""
    meters = Meters()
    old = stats(transport("t1", packets=5000), uptime=600.0)
    meters.take_worker(old, "0", "w1", POINTS)
    assert media(meters, "packets_total") == {}
    assert meters.running.totals["worker", "0", "packets_out"] == 0
    assert meters.workers["0"].forwarding.count == 0
    assert ("worker_starts_total", "0") not in meters.counts
    new = stats(
        transport("t1", packets=5010),
        transport("t2", packets=7, label="khoan-du"),
        uptime=602.0,
        counters={"packets_out": 130},
    )
    meters.take_worker(new, "0", "w1", POINTS)
    found = {k[1:]: v for k, v in meters.counts.items() if k[0] == "media_packets_total" and v}
    assert found["an-binh", "up", "video"] == 10
    assert found["khoan-du", "up", "video"] == 7
    assert meters.running.totals["worker", "0", "packets_out"] == 30


def test_starts_of_workers_are_new_identities() -> None:
    """Whoever starts them: this process, or systemd."""
    meters = Meters()
    for worker, uptime in (("w1", 0.5), ("w1", 2.5), ("w2", 1.0), ("w2", 3.0)):
        meters.take_worker(stats(uptime=uptime), "0", worker, POINTS)
    assert meters.counts["worker_starts_total", "0"] == 2


def test_what_is_counted_has_its_place_in_the_table() -> None:
    """Every key that meters make names a metric, with as many labels."""
    log = Log()
    log.tell(
        e.Opened(booking=booking()),
        e.Started(),
        e.FloorRequested(point="an-binh", number=1),
        e.CallProblem(point="an-binh", reason="call.offline"),
        e.Ended(),
    )
    meters = log.meters
    meters.take_worker(stats(transport("t1", packets=100)), "0", "w1", POINTS)
    meters.command("start", "refused", 0.1)
    meters.committed(1.0, False)
    meters.denied("password")
    meters.hung_up("too_slow")
    meters.disconnected("an-binh", "left")
    for name, *labels in meters.counts:
        metric = catalogue.BY_NAME["diemcau_" + name]
        assert len(labels) == len(metric.labels), name
        for label, value in zip(metric.labels, labels, strict=True):
            if label in metric.sets and not (name.endswith("requests_total") and value == "audio"):
                assert value in metric.sets[label], (name, value)
