"""``python -m bridge.media``: start one media worker."""

from __future__ import annotations

import sys

from bridge.media.shell.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
