"""``python -m endpoints.simulation``: simulated points, described on standard input."""

from __future__ import annotations

import asyncio
import os

from bridge.base import logs
from endpoints.simulation.points import main

if __name__ == "__main__":
    os.environ.setdefault(logs.LEVEL, "WARNING")
    logs.configure(process="points")
    asyncio.run(main())
