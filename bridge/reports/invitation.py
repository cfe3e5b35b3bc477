"""The printed notice of a conference ("giấy mời"): when, where, who, the agenda and the papers."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bridge.base.i18n import text
from bridge.reports.pdf import FONT, new_document


class Invitation(NamedTuple):
    """One booking as people are told of it. ``agenda``: title, who speaks to it, minutes.
    ``opening`` is minutes before the start at which the trial session opens."""

    uid: str
    title: str
    start: float
    end: float
    zone: str
    bridge: str
    superior: str
    agency: str
    place: str
    chair: str
    points: tuple[str, ...]
    agenda: tuple[tuple[str, str, int | None], ...]
    papers: tuple[str, ...]
    contact: str
    opening: int
    language: str

    @property
    def times(self) -> tuple[datetime, datetime]:
        """Start and end on the wall."""
        zone = ZoneInfo(self.zone)
        return datetime.fromtimestamp(self.start, zone), datetime.fromtimestamp(self.end, zone)


def lines(made: Invitation) -> list[tuple[str, str]]:
    """What the notice says, as labels and texts. Pure."""
    begin, end = made.times
    language = made.language
    at = text(
        language,
        "notice_pdf.at",
        day=f"{begin:%d/%m/%Y}",
        start=f"{begin:%H:%M}",
        end=f"{end:%H:%M}",
    )
    early = text(language, "notice_pdf.early", minutes=str(made.opening))
    found = [
        (text(language, "notice_pdf.what"), made.title),
        (text(language, "notice_pdf.when"), f"{at} {early}" if made.opening else at),
        (text(language, "notice_pdf.chair"), made.chair),
        (text(language, "notice_pdf.points"), ", ".join(made.points)),
    ]
    for number, (title, speaker, minutes) in enumerate(made.agenda, 1):
        label = text(language, "notice_pdf.agenda") if number == 1 else ""
        length = text(language, "notice_pdf.minutes", minutes=str(minutes)) if minutes else ""
        said = " · ".join(part for part in (f"{number}. {title}", speaker, length) if part)
        found.append((label, said))
    if made.papers:
        found.append((text(language, "notice_pdf.papers"), "; ".join(made.papers)))
    if made.contact:
        found.append((text(language, "notice_pdf.contact"), made.contact))
    return found


def notice(made: Invitation, now: float) -> bytes:
    """The notice as PDF, one A4 page where it fits. ``now`` is UTC seconds: the same notice is the
    same file."""
    pdf = new_document(made.title, now)
    pdf.set_margins(25, 20, 20)
    pdf.add_page()
    pdf.set_font(FONT, "", 11)
    for head in (made.superior, made.agency or made.bridge):
        if head:
            pdf.multi_cell(0, 6, head, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(8)
    pdf.set_font(FONT, "B", 16)
    pdf.multi_cell(
        0, 9, text(made.language, "notice_pdf.title"), align="C", new_x="LMARGIN", new_y="NEXT"
    )
    pdf.ln(6)
    for label, said in lines(made):
        pdf.set_font(FONT, "B", 11)
        pdf.cell(42, 7, label)
        pdf.set_font(FONT, "", 11)
        pdf.multi_cell(0, 7, said, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(14)
    begin = datetime.fromtimestamp(now, ZoneInfo(made.zone))
    place = f"{made.place}, " if made.place else ""
    pdf.multi_cell(0, 7, f"{place}{begin:%d/%m/%Y}", align="R", new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())
