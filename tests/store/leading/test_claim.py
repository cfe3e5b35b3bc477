"""Claims to lead: by table, and several hosts on one database with everything that may happen."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.store.leading.claim import SAFE, Claim, Stage, Step

SILENCE = 2.0
HOSTS = ("a", "b")
TROUBLE = ("jump", "session", "transaction", "cut", "mended", "mended", "shy")


@pytest.mark.parametrize(
    ("stage", "until", "step"),
    [
        ("away", 0.0, "connect"),
        ("waiting", 0.0, "lock"),
        ("locked", 0.0, "raise"),
        ("leading", 10.1, "confirm"),
        ("leading", 10.0, "hang_up"),
        ("over", 99.0, "hang_up"),
    ],
)
def test_what_is_to_be_done_next(stage: Stage, until: float, step: Step) -> None:
    assert Claim(SILENCE, stage, 1, until).step(10.0) == step


def test_a_host_that_did_not_lead_gives_the_other_a_moment() -> None:
    claim = Claim(SILENCE).connected(after=10.0)
    assert [claim.step(9.9), claim.step(10.0)] == ["look", "lock"]
    led = claim.answered(True).raised(1, asked=10.0)
    assert led.lost().connected() == led.lost()
    assert claim.lost().connected().step(0.0) == "lock"


def test_a_claim_lasts_from_when_it_was_asked_for() -> None:
    claim = Claim(SILENCE).connected().answered(True).raised(7, asked=10.0)
    assert claim.epoch == 7
    assert claim.leads(10.0 + SAFE * SILENCE - 0.01)
    assert not claim.leads(10.0 + SAFE * SILENCE)
    assert claim.confirmed(11.0).leads(11.0 + SAFE * SILENCE - 0.01)


def test_an_answer_that_lay_around_confirms_nothing() -> None:
    claim = Claim(SILENCE).connected().answered(True).raised(7, asked=10.0)
    assert not claim.confirmed(10.0).leads(20.0)
    assert not claim.confirmed(20.0).leads(20.0)  # it had run out when it was asked


def test_nobody_leads_without_the_lock_and_its_epoch() -> None:
    waiting = Claim(SILENCE).connected()
    assert waiting.raised(1, 0.0) == waiting
    assert waiting.answered(False) == waiting
    assert Claim(SILENCE).answered(True) == Claim(SILENCE)
    assert not waiting.answered(True).leads(0.0)


def test_who_has_led_begins_anew_and_who_has_not_tries_again() -> None:
    waiting = Claim(SILENCE).connected().answered(True)
    assert waiting.lost().stage == "away"
    led = waiting.raised(3, 0.0).lost()
    assert led.stage == "over"
    assert not led.leads(0.0)
    assert led.connected() == led


@dataclass
class Database:
    """What PostgreSQL does, as far as leadership relies on it: a lock that is a session's, a row
    with the epoch that transactions hold, and a log."""

    sessions: set[int] = field(default_factory=set)
    lock: int | None = None
    epoch: int = 0
    holders: set[str] = field(default_factory=set)  # hosts with a transaction that holds the row
    log: list[tuple[str, int, int]] = field(default_factory=list)  # host, epoch, event

    def end(self, session: int | None) -> None:
        self.sessions.discard(session or 0)
        if self.lock == session:
            self.lock = None


@dataclass
class Host:
    claim: Claim = field(default_factory=lambda: Claim(SILENCE))
    session: int | None = None
    clock: float = 0.0
    cut: bool = False  # the line to the database
    shy: bool = False  # it gives others a moment when it has reached the database
    heard: tuple[Step, float, int] | None = None  # an answer that was not read yet
    meant: bool = False  # it looked at its claim, and is about to write
    event: int = 0  # in a transaction that holds the epoch; 0: there is none
    known: int = 0  # events in the log, as far as it knows
    acknowledged: list[int] = field(default_factory=list)


class Leading(RuleBasedStateMachine):
    """Hosts ask, are stopped, cut off and restarted between any two steps; clocks jump; the
    database ends sessions and transactions whenever it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.database = Database()
        self.hosts = {name: Host() for name in HOSTS}
        self.count = 0

    def _next(self) -> int:
        self.count += 1
        return self.count

    @rule(name=st.sampled_from(HOSTS))
    def ask(self, name: str) -> None:
        host, database = self.hosts[name], self.database
        step = host.claim.step(host.clock)
        if host.heard is not None:
            return
        if step == "hang_up":
            database.end(host.session)
            host.claim, host.session = host.claim.lost(), None
        elif host.cut or (step != "connect" and host.session not in database.sessions):
            host.claim, host.session = host.claim.lost(), None
        elif step == "raise" and database.holders:
            return  # the row is held: the database lets it wait
        else:
            host.heard = (step, host.clock, self._answer(host, step))

    def _answer(self, host: Host, step: Step) -> int:
        database = self.database
        if step == "connect":
            host.session = self._next()
            database.sessions.add(host.session)
        elif step == "lock":
            if database.lock is None:
                database.lock = host.session
            return int(database.lock == host.session)
        elif step == "raise":
            database.epoch += 1
            return database.epoch
        return 1

    @rule(name=st.sampled_from(HOSTS))
    def hear(self, name: str) -> None:
        """However much later the host reads the answer."""
        host = self.hosts[name]
        if host.heard is None:
            return
        (step, asked, answer), host.heard = host.heard, None
        if step == "connect":
            host.claim = host.claim.connected(host.clock + SILENCE if host.shy else 0.0)
        elif step == "look":
            pass  # it has heard who leads
        elif step == "lock":
            host.claim = host.claim.answered(bool(answer))
        elif step == "raise":
            host.claim = host.claim.raised(answer, asked)
            host.known = len(self.database.log)  # it reads the log
        else:
            host.claim = host.claim.confirmed(asked)

    @rule(name=st.sampled_from(HOSTS))
    def ask_on(self, name: str) -> None:
        """Nothing comes between, so that somebody leads often. Who has led begins anew."""
        if self.hosts[name].claim.stage == "over":
            self._restart(name)
        for _ in range(3):
            self.ask(name)
            self.hear(name)

    @rule(name=st.sampled_from(HOSTS))
    def take_over(self, name: str) -> None:
        """The database has ended the sessions of all others, who may not have noticed."""
        for other in HOSTS:
            if other != name:
                self.database.end(self.hosts[other].session)
        self.ask_on(name)

    @rule(name=st.sampled_from(HOSTS))
    def open(self, name: str) -> None:
        self.ask_on(name)
        self.look(name)
        self.begin(name)

    @rule(name=st.sampled_from(HOSTS))
    def write(self, name: str) -> None:
        self.open(name)
        self.commit(name, True)

    @rule(name=st.sampled_from(HOSTS))
    def look(self, name: str) -> None:
        host = self.hosts[name]
        host.meant = host.meant or host.claim.leads(host.clock)

    @rule(name=st.sampled_from(HOSTS))
    def begin(self, name: str) -> None:
        """However much later it writes, whatever has become of its claim."""
        host = self.hosts[name]
        if not host.meant or host.event or host.cut:
            return
        host.meant = False
        if host.claim.epoch == self.database.epoch:
            host.event = self._next()
            self.database.holders.add(name)

    @rule(name=st.sampled_from(HOSTS), answered=st.booleans())
    def commit(self, name: str, answered: bool) -> None:
        host = self.hosts[name]
        if host.event:
            self.database.log.append((name, host.claim.epoch, host.event))
            if answered and not host.cut:
                host.acknowledged.append(host.event)
            host.known += 1
            self._over(name)

    def _over(self, name: str) -> None:
        self.hosts[name].event = 0
        self.database.holders.discard(name)

    @rule(name=st.sampled_from(HOSTS), what=st.sampled_from(TROUBLE), seconds=st.floats(-3.0, 3.0))
    def trouble(self, name: str, what: str, seconds: float) -> None:
        """A clock jumps, a line is cut; or the database ends what is silent."""
        host = self.hosts[name]
        if what == "jump":
            host.clock += seconds
        elif what == "session":
            self.database.end(host.session)
        elif what == "transaction":
            self._over(name)
        elif what == "shy":
            host.shy = not host.shy
        else:
            host.cut = what == "cut"

    def _restart(self, name: str) -> None:
        """A process is killed and begins anew; the database notices in its own time."""
        old = self.hosts[name]
        self._over(name)
        self.hosts[name] = Host(clock=old.clock, cut=old.cut, acknowledged=old.acknowledged)

    @invariant()
    def one_leader_in_an_epoch(self) -> None:
        epochs = [epoch for _, epoch, _ in self.database.log]
        assert epochs == sorted(epochs)
        assert len({(host, epoch) for host, epoch, _ in self.database.log}) == len(set(epochs))

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        saved = {event for _, _, event in self.database.log}
        assert all(saved.issuperset(host.acknowledged) for host in self.hosts.values())

    @invariant()
    def who_writes_knows_the_whole_log(self) -> None:
        for name in self.database.holders:
            assert self.hosts[name].known == len(self.database.log)


TestLeading = Leading.TestCase
TestLeading.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
