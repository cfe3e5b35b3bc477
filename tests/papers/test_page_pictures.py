"""Pages drawn by processes: each once, within bounds, and what becomes of one that hangs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.papers import page_pictures
from bridge.papers.page_pictures import WIDTHS, NotDrawnError, PagePictures, width_for
from tests.papers.support import COLOURS, colour, near, pdf

COUNTING = """
import json, sys
for number, line in enumerate(sys.stdin, 1):
    asked = json.loads(line)
    picture = f"{asked['page']} {asked['width']} {number}".encode()
    print(json.dumps({"octets": len(picture)}), flush=True)
    sys.stdout.write(picture.decode()); sys.stdout.flush()
"""


@pytest.fixture
async def pictures() -> AsyncIterator[PagePictures]:
    made = PagePictures(processes=1)
    yield made
    await made.close()


def stand_in(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(page_pictures, "WORK", (sys.executable, "-c", program))


@pytest.mark.parametrize(("wanted", "width"), [(0, 320), (320, 320), (321, 1280), (9999, 3840)])
def test_widths_are_steps(wanted: int, width: int) -> None:
    assert width_for(wanted) == width
    assert sorted(WIDTHS) == list(WIDTHS)


async def test_pages_are_drawn_and_damaged_ones_are_a_sentence(
    pictures: PagePictures, tmp_path: Path
) -> None:
    path = tmp_path / "paper"
    path.write_bytes(pdf(3))
    for page in (1, 2, 3):
        assert near(colour(await pictures.picture(path, page, 320)), COLOURS[page - 1])
    with pytest.raises(NotDrawnError) as error:
        await pictures.picture(path, 4, 320)
    assert (error.value.key, error.value.arguments) == ("papers.page_failed", {"page": "4"})
    assert near(colour(await pictures.picture(path, 1, 1280)), COLOURS[0]), "it goes on"


async def test_rooms_that_ask_at_once_share_a_drawing(
    pictures: PagePictures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, COUNTING)
    path = tmp_path / "paper"
    asked = [pictures.picture(path, 7, 1900) for _ in range(12)]
    assert set(await asyncio.gather(*asked)) == {b"7 1920 1"}
    assert await pictures.picture(path, 7, 1920) == b"7 1920 1"
    pictures.forget(path)
    assert await pictures.picture(path, 7, 1920) == b"7 1920 2"


async def test_what_is_kept_has_a_bound(
    pictures: PagePictures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, COUNTING)
    monkeypatch.setattr(page_pictures, "MAX_KEPT", 16)
    path = tmp_path / "paper"
    assert await pictures.picture(path, 1, 320) == b"1 320 1"
    assert await pictures.picture(path, 2, 320) == b"2 320 2"
    assert await pictures.picture(path, 1, 320) == b"1 320 1"
    assert await pictures.picture(path, 3, 320) == b"3 320 3"
    assert await pictures.picture(path, 2, 320) == b"2 320 4", "the oldest was let go"


@pytest.mark.parametrize(
    "program",
    ["import os; os.abort()", "print('nonsense', flush=True); input(); input()", "pass"],
)
async def test_a_process_that_fails_is_a_sentence_and_another_one_begins(
    pictures: PagePictures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    stand_in(monkeypatch, program)
    with pytest.raises(NotDrawnError) as error:
        await pictures.picture(tmp_path / "paper", 1, 320)
    assert error.value.key == "papers.page_too_heavy"
    stand_in(monkeypatch, COUNTING)
    assert await pictures.picture(tmp_path / "paper", 1, 320) == b"1 320 1"


async def test_who_goes_away_takes_no_picture_from_others(
    pictures: PagePictures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, COUNTING)
    first = asyncio.create_task(pictures.picture(tmp_path / "paper", 1, 320))
    second = asyncio.create_task(pictures.picture(tmp_path / "paper", 1, 320))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == b"1 320 1"
