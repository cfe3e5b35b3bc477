"""Why a control process cannot start."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.store.database import FAULTS, StoreError, first_line


class StartError(Exception):
    """The control process cannot start; the text says why and what to do. ``code`` is the
    process's exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@contextlib.asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[None]:
    """While a database is opened and read: what fails is a `StartError`, and closes it."""
    try:
        yield
    except StoreError as error:
        await engine.dispose()
        raise StartError(str(error)) from None
    except FAULTS as error:
        await engine.dispose()
        raise StartError(
            f"The database cannot be read: {first_line(error)}. Restore a backup "
            "where it is damaged: docs/production.md."
        ) from None
