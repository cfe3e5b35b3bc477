"""What the control process and a spare worker say to each other on its standard input, one a line.
``state`` is answered by ``loading`` or ``ready``, ``take over`` by ``serving``, once the worker can
be connected to."""

from __future__ import annotations

STATE, TAKE_OVER = b"state", b"take over"
LOADING, READY, SERVING = b"loading", b"ready", b"serving"
