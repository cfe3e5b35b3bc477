"""The version of the software."""

VERSION = "0.1.0"  # as in pyproject.toml; a test holds them equal
