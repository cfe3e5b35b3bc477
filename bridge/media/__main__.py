"""``python -m bridge.media``: start one media worker."""

from __future__ import annotations

from bridge.media.shell.__main__ import end, main

if __name__ == "__main__":
    end(main())
