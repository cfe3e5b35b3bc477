"""What is wrong with a paper, as a sentence of the catalogue."""

from __future__ import annotations


class PaperError(Exception):
    """Something cannot be done with a paper; ``key`` names the sentence that says why."""

    def __init__(self, key: str, **arguments: str) -> None:
        super().__init__(key)
        self.key = key
        self.arguments = arguments
