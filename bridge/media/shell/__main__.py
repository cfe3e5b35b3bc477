"""``python -m bridge.media``: start one media worker. Started by the control process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import logging
import math
import os
import sys
import tempfile
from pathlib import Path

from bridge.base import logs
from bridge.media.shell.hot_path import Unavailable
from bridge.media.shell.standby import Standby, end_with_parent
from bridge.media.shell.turn_selector import TurnSelector
from bridge.media.shell.worker import Worker


def end(code: int) -> None:
    """End at once, with everything said. Another thread may be inside LLVM, with a lock that
    Python's own way of ending would wait for without end."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bridge.media", description=__doc__)
    parser.add_argument("--listen", action="append", required=True, help="an IP address")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--number", type=int, default=0, help="of several on this machine: how far above --port"
    )
    parser.add_argument("--control", type=Path, help="path of the Unix socket")
    parser.add_argument(
        "--relay",
        type=Path,
        metavar="KEY",
        help="serve viewers for a bridge on another machine that has the key in this file",
    )
    parser.add_argument(
        "--relay-port", type=int, default=7443, help="TCP, at the first address; for that bridge"
    )
    parser.add_argument("--orphan-timeout", type=float, help="seconds; 300, with --relay for ever")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin closes")
    parser.add_argument(
        "--standby",
        action="store_true",
        help="wait on standard input, a socket, until told to take over from another worker",
    )
    parser.add_argument(
        "--estimation",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="send each room what its line seems to carry, or all that it asks for",
    )
    options = parser.parse_args()
    if options.control is None and options.relay is None:
        parser.error("--control or --relay is needed")
    alone = math.inf if options.relay is not None else 300.0
    if options.orphan_timeout is not None:
        alone = options.orphan_timeout
    logs.configure(process="worker")
    if options.with_parent and not options.standby:
        end_with_parent()

    selector = TurnSelector()

    def relayed(control: Path) -> contextlib.AbstractAsyncContextManager[None]:
        if options.relay is None:
            return contextlib.nullcontext()
        from bridge.media.shell import relay_control  # noqa: PLC0415 - other workers need none of it

        host, port = options.listen[0], options.relay_port
        return relay_control.relayed(options.relay, control, host, port)

    async def run(control: Path) -> None:
        worker = Worker(
            hosts=options.listen,
            port=options.port and options.port + options.number,
            control=control,
            orphan_timeout=alone,
            estimation=options.estimation,
            selector=selector,
        )
        tied = options.with_parent
        standby = Standby(lambda: worker.loaded, tied=tied) if options.standby else None
        async with relayed(control):
            await worker.run(standby)

    try:
        with contextlib.ExitStack() as stack:
            control = options.control
            if control is None:  # nobody on this machine connects to it
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-"))
                control = Path(folder) / "worker.sock"
            loop = functools.partial(asyncio.SelectorEventLoop, selector)
            stack.enter_context(asyncio.Runner(loop_factory=loop)).run(run(control))
    except (OSError, ValueError, Unavailable) as error:
        print(f"The media worker cannot start: {str(error).rstrip('.')}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    end(main())
