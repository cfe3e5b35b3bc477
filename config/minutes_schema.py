"""What a topology file may say about the minutes of conferences."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.values import Model, Text

MAX_RECIPIENTS = 20
MAX_FILES = 20


class Minutes(Model):
    """How minutes are headed and whom they go to (Decree 30/2020/NĐ-CP). What a template leaves out
    is as in ``bridge.minutes``."""

    superior: Text | None = Field(
        default=None, description="the agency above, first line of the head; none where left out"
    )
    agency: Text | None = Field(
        default=None, description="who issues the minutes; bridge.name in capitals where left out"
    )
    symbol: Annotated[str, Field(min_length=1, max_length=40)] = Field(
        default="BB", description="behind the number, for example BB-VP"
    )
    place: Text | None = Field(
        default=None, description="the place before the date, for example Lạc Thủy"
    )
    chair_title: Text = Field(default="CHỦ TỌA", description="as what the chair signs")
    secretary_title: Text = Field(default="THƯ KÝ", description="as what the secretary signs")
    recipients: list[Text] = Field(
        default=[],
        max_length=MAX_RECIPIENTS,
        description="who receives them; the points of the conference and the file where left out",
    )
    trust: list[Text] = Field(
        default=[],
        max_length=MAX_FILES,
        description="files of certificates (PEM) under which signers of PDFs are trusted",
    )
    revoked: list[Text] = Field(
        default=[],
        max_length=MAX_FILES,
        description="files with lists of revoked certificates (PEM or DER)",
    )
    stamp: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=400)] | None = Field(
        default=None,
        description="address of the time-stamping authority (RFC 3161) that is asked when signing",
    )

    def under(self, general: Minutes) -> Minutes:
        """These settings, with the ``general`` ones where these say nothing."""
        return general.model_copy(
            update={name: getattr(self, name) for name in self.model_fields_set}
        )
