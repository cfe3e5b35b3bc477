"""``python -m endpoints.agent``: the endpoint agent's commands."""

from __future__ import annotations

import sys

from endpoints.agent.cli import app

if __name__ == "__main__":
    sys.exit(app())
