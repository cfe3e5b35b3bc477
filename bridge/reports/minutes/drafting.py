"""Minutes drafted from the log of a conference, in the form of Decree 30/2020/NĐ-CP (annex III,
form 1.9: biên bản). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bridge.base.i18n import text
from bridge.conference.attendance import Details
from bridge.conference.decided import DecisionRow
from bridge.conference.proceedings import Matter, Proceedings, Turn
from bridge.conference.report import PointRow
from bridge.control.views import why
from bridge.reports.conference import SignedHead
from bridge.reports.minutes.sheet import Block, Grid, Paragraph, Sheet, Signer
from bridge.reports.vote_lines import vote_lines
from config.minutes_schema import Minutes

POINT_WIDTHS = (10, 54, 28, 28, 28, 30)
PERSON_WIDTHS = (10, 48, 42, 46, 32)
PAPER_WIDTHS = (10, 66, 14, 14, 74)


class Setting(NamedTuple):
    """What minutes take from elsewhere than the log: how agency and place are called, points'
    ``names`` in the document's ``language`` ("vi" or "en"), the time zone, the ``number`` that the
    registry gave ("": it is filled in by hand), and the address to ``verify`` at ("": none).
    ``persons`` is what delegates are called, as far as it is kept."""

    minutes: Minutes
    bridge: str
    names: Mapping[str, str]
    language: str
    zone: str
    number: str = ""
    verify: str = ""
    persons: Mapping[str, Details] = {}


def draft(told: Proceedings, setting: Setting, head: SignedHead | None = None) -> Sheet:
    """The minutes of a conference. ``head`` is the signed head of its log; None: there is none
    yet."""
    return _Draft(told, setting, head).sheet()


class _Draft:
    def __init__(self, told: Proceedings, setting: Setting, head: SignedHead | None) -> None:
        self._told = told
        self._report = told.report
        self._setting = setting
        self._head = head
        self._zone = ZoneInfo(setting.zone)

    # --- words ------------------------------------------------------------------------------

    def _t(self, key: str, **arguments: str) -> str:
        return text(self._setting.language, f"minutes.{key}", **arguments)

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone)

    def _clock(self, at: float | None) -> str:
        return "–" if at is None else f"{self._local(at):%H:%M:%S}"

    def _moment(self, at: float) -> str:
        """A time of a day in words, as the form has it."""
        local = self._local(at)
        return self._t(
            "moment",
            hour=f"{local.hour:02}",
            minute=f"{local.minute:02}",
            day=f"{local.day:02}",
            month=f"{local.month:02}",
            year=str(local.year),
        )

    def _name(self, point: str) -> str:
        return self._setting.names.get(point, point)

    def _long(self, seconds: float) -> str:
        whole = round(seconds)
        if whole < 60:
            return self._t("seconds", seconds=str(whole))
        return self._t("long", minutes=str(whole // 60), seconds=str(whole % 60))

    # --- the document -----------------------------------------------------------------------

    def sheet(self) -> Sheet:
        report, minutes = self._report, self._setting.minutes
        title = report.title.text(self._setting.language)
        local = self._local(report.until)
        symbol = minutes.symbol
        number = self._setting.number or "……"
        place = minutes.place or "……"
        return Sheet(
            title=f"{self._t('kind')}: {title}",
            superior=minutes.superior or "",
            agency=minutes.agency or self._setting.bridge.upper(),
            number=self._t("number", number=number, symbol=symbol),
            nation=self._t("nation"),
            motto=self._t("motto"),
            dated=self._t(
                "dated",
                place=place,
                day=f"{local.day:02}",
                month=f"{local.month:02}" if local.month < 3 else str(local.month),
                year=str(local.year),
            ),
            kind=self._t("kind"),
            summary=title,
            blocks=tuple(self._blocks()),
            secretary=Signer(minutes.secretary_title, self._t("signed"), ""),
            chair=Signer(minutes.chair_title, self._t("signed_and_sealed"), ""),
            recipients_title=self._t("recipients"),
            recipients=tuple(minutes.recipients) or (self._t("recipients_all"), self._t("filed")),
            at=report.until,
            check=self._check(),
        )

    def _check(self) -> tuple[str, str]:
        address = self._setting.verify
        return (address, self._t("check_at", address=address)) if address else ("", "")

    def _blocks(self) -> list[Block]:
        report = self._report
        began = report.started_at if report.started_at is not None else report.opened_at
        blocks: list[Block] = []
        if report.ended_at is None:
            blocks.append(Paragraph(self._t("not_ended"), label=self._t("draft_label")))
        chair = next((row.point for row in report.points if row.chair), "")
        blocks += [
            Paragraph(self._moment(began), label=self._t("began")),
            Paragraph(
                self._t("place", chair=self._name(chair), points=str(len(report.points))),
                label=self._t("place_label"),
            ),
            Paragraph(self._name(chair), label=self._t("chaired")),
            Paragraph(self._secretaries(), label=self._t("written_by")),
        ]
        blocks += self._attendance()
        blocks += self._delegates()
        blocks += self._papers()
        blocks += self._matters()
        blocks += self._votes()
        blocks += self._interruptions()
        blocks += self._proof()
        if report.ended_at is not None:
            blocks.append(Paragraph(self._t("closed", at=self._moment(report.ended_at))))
        return blocks

    def _secretaries(self) -> str:
        """The accounts that wrote decisions down; who signs is filled in by hand."""
        rows = [*self._told.decisions, *(d for m in self._told.matters for d in m.decisions)]
        return ", ".join(dict.fromkeys(row.by for row in rows)) or "……"

    # --- who was there ----------------------------------------------------------------------

    def _attendance(self) -> list[Block]:
        points = self._report.points
        expected = [row for row in points if row.expected]
        came = [row for row in expected if row.joined_at is not None]
        blocks: list[Block] = [
            Paragraph(
                self._t("attended", came=str(len(came)), expected=str(len(expected))),
                label=self._t("attended_label"),
            )
        ]
        there = [row for row in points if row.joined_at is not None]
        if there:
            header = ("column_no", "column_point", "column_in", "column_out", "column_there")
            blocks.append(
                Grid(
                    tuple(self._t(name) for name in (*header, "column_gaps")),
                    tuple(self._attended(n, row) for n, row in enumerate(there, 1)),
                    POINT_WIDTHS,
                )
            )
        absent = [row for row in expected if row.joined_at is None]
        if absent:
            said = "; ".join(self._absent(row) for row in absent)
            blocks.append(Paragraph(f"{said}.", label=self._t("absent")))
        return blocks

    def _delegates(self) -> list[Block]:
        """Delegates by name. What they are called is removed some day; that they were there is
        not."""
        persons, named = self._report.persons, self._setting.persons
        if not persons:
            return []
        there = [ident for ident, person in persons.items() if person.present]
        counts = {"present": str(len(there)), "listed": str(len(persons))}
        blocks: list[Block] = [
            Paragraph(self._t("delegates", **counts), label=self._t("delegates_label"))
        ]
        order = {row.point: place for place, row in enumerate(self._report.points)}
        known = [ident for ident in there if ident in named]
        known.sort(key=lambda ident: (order.get(persons[ident].point, 0), named[ident].name))
        if known:
            header = ("column_no", "column_name", "column_position", "column_agency")
            blocks.append(
                Grid(
                    tuple(self._t(name) for name in (*header, "column_point")),
                    tuple(
                        (
                            str(number),
                            named[ident].name,
                            named[ident].position,
                            named[ident].agency,
                            self._name(persons[ident].point),
                        )
                        for number, ident in enumerate(known, 1)
                    ),
                    PERSON_WIDTHS,
                )
            )
        away = [named[ident].name for ident in persons if ident in named and ident not in there]
        if away:
            blocks.append(Paragraph(f"{'; '.join(away)}.", label=self._t("delegates_absent")))
        unnamed = len(persons.keys() - named.keys())
        if unnamed:
            blocks.append(Paragraph(self._t("delegates_forgotten", count=str(unnamed))))
        return blocks

    def _voters(self) -> dict[str, str]:
        """What points and delegates are called where they have voted."""
        persons = {
            ident: f"{named.name} ({self._name(self._report.persons[ident].point)})"
            for ident, named in self._setting.persons.items()
            if ident in self._report.persons
        }
        return {**self._setting.names, **persons}

    def _attended(self, number: int, row: PointRow) -> tuple[str, ...]:
        left = row.left_at if row.left_at is not None else self._report.ended_at
        name = self._name(row.point)
        return (
            str(number),
            f"{name} ({self._t('chair')})" if row.chair else name,
            self._clock(row.joined_at),
            self._clock(left),
            self._long(row.present_seconds),
            str(len(row.interruptions)),
        )

    def _absent(self, row: PointRow) -> str:
        reason = why(row.call_problem)
        name = self._name(row.point)
        return name if reason is None else f"{name} ({self._said(reason.text(self._language))})"

    @property
    def _language(self) -> str:
        return self._setting.language

    @staticmethod
    def _said(sentence: str) -> str:
        """A sentence within another one."""
        return sentence.rstrip(". ")

    # --- what was dealt with ----------------------------------------------------------------

    def _matters(self) -> list[Block]:
        told = self._told
        blocks: list[Block] = [Paragraph(self._t("content"), "heading")]
        for place, matter in enumerate(told.matters, 1):
            blocks += self._matter(place, matter)
        if told.turns:
            blocks += [Paragraph(self._t("spoke"), "heading"), *self._spoken(told.turns)]
        if told.left_over:
            titles = "; ".join(item.title for item in told.left_over)
            blocks.append(Paragraph(f"{titles}.", label=self._t("left_over")))
        if told.decisions:
            blocks.append(Paragraph(self._t("decided_together"), "heading"))
            blocks += self._decided(told.decisions)
        if not (told.matters or told.turns or told.decisions):
            blocks.append(Paragraph("……"))
        return blocks

    def _matter(self, place: int, matter: Matter) -> list[Block]:
        times = {"began": self._clock(matter.began_at), "length": self._long(matter.seconds)}
        if matter.point is None:
            said = self._t("item", **times)
        else:
            said = self._t("item_by", point=self._name(matter.point), **times)
        blocks: list[Block] = [Paragraph(f"{place}. {matter.title}", "heading"), Paragraph(said)]
        blocks += self._spoken(matter.turns)
        if matter.decisions:
            blocks.append(Paragraph("", label=self._t("decided")))
            blocks += self._decided(matter.decisions)
        return blocks

    def _spoken(self, turns: Sequence[Turn]) -> list[Block]:
        return [
            Paragraph(
                self._t(
                    "turn",
                    point=self._name(turn.point),
                    at=self._clock(turn.at),
                    length=self._long(turn.seconds),
                ),
                "item",
            )
            for turn in turns
        ]

    @staticmethod
    def _decided(rows: Sequence[DecisionRow]) -> list[Block]:
        return [Paragraph(row.text, "item") for row in rows]

    def _votes(self) -> list[Block]:
        """Votes with their results, and who chose what."""
        setting = self._setting
        lines = vote_lines(setting.language, self._report.votes, self._voters())
        if not lines:
            return []
        heading = Paragraph(self._t("votes"), "heading")
        return [heading, *(Paragraph(f"{label}: {said}", "item") for label, said in lines)]

    # --- what it rests on -------------------------------------------------------------------

    def _papers(self) -> list[Block]:
        rows = self._report.papers
        if not rows:
            return []
        header = ("column_no", "column_paper", "column_version", "column_pages", "column_sha256")
        return [
            Paragraph(self._t("papers"), "heading"),
            Grid(
                tuple(self._t(name) for name in header),
                tuple(
                    (str(n), row.title, str(row.version), str(row.pages), row.sha256)
                    for n, row in enumerate(rows, 1)
                ),
                PAPER_WIDTHS,
            ),
        ]

    def _interruptions(self) -> list[Block]:
        gaps = sorted(
            ((gap.at, row.point, gap) for row in self._report.points for gap in row.interruptions),
            key=lambda found: found[:2],
        )
        if not gaps:
            return []
        blocks: list[Block] = [Paragraph(self._t("gaps"), "heading")]
        for at, point, gap in gaps:
            reason = why(gap.reason)
            key = "gap" if gap.until is not None else "gap_open"
            said = self._t(
                key,
                point=self._name(point),
                at=self._clock(at),
                until=self._clock(gap.until),
                reason=self._said(reason.text(self._language)) if reason is not None else "–",
            )
            blocks.append(Paragraph(said, "item"))
        return blocks

    def _proof(self) -> list[Block]:
        head = self._head
        said = self._t("recorded") if self._told.recorded else self._t("not_recorded")
        blocks: list[Block] = [Paragraph(said, label=self._t("recording"))]
        if head is None:
            words = self._t("log", conference=self._report.conference)
        else:
            words = self._t(
                "log_signed",
                conference=self._report.conference,
                events=str(head.events),
                head=head.head,
                fingerprint=head.key,
            )
        return [*blocks, Paragraph(words, "loose", self._t("log_label"))]
