#!/usr/bin/env python3
"""The launcher: everything is in the package ``bridge``."""

from bridge.cli.main import main

if __name__ == "__main__":
    main()
