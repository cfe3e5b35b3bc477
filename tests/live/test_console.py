"""The operator's console by hand: what a key does and does not do, where the keys go, who directs,
and what the page looks like on any screen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from bridge.conference import commands as c
from bridge.conference.model import Actor
from tests.live.browsers import chromium, open_console, press_briefly, text_is
from tests.live.desks import PAINT, Made, made_up, on_the_desk
from tests.live.support import DEMO, bridge_process, only, started
from tests.live.test_pages import IMAGES, log_in, person, violations
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

FOCUS = "document.activeElement?.id || document.activeElement?.tagName"


async def answer_is(page: Page, text: str) -> None:
    await text_is(page, "#answer", text)


async def test_the_desk_has_the_keys_again_after_whatever_was_typed(tmp_path: Path) -> None:
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        await made.begin()
        page = await on_the_desk(browser, made, 1366, 768)
        process = made.process

        await page.keyboard.press("b")
        assert await page.evaluate(FOCUS) == "line"
        await page.keyboard.type("Nghỉ 10 phút")
        await page.keyboard.press("Enter")
        await eventually(lambda: only(process).banner == "Nghỉ 10 phút")
        await page.wait_for_function(f"() => ({FOCUS}) === 'console'")
        await page.keyboard.press("3")
        await eventually(lambda: only(process).preview == "chi-ne")
        assert await page.input_value("#line") == ""

        # A line that was refused stays, to be mended; Escape leaves it.
        await page.keyboard.press("Control+k")
        await page.keyboard.type("take nobody")
        await page.keyboard.press("Enter")
        await answer_is(page, "nobody")
        assert await page.evaluate(FOCUS) == "line"
        await page.keyboard.press("Escape")
        await page.keyboard.press("Enter")
        await eventually(lambda: only(process).on_air == "chi-ne")

        # A mouse leaves no button behind that Enter would press again.
        await page.click("#bar [data-action=return]")
        await eventually(lambda: only(process).on_air == "hoi-truong")
        await page.keyboard.press("4")
        await eventually(lambda: only(process).preview == "ba-hang-doi")
        await page.keyboard.press("Enter")
        await eventually(lambda: only(process).on_air == "ba-hang-doi")

        # Escape closes what is open: help, menu, search, panel.
        await page.keyboard.press("?")
        await page.wait_for_selector("#help[open]")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#help:not([open])", state="attached")
        await page.click("#more-button")
        await page.wait_for_selector("#more:popover-open")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#more", state="hidden")
        await page.click("#filter")
        await page.keyboard.press("Escape")
        assert await page.evaluate(FOCUS) == "console"
        await page.keyboard.press("o")
        await page.wait_for_selector("#point:not([hidden])")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#point", state="hidden")
        assert page.problems == []  # type: ignore[attr-defined]


async def test_the_help_and_the_line_know_all_typed_commands(tmp_path: Path) -> None:
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        await made.begin()
        page = await on_the_desk(browser, made, 1366, 768)
        count = await page.evaluate("room.state.usage.length")
        assert count >= 27
        await page.keyboard.press("?")
        await page.wait_for_selector("#help[open]")
        assert await page.locator("#usage > div").count() == count
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#help:not([open])", state="attached")

        await page.keyboard.press("Control+k")
        assert await page.locator("#suggestions [role=option]").count() == count
        await page.keyboard.type("pre")
        assert await page.locator("#suggestions [role=option]").count() == 1
        await page.keyboard.press("Tab")
        await page.keyboard.type("chi")
        await page.keyboard.press("ArrowDown")
        assert await page.get_attribute("#line", "aria-activedescendant") == "suggestion-0"
        await page.keyboard.press("Enter")
        assert await page.input_value("#line") == "preview chi-ne "
        await page.keyboard.press("Enter")
        await eventually(lambda: only(made.process).preview == "chi-ne")


async def test_questions_open_on_no_and_what_concerns_all_wants_more(tmp_path: Path) -> None:
    """Twice Enter ends nothing and drops nobody; a held key or the word does."""
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        await made.begin()
        page = await on_the_desk(browser, made, 1366, 768)
        process = made.process
        await page.keyboard.press("3")
        await eventually(lambda: only(process).preview == "chi-ne")
        for key in ("e", "d"):
            await page.keyboard.press(key)
            await page.wait_for_selector("dialog[open]")
            await page.keyboard.press("Enter")
            await page.wait_for_selector("dialog.question", state="detached")
        await page.keyboard.press("e")
        await page.wait_for_selector("dialog[open]")
        await page.focus("dialog[open] .danger")
        await press_briefly(page, "Enter")
        await page.fill("dialog[open] input", "ket")
        await page.press("dialog[open] input", "Enter")
        assert await page.locator("dialog[open]").count() == 1
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog.question", state="detached")
        state = only(process)
        assert (state.phase, state.seats["chi-ne"].dropped) == ("live", False)

        await page.keyboard.press("d")
        await page.wait_for_selector("dialog[open]")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await eventually(lambda: only(process).seats["chi-ne"].dropped)

        await page.keyboard.press("e")
        await page.wait_for_selector("dialog[open]")
        await page.focus("dialog[open] .danger")
        await page.keyboard.down("Enter")
        await page.wait_for_selector("dialog.question", state="detached")
        await page.keyboard.up("Enter")
        await eventually(lambda: process.conductor.running() == [])
        await page.wait_for_selector("#lobby:not([hidden])")


async def test_direction_is_taken_by_asking_and_whoever_loses_it_sees_that(tmp_path: Path) -> None:
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        process = made.process
        await person(process, "minh", "operator")
        await made.begin()
        lost = await on_the_desk(browser, made, 1366, 768)
        page = await log_in(browser, process, "/console", "minh")
        await text_is(page, "#director", "demo điều khiển")
        for key in ("2", "Enter", "f", "r", "Backspace", "e", "b"):
            await page.keyboard.press(key)
            await answer_is(page, "demo đang điều khiển")
            assert await page.locator("dialog[open]").count() == 0
        state = only(process)
        assert (state.director, state.preview, state.on_air) == ("demo", None, "hoi-truong")

        await page.keyboard.press("Shift+T")
        await page.wait_for_selector("dialog[open]")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("dialog.question", state="detached")
        assert only(process).director == "demo"
        await page.keyboard.press("Shift+T")
        await page.fill("dialog[open] input", "nhan quyen")
        await page.press("dialog[open] input", "Enter")
        await eventually(lambda: only(process).director == "minh")
        await text_is(page, "#director", "Bạn điều khiển")

        # In red until it was seen, also after the page was loaded anew.
        await text_is(lost, "#lost", "minh đã nhận quyền điều khiển từ bạn")
        await lost.reload()
        await lost.wait_for_selector("#lost:not([hidden])")
        await lost.click("#lost-seen")
        await lost.wait_for_selector("#lost", state="hidden")
        await lost.reload()
        await text_is(lost, "#director", "minh điều khiển")
        assert await lost.locator("#lost").is_hidden()
        result = await process.conductor.submit(made.conference, c.Return(), DEMO)
        assert getattr(result, "key", "") == "refusal.other_director"


async def test_who_may_only_watch_is_not_asked(tmp_path: Path) -> None:
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        await person(made.process, "khach", "viewer")
        await made.begin()
        page = await log_in(browser, made.process, "/console", "khach")
        await page.wait_for_selector("#desk:not([hidden])")
        for key in ("e", "d", "Enter", "x", "Shift+T"):
            await page.keyboard.press(key)
            await answer_is(page, "chỉ được xem")
            assert await page.locator("dialog[open]").count() == 0
        assert await page.locator("#direct").is_hidden()
        await page.keyboard.press("?")
        await page.wait_for_selector("#help[open]")
        assert await page.locator("#words-title").is_hidden()


async def test_an_answer_goes_with_the_next_order(tmp_path: Path) -> None:
    """The old tick is not taken for the new order's."""
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        await made.begin()
        page = await on_the_desk(browser, made, 1366, 768)
        await page.keyboard.press("3")
        await answer_is(page, "✓")
        seen: list[str] = await page.evaluate(
            """async () => {
              const ask = room.connection.ask.bind(room.connection);
              const seen = [];
              room.connection.ask = (message) => {
                seen.push(document.querySelector("#answer").textContent);
                return ask(message);
              };
              const press = { key: "4", bubbles: true };
              document.body.dispatchEvent(new KeyboardEvent("keydown", press));
              return seen;
            }"""
        )
        assert seen == ["…"]
        await eventually(lambda: only(made.process).preview == "ba-hang-doi")
        await answer_is(page, "✓")


