"""``python -m benchmarks.weak_room.unaware``: a media worker, and `forget` a control process, that
know nothing of lines, as they were before there was a policy for weak ones. For comparison only;
nothing but the benchmark can switch it off."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from bridge.media import redundancy
from bridge.media.layer import Layer
from bridge.media.rtcp import ReportBlock
from bridge.media.shell.__main__ import main
from bridge.media.transport import Transport
from bridge.signalling import answer
from bridge.signalling.sdp import Codec, Media


def forget() -> None:
    """Agree to no redundant sound, in the process that calls it."""

    def none(_media: Media, _codec: Codec) -> None:
        return None

    vars(answer)["_redundant"] = none


def forget_lines() -> None:
    """Repeat and hint nothing, in a worker; `--no-estimation` does the rest."""

    def adapt(_transports: Iterable[Transport], _now: float) -> None:
        return None

    def hinted(block: ReportBlock, _layer: Layer) -> ReportBlock:
        return block

    vars(redundancy).update(adapt=adapt, hinted=hinted)


if __name__ == "__main__":
    forget_lines()
    sys.exit(main())
