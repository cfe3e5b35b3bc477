"""Why a camera did not do what it was asked."""

from __future__ import annotations

from bridge.agents.protocol import CameraFault

MAX_DETAIL = 200  # characters


class CameraError(Exception):
    """A camera did not do it: ``why`` for people, ``detail`` what exactly, for the log."""

    def __init__(self, why: CameraFault, detail: str) -> None:
        super().__init__(detail)
        self.why: CameraFault = why
        self.detail = detail[:MAX_DETAIL]
