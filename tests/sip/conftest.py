"""What several tests of SIP have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sip.stage import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    await made.element.start()
    yield made
    await made.element.stop()
    made.other.close()
