"""How much of another bridge is taken in: messages, requests for the floor, changes of attendance.
Pure; ``now`` is monotonic seconds."""

from __future__ import annotations

from bridge.base.token_bucket import Bucket

MESSAGES = (20.0, 100.0)  # a second, at once: it tells of every change, and every two seconds
MEMBERS = (2.0, 1500.0)  # changes of attendance: a whole district may come or go at once
REQUESTS_AT_ONCE = 3


class Limits:
    """Those of one peer. They outlive its connections, so that a new one brings no new budget."""

    def __init__(self, requests_per_minute: int) -> None:
        self.messages = Bucket(*MESSAGES)
        self.members = Bucket(*MEMBERS)
        self.requests = Bucket(requests_per_minute / 60, REQUESTS_AT_ONCE)
