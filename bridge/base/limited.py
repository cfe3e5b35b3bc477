"""Work on what strangers bring, in a process of its own with a limit on time and memory.

Parsers that are fast for every file that a person writes can be slow for one that was made to be;
in a process of its own that harms nobody. That process is `bridge.base.limited_work`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class OverLimitError(Exception):
    """The work took more time or memory than it may."""


async def limited(module: str, request: Any, *, seconds: float, memory: int) -> Any:
    """What ``answer(request)`` of ``module`` returns, worked out in another process. ``memory`` is
    in octets. Raises `OverLimitError`; OSError where no process can be started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.base.limited_work", module, str(seconds), str(memory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(4 * seconds):  # the CPU's time counts; the clock for what sleeps
            out, _ = await process.communicate(json.dumps(request).encode())
    except TimeoutError:
        raise OverLimitError from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        raise OverLimitError
    return json.loads(out)
