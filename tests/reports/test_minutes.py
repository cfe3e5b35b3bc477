"""Minutes in the form of Decree 30/2020/NĐ-CP: what stands in them, and both files."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import docx
import pypdfium2
import pytest
from fontTools.ttLib import TTFont

from bridge.conference import commands as c
from bridge.conference.attendance import Details, Person
from bridge.conference.model import SYSTEM, Actor, Paper, Title
from bridge.conference.proceedings import proceedings
from bridge.reports.minutes import as_pdf as pdf_module
from bridge.reports.minutes.as_docx import as_docx
from bridge.reports.minutes.as_pdf import FONTS, as_pdf
from bridge.reports.minutes.drafting import Setting, draft
from bridge.reports.minutes.sheet import Grid, Sheet, readable
from bridge.server.api.proofs import Proof
from config.minutes_schema import Minutes
from tests.conference.support import Run
from tests.conference.test_proceedings import meeting

NAMES = {"a": "Hội trường UBND huyện", "b": "Xã Khoan Dụ", "c": "Xã Đồng Tâm", "d": "Xã Hưng Thi"}
SHA = "c0ffee" + "0" * 58
HEADED = Minutes(
    superior="UBND TỈNH HÒA BÌNH", agency="UBND HUYỆN LẠC THỦY", symbol="BB-UBND", place="Lạc Thủy"
)
PROOF = Proof(
    events=41, head="ab" * 32, since=1, signed=0, key="cd" * 32, signature="", statement=""
)
LETTERS = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"
HOSTILE = "<b>Đ**ọ\u202ec</b>\x07 =1+1 \ud7ff" + "x" * 280


def setting(minutes: Minutes = HEADED, language: str = "vi", number: str = "12") -> Setting:
    return Setting(minutes, "Huyện Lạc Thủy", NAMES, language, "Asia/Ho_Chi_Minh", number)


def ended() -> Run:
    run = meeting()
    paper = Paper(id="p", version=2, title="Dự toán", pages=7, octets=9, sha256=SHA)
    run.ok(c.AttachPaper(newest=paper), SYSTEM)
    run.ok(c.End())
    return run


def sheet(run: Run | None = None, **options: str) -> Sheet:
    run = run or ended()
    return draft(proceedings(run.log, run.now), setting(**options), PROOF)  # type: ignore[arg-type]


def words(made: Sheet) -> str:
    found = []
    for block in made.blocks:
        if isinstance(block, Grid):
            found += ["|".join(row) for row in (block.header, *block.rows)]
        else:
            found.append(f"{block.label}: {block.text}" if block.label else block.text)
    return "\n".join(found)


def read(data: bytes) -> list[str]:
    """The text of each page of a PDF."""
    pdf = pypdfium2.PdfDocument(data)
    try:
        return [page.get_textpage().get_text_range() for page in pdf]
    finally:
        pdf.close()


def test_the_parts_of_the_form() -> None:
    made = sheet()
    assert made.number == "Số: 12/BB-UBND"
    assert (made.kind, made.summary) == ("BIÊN BẢN", "Họp")
    assert made.nation == "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    assert made.dated == "Lạc Thủy, ngày 01 tháng 01 năm 1970"  # the log's own time
    assert (made.secretary.title, made.chair.title) == ("THƯ KÝ", "CHỦ TỌA")
    said = words(made)
    assert "Thời gian bắt đầu: 08 giờ 17 phút, ngày 01 tháng 01 năm 1970" in said
    assert "4/4 điểm cầu" in said
    assert "1|Hội trường UBND huyện (chủ trì)|08:16:40" in said
    assert "2. Thu chi" in said
    assert "Xã Khoan Dụ phát biểu lúc 08:18:10, trong 1 phút 30 giây" in said
    assert said.index("2. Thu chi") < said.index("Thông qua báo cáo") < said.index("Kết luận chung")
    assert "Các mục chưa bàn: Việc khác." in said
    assert f"Dự toán|2|7|{SHA}" in said
    assert "Xã Hưng Thi: từ 08:20:00 đến 08:20:10. Lý do: " in said
    assert f"gồm 41 sự kiện, mã băm của sự kiện cuối {'ab' * 32}" in said
    assert said.endswith("Cuộc họp kết thúc vào 08 giờ 20 phút, ngày 01 tháng 01 năm 1970./.")


def test_what_is_not_known_is_left_to_be_filled_in() -> None:
    made = sheet(minutes=Minutes(), number="")  # type: ignore[arg-type]
    assert made.number == "Số: ……/BB"
    assert made.agency == "HUYỆN LẠC THỦY"
    assert made.superior == ""
    assert made.recipients == ("Các điểm cầu dự họp", "Lưu: VT, hồ sơ cuộc họp")


def test_who_did_not_come_is_named_with_the_reason() -> None:
    run = Run(present=("a", "b"))
    run.ok(c.CallFailed(point="c", reason="call.no_answer"), SYSTEM)
    run.ok(c.Start())
    said = words(sheet(run))
    assert "2/4 điểm cầu" in said
    assert "Vắng mặt: Xã Đồng Tâm (" in said
    assert "; Xã Hưng Thi." in said
    assert said.startswith("DỰ THẢO: cuộc họp chưa kết thúc")


def test_a_templates_own_settings_stand_over_the_general_ones() -> None:
    own = Minutes(symbol="BB-VP", recipients=["Như trên"])
    both = own.under(HEADED)
    assert (both.symbol, both.recipients) == ("BB-VP", ["Như trên"])
    assert (both.agency, both.place) == (HEADED.agency, HEADED.place)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_same_log_gives_the_same_files(language: str) -> None:
    first, again = sheet(language=language), sheet(language=language)
    assert as_pdf(first) == as_pdf(again)
    assert as_docx(first) == as_docx(again)


def test_the_pdf_reads_as_it_was_written() -> None:
    pages = read(as_pdf(sheet()))
    whole = "\n".join(pages).replace("\r", "")
    for part in (
        "UBND HUYỆN LẠC THỦY",
        "Số: 12/BB-UBND",
        "Độc lập – Tự do – Hạnh phúc",
        "BIÊN BẢN",
    ):
        assert part in pages[0]
    for part in (
        "Thông qua báo cáo",
        "CHỦ TỌA",
        "THƯ KÝ",
        "Nơi nhận:",
        "- Lưu: VT, hồ sơ cuộc họp.",
    ):
        assert part in whole
    assert SHA in whole.replace("\n", "")
    pdf = pypdfium2.PdfDocument(as_pdf(sheet()))
    assert [round(side * 25.4 / 72) for side in pdf[0].get_size()] == [210, 297]
    pdf.close()


def test_pages_after_the_first_are_numbered_and_signatures_are_not_torn_apart() -> None:
    run = meeting()
    for number in range(60):
        run.ok(c.NoteDecision(text=f"Giao xã số {number} báo cáo trước ngày 15 hằng tháng"))
    pages = read(as_pdf(sheet(run)))
    assert len(pages) > 2
    assert not pages[0].startswith("1")
    assert pages[1].split()[0] == "2"
    assert "CHỦ TỌA" in pages[-1]
    assert "Nơi nhận:" in pages[-1]


def test_the_docx_can_be_edited_and_has_the_page_of_the_decree() -> None:
    document = docx.Document(io.BytesIO(as_docx(sheet())))
    section: Any = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    for margin, least, most in (
        (section.top_margin, 20, 25),
        (section.bottom_margin, 20, 25),
        (section.left_margin, 30, 35),
        (section.right_margin, 15, 20),
    ):
        assert least <= round(margin.mm, 1) <= most
    assert document.styles["Normal"].font.name == "Times New Roman"
    said = "\n".join(p.text for p in document.paragraphs)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    assert "Kết luận:" in said
    assert "– Thông qua báo cáo" in said
    assert SHA in cells
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in cells[1]


def test_what_people_wrote_is_text_and_nothing_else() -> None:
    run = Run(title=Title(vi=HOSTILE, en=HOSTILE))
    run.ok(c.Start())
    run.ok(c.NoteDecision(text="<script>**đậm**</script> " + "y" * 900))
    made = sheet(run)
    document = docx.Document(io.BytesIO(as_docx(made)))
    assert readable(HOSTILE) in [p.text for p in document.paragraphs]
    assert "\u202e" not in readable(HOSTILE)
    whole = "".join(read(as_pdf(made))).replace("\r\n", " ")
    assert "<script>**đậm**</script>" in whole


def test_the_fonts_have_every_vietnamese_letter_and_are_what_their_authors_published() -> None:
    for name in ("regular", "bold", "italic", "bolditalic"):
        with TTFont(FONTS / f"texgyretermes-{name}.otf") as font:
            known = font.getBestCmap()
        missing = [x for x in LETTERS + LETTERS.upper() + "–…“”‘’" if ord(x) not in known]
        assert missing == []
    for line in (FONTS / "SHA256SUMS").read_text("ascii").splitlines():
        digest, file = line.split()
        assert hashlib.sha256((FONTS / file).read_bytes()).hexdigest() == digest
    assert 30 <= pdf_module.LEFT <= 35
    assert 15 <= pdf_module.RIGHT <= 20


def test_delegates_stand_by_name_whatever_they_are_called() -> None:
    """Names are looked at when they come; what slipped through does no harm on paper either."""
    run = meeting()
    persons = {"1a": Person(point="b", seal="x"), "2b": Person(point="c"), "3c": Person(point="b")}
    run.ok(c.ListPersons(persons=persons), SYSTEM)
    run.ok(c.Attend(persons=("1a", "3c")))
    run.ok(c.OpenVote(title="Thông qua", by="persons", quorum=0))
    vote = run.state.votes[-1].number
    cast = c.CastBallot(number=vote, choice="for", point="b", person="1a")
    run.ok(cast, Actor(kind="person", name="1a"))
    run.ok(c.CloseVote())
    run.ok(c.End())
    named = {"1a": Details(HOSTILE, "UBND xã", "Chủ tịch"), "2b": Details("Lò Thị Vắng")}
    told = proceedings(run.log, run.now)
    made = draft(told, setting()._replace(persons=named), PROOF)
    said = words(made)
    assert "2/3 đại biểu" in said
    assert "|Chủ tịch|UBND xã|Xã Khoan Dụ" in said
    assert "Đại biểu vắng mặt: Lò Thị Vắng." in said
    assert "1 đại biểu không còn được lưu" in said
    assert "(Xã Khoan Dụ): Tán thành" in said
    assert "1/3 đại biểu biểu quyết" in said
    document = docx.Document(io.BytesIO(as_docx(made)))
    cells = [cell.text for grid in document.tables for row in grid.rows for cell in row.cells]
    for text in ("\n".join(read(as_pdf(made))), "\n".join(cells)):
        assert "Chủ tịch" in text
        assert "<b>" in text, "as it was typed, not as markup"
        assert not set("\u202e\x07") & set(text)
