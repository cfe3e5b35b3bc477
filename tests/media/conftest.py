"""Every test of the worker runs twice: forwarded by Python, and by the compiled turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.media import support


@pytest.fixture(autouse=True, scope="module", params=["python", "compiled"])
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    """By what benches of this module forward."""
    named = str(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(support, "PATH", named)
        yield named
