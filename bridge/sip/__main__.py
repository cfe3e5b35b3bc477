"""``python -m bridge.sip``: the SIP gateway, started by the control process, or by hand with the
socket where the control process looks for it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from bridge.base import logs
from bridge.sip.gateway_service import Service


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bridge.sip", description=__doc__)
    parser.add_argument(
        "--control", type=Path, required=True, help="path of the Unix socket to make"
    )
    parser.add_argument("--orphan-timeout", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    logs.configure(process="sip")
    try:
        asyncio.run(Service(options.control, options.orphan_timeout).run())
    except OSError as error:
        print(f"The SIP gateway cannot start: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
