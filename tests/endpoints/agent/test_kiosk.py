"""When a kiosk browser is started again, and with which arguments."""

from __future__ import annotations

from pathlib import Path

from endpoints.agent.kiosk import PAUSES, Restarts, command_line


def test_pauses_grow_and_a_steady_life_forgives() -> None:
    restarts = Restarts()
    now = 0.0
    waits = []
    for _ in range(8):
        waits.append(restarts.died(now, now + 1))
        now += 1 + waits[-1]
    assert waits == [*PAUSES[1:], PAUSES[-1], PAUSES[-1]]
    assert restarts.total == 8
    steady = Restarts()
    assert not steady.failing(0)
    for n in range(4):
        assert steady.died(n * 1000.0, n * 1000.0 + 900) == 0.0
        assert not steady.failing(n * 1000.0 + 900)
    for n in range(4):
        steady.died(5000.0 + n, 5000.5 + n)
    assert steady.failing(5004)
    assert not steady.failing(6000)


def test_the_kiosk_is_started_without_a_port_and_without_the_internet(tmp_path: Path) -> None:
    line = command_line("chromium", tmp_path, "about:blank", root=False, headless=False, extra=())
    assert "--remote-debugging-pipe" in line
    assert "--kiosk" in line
    assert "--disable-background-networking" in line
    assert not any("remote-debugging-port" in part for part in line)
    assert "--no-sandbox" not in line
