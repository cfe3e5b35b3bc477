"""What a topology file may say about delegates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.values import Model

MAX_KEEP_DAYS = 3650


class Persons(Model):
    """How long what delegates are called is kept."""

    keep_days: Annotated[int, Field(ge=1, le=MAX_KEEP_DAYS)] = Field(
        default=365,
        description="days from the end of a conference until names, agencies and positions of its "
        "delegates are removed; signed minutes keep theirs",
    )
