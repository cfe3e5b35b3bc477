#!/usr/bin/env python3
"""The launcher: everything is in the package ``bridge``."""

import gc

gc.disable()  # what imports make stays; looking through it again and again is a tenth of a start

from bridge.cli.main import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