async def test_a_click_on_a_tile_opens_that_point(tmp_path: Path) -> None:
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        await made.begin()
        page = await on_the_desk(browser, made, 1600, 900)
        made.measure(chi_ne={"up": "poor", "up_loss": 0.061})
        await page.click("#tiles [data-point=chi-ne]")
        await text_is(page, "#point-title", "Thị trấn Chi Nê")
        await eventually(lambda: only(made.process).preview == "chi-ne")
        for section, text in {
            "now": "Trong phiên",
            "devices": "đang hoạt động",
            "line": "Kém, mất gói 6,1",
            "receives": "Hội trường UBND huyện",
            "incidents": "Không có sự cố.",
            "last": "Họp giao ban tuần",
        }.items():
            await text_is(page, f"[data-section={section}]", text)
        await page.evaluate(PAINT, made.points)  # the preview shows somebody now
        await page.wait_for_function(
            "() => document.querySelector('#point-stage video').videoWidth > 0"
        )
        scale = await page.inner_text("#point-meter .scale")
        assert scale.split() == ["−50", "−40", "−30", "−20", "−10"]
        # Levels come again and again; who has missed one sees the next.
        level = page.locator("#point-meter .cover")
        async with asyncio.timeout(HANG):
            while not (await level.evaluate("e => e.style.transform")).startswith("scaleX(0.33"):
                made.sound(chi_ne=20)

        await page.click("#point-actions [data-do=mute]")
        await eventually(lambda: only(made.process).seats["chi-ne"].heard)
        await text_is(page, "#point-actions [data-do=mute]", "Tắt micro")
        # The panel follows the keys while it is open.
        await page.keyboard.press("4")
        await text_is(page, "#point-title", "Thị trấn Ba Hàng Đồi")
        await eventually(lambda: only(made.process).preview == "ba-hang-doi")
        # The point on air can be looked at without undoing what was prepared.
        await page.click("#tiles [data-point=hoi-truong]")
        await text_is(page, "#point-title", "Hội trường")
        assert only(made.process).preview == "ba-hang-doi"
        assert await violations(page) == []


