"""``python -m bridge.programme``: one programme process, started by the control process. With
``--finish`` it makes the file of a recording's parts instead: a job as JSON from standard input,
what came of it on standard output."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import msgspec

from bridge.base import logs
from bridge.programme import finishing
from bridge.programme.jobs import Job
from bridge.programme.service import Service


def _finish() -> int:
    os.nice(10)  # conferences go first
    try:
        job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
        made = finishing.finish(job)
    except (OSError, msgspec.MsgspecError) as error:
        print(f"The recording cannot be finished: {error}.", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(made))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bridge.programme", description=__doc__)
    parser.add_argument("--finish", action="store_true")
    parser.add_argument("--control", type=Path, help="path of the Unix socket to make")
    parser.add_argument("--tap", type=Path, help="path of the tap's socket to make")
    parser.add_argument("--orphan-timeout", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    if options.finish:
        return _finish()
    if options.control is None or options.tap is None:
        parser.error("--control and --tap are needed")
    logs.configure(process="programme")
    try:
        asyncio.run(Service(options.control, options.tap, options.orphan_timeout).run())
    except OSError as error:
        print(f"The programme process cannot start: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
