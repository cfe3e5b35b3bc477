"""One client's messages take nothing from others."""

from __future__ import annotations

from collections import Counter

from bridge.server.guard.message_budget import CLIENTS, PATIENCE, ROOM, Budgets


def test_a_flood_is_refused_and_then_cut_off() -> None:
    """999 requests for the floor a second once took two thirds of the control process."""
    budgets = Budgets()
    verdicts = Counter(budgets.spend("room", "command", ROOM, n / 999) for n in range(999))
    assert verdicts["take"] <= ROOM.burst + ROOM.rate + 1
    assert verdicts["close"] >= 5, "again and again: a new connection brings no new budget"
    assert verdicts["refuse"] >= PATIENCE


def test_hands_are_never_refused() -> None:
    budgets = Budgets()
    assert all(budgets.spend("room", "command", ROOM, n / 2) == "take" for n in range(1000))


def test_kinds_and_clients_are_apart_and_few_are_remembered() -> None:
    budgets = Budgets()
    for _ in range(100):
        budgets.spend("room", "command", ROOM, 0.0)
    assert budgets.spend("room", "status", ROOM, 0.0) == "take"
    assert budgets.spend("other", "command", ROOM, 0.0) == "take"
    for number in range(3 * CLIENTS):
        budgets.spend(f"{number}", "command", ROOM, 0.0)
    assert len(budgets._buckets) <= CLIENTS