LAYOUT = (Path(__file__).parent / "overlaps.js").read_text("utf-8")


async def scene(made: Made) -> None:
    """In full swing: a speaker, a queue, a point that was lost, one that never came."""
    many = len(made.points) > 6
    await made.begin(*made.points[-1:] if many else ())
    if not many:
        if len(made.points) > 1:
            await made.do(c.Preview(point=made.points[1]), c.Take())
        return
    await made.fact(c.CallFailed(point=made.points[-1], reason="call.offline"))
    await made.do(c.Grant(point="khoan-du"), c.Preview(point="chi-ne"))
    for name in ("dong-tam", "an-binh"):
        await made.process.conductor.submit(
            made.conference, c.RequestFloor(point=name), Actor(kind="point", name=name)
        )
    await made.fact(c.PointDown(point="phu-nghia", reason="vanished"))
    await made.do(c.Mute(point="thong-nhat", lock=True))


def figures(made: Made) -> None:
    made.measure(
        hung_thi={"up": "poor", "up_loss": 0.061},
        phu_nghia={"reach": "no", "silent": 12.0},
        yen_bong={"reach": "no", "silent": 95.0},
    )
    made.sound(khoan_du=22, hoi_truong=44, chi_ne=58)


SCREENS = {  # width, height in CSS pixels; the last ones are 1280 and 1600 wide at 200 % and 400 %
    "1280": (1280, 720),
    "1366": (1366, 768),
    "1600": (1600, 900),
    "1920": (1920, 1080),
    "zoom-200-of-1280": (640, 360),
    "zoom-200-of-1600": (800, 450),
    "zoom-400-of-1600": (400, 225),
    "zoom-400-of-1280": (320, 256),
}


