"""``python -m bridge.media.shell.compile``: compile the forwarding of media beforehand, so that no
worker has to. Done at installation; where the code is there already it takes a fraction of a second
and says nothing. Exits with 1 only where ``DIEMCAU_HOT_PATH=compiled`` cannot be had."""

from __future__ import annotations

import os
import sys

from bridge.media.shell import hot_path


def main() -> int:
    if hot_path.choice() == "python":
        return 0
    os.nice(5)
    made = hot_path.prepare(lambda sentence: print(sentence, file=sys.stderr, flush=True))
    return 0 if made or hot_path.choice() == "auto" else 1


if __name__ == "__main__":
    sys.exit(main())