@pytest.mark.parametrize("count", [1, 3, 12, 24, 48])
async def test_nothing_overlaps_on_any_screen(
    tmp_path: Path, count: int, request: pytest.FixtureRequest
) -> None:
    """One line at the top and one of buttons from 1280 on, no name cut, no mark over a picture, and
    nothing to scroll sideways down to 320 px (WCAG 1.4.10)."""
    renew = request.config.getoption("--screenshots")
    async with made_up(tmp_path, count) as made, chromium() as browser:
        await scene(made)
        page = await on_the_desk(browser, made, 1600, 900)
        wrong: dict[str, Any] = {}
        for name, (width, height) in SCREENS.items():
            await page.set_viewport_size({"width": width, "height": height})
            figures(made)
            await page.wait_for_function("() => document.querySelector('.lines')?.dataset.mark")
            await page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => "
                "requestAnimationFrame(() => requestAnimationFrame(done))))"
            )
            found = await page.evaluate(LAYOUT)
            rows = found.pop("rows")
            if width >= 1280:
                assert rows == {"header": 1, "bar": 1}, (name, rows)
                if count == 48 and width < 1600:
                    found.pop("cut")  # two lines of each name, and the whole of it on hover
            if any(found.values()):
                wrong[name] = found
            if renew and (count, name) in SHOTS:
                await page.screenshot(
                    path=IMAGES / f"{SHOTS[count, name]}.png", full_page=width < 1100
                )
        assert wrong == {}
        assert page.problems == []  # type: ignore[attr-defined]


# Panels that lie over the next one, and what stands out of its panel. Lists scroll by themselves.
PANELS = """() => {
  const shown = [...document.querySelectorAll("#side > :not(#typed)")]
    .filter((each) => each.offsetHeight);
  return shown.flatMap((each, at) => {
    const inside = each.getBoundingClientRect();
    const out = [...each.querySelectorAll("button, h2, input")].filter((child) =>
      child.offsetHeight && !child.closest("ol, ul") &&
      child.getBoundingClientRect().bottom > inside.bottom + 1);
    const next = shown[at + 1]?.getBoundingClientRect();
    const over = next && next.top < inside.bottom ? [each.id] : [];
    return [...out.map((child) => child.id), ...over];
  });
}"""


async def test_the_panels_beside_the_desk_keep_apart(tmp_path: Path) -> None:
    """A vote, an agenda and a paper's worth of decisions at once, on a small screen: what does not
    fit is scrolled to, and nothing lies over anything."""
    async with made_up(tmp_path, 12) as made, chromium() as browser:
        await scene(made)
        items = tuple(c.AgendaEntry(title=f"Báo cáo của xã số {n}", minutes=5) for n in range(6))
        await made.do(c.SetAgenda(items=items))
        await made.do(c.NextItem())
        for number in range(6):
            await made.do(c.NoteDecision(text=f"Thống nhất nội dung thứ {number}."))
        await made.do(c.OpenVote(title="Thông qua kế hoạch phòng chống thiên tai năm 2027"))
        page = await on_the_desk(browser, made, 1280, 720)
        await page.locator("#vote-end").wait_for()
        await page.locator("#decisions li").nth(5).wait_for(state="attached")
        assert await page.evaluate(PANELS) == []
        box = await page.locator("#vote-end").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 720, "how to end the vote is seen at once"


SHOTS = {
    (12, "1600"): "console-desk",
    (12, "zoom-200-of-1280"): "console-zoom-200",
    (3, "1600"): "console-3-points",
    (24, "1600"): "console-24-points",
}


async def test_the_desk_without_eyes(tmp_path: Path) -> None:
    """Names and roles of all controls, and what is said aloud when something changes."""
    async with made_up(tmp_path, 12) as made, chromium() as browser:
        await scene(made)
        page = await on_the_desk(browser, made, 1600, 900)
        figures(made)
        await page.click("#tiles [data-point=khoan-du]")
        await page.wait_for_selector("#point:not([hidden])")
        await page.wait_for_selector("[data-point=chi-ne][aria-label*='đường truyền tốt']")
        nameless: list[str] = await page.evaluate(
            """() => [...document.querySelectorAll("button, a, input, select, [tabindex='0']")]
              .filter((e) => e.checkVisibility())
              .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() ||
                e.labels?.length || document.getElementById(e.getAttribute("aria-labelledby"))))
              .map((e) => e.outerHTML)"""
        )
        assert nameless == []
        assert await violations(page) == []
        tree = await page.locator("#console").aria_snapshot()
        for expected in (
            'button "Chuyển"',
            'button "Quay lại"',
            'button "Tắt các micro khác · ⇧M"',
            'group "Các điểm cầu"',
            "Điểm cầu Thị trấn Chi Nê, chuẩn bị, trong phiên, micro tắt, đường truyền tốt",
            'button "Mời phát biểu"',
            'combobox "Lệnh (Ctrl+K)"',
        ):
            assert expected in tree, f"{expected} is not in\n{tree}"

        said = "#tally"
        assert await page.get_attribute(said, "aria-live") == "polite"
        await text_is(page, said, "Đang phát: Xã Khoan Dụ. Chuẩn bị: Thị trấn Chi Nê.")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Enter")
        await text_is(page, said, "Đang phát: Thị trấn Chi Nê. Chuẩn bị: Xã Khoan Dụ.")
        assert await page.get_attribute("#log-scroll", "role") == "log"
        # Only what is new is read: the lines that stand there stay the same elements.
        await page.wait_for_function(
            "seq => document.querySelector('#log li').dataset.seq === String(seq)",
            arg=only(made.process).seq,
        )
        await page.evaluate("() => { document.querySelector('#log li').dataset.kept = 'yes' }")
        await page.keyboard.press("Backspace")
        await page.wait_for_function(
            "() => document.querySelectorAll('#log li')[1].dataset.kept === 'yes'"
        )


async def test_a_conference_by_keyboard_alone(tmp_path: Path) -> None:
    """From the login to the end, every control by Tab, arrows and its key; focus is always seen."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        page = await open_console(browser, process)
        await page.wait_for_selector("#templates li.chosen")
        await page.keyboard.press("s")
        await eventually(process.conductor.running)
        await page.wait_for_selector("#desk:not([hidden])")
        await page.wait_for_selector("#tiles [data-point]")

        reached: list[str] = []
        for _ in range(60):
            await page.keyboard.press("Tab")
            here = await page.evaluate(
                "() => { const e = document.activeElement; const s = getComputedStyle(e);"
                "return [e.id || e.dataset?.action || e.dataset?.point || e.tagName,"
                " parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none'] }"
            )
            if here[0] in reached or here[0] == "BODY":
                break
            assert here[1], f"the focus on {here[0]} is not seen"
            reached.append(here[0])
        for control in ("running", "menu-button", "back", "mute_all", "more-button", "hoi-truong"):
            assert control in reached, f"{control} is not in {reached}"
        assert "phong-hop" not in reached, "the wall is one stop"

        await page.focus("#tiles [data-point=hoi-truong]")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        await press_briefly(page, "Space")
        await text_is(page, "#point-title", "Thị trấn Chi Nê")
        await eventually(lambda: only(process).preview == "chi-ne")
        await page.keyboard.press("Escape")

        await page.focus("#more-button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#more:popover-open")
        await page.focus("#more [data-action=lock]")
        await page.keyboard.press("Enter")
        await eventually(lambda: only(process).closed)

        await page.keyboard.press("e")
        await page.wait_for_selector("dialog[open]")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.type("kết thúc")
        await page.keyboard.press("Enter")
        await eventually(lambda: process.conductor.running() == [])
        await page.wait_for_selector("#lobby:not([hidden])")
        assert page.problems == []  # type: ignore[attr-defined]


async def test_a_key_that_is_held_is_one_press(tmp_path: Path) -> None:
    """Since who leaves the programme goes to preview, a held Enter would cut back and forth."""
    async with made_up(tmp_path, 6) as made, chromium() as browser:
        await made.begin()
        page = await on_the_desk(browser, made, 1366, 768)
        await page.keyboard.press("3")
        await eventually(lambda: only(made.process).preview == "chi-ne")
        for _ in range(4):
            await page.keyboard.down("Enter")  # from the second on it is a repetition
        await page.keyboard.up("Enter")
        await eventually(lambda: only(made.process).on_air == "chi-ne")
        await page.keyboard.press("4")
        await eventually(lambda: only(made.process).preview == "ba-hang-doi")
        assert only(made.process).on_air == "chi-ne"
        assert only(made.process).previous == "hoi-truong"


async def test_started_without_a_console(tmp_path: Path) -> None:
    """A conference that runs already is on the desk as soon as the page is there."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await started(process)
        page = await open_console(browser, process)
        await page.wait_for_selector("#desk:not([hidden])")
        await page.wait_for_selector("#tiles [data-point]")
        assert await page.locator("#tiles [data-point]").count() == 12
