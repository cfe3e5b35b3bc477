"""The pages for people: accessibility, keys, the technician's and the admin's work."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from bridge.accounts import passwords
from bridge.app.process import ControlProcess
from bridge.base.roles import Role, User
from bridge.conference import commands as c
from bridge.lines.history import HOUR
from bridge.reports.monthly_lines import month_of
from bridge.store.quality import QualityStore
from config.schema import Name, Template
from monitoring.quality.line_state import Row
from tests.live.browsers import chromium, open_console, open_room, programme_is, text_is
from tests.live.support import act, bridge_process, only, simulated_points, started
from tests.paths import ROOT
from tests.reports.test_monthly_lines import quality_row
from tests.server.test_bundle import put_bundle
from tests.waiting import HANG, eventually
from tests.web.tools import packages

pytestmark = pytest.mark.browser
IMAGES = ROOT / "docs" / "images"
PASSWORD = "correct-horse-battery"


async def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.1 A and AA. It is evaluated, not loaded by the page:
    the policy of the page would not let it."""
    await page.evaluate((packages() / "axe-core/axe.min.js").read_text("utf-8") + ";0")
    found: list[dict[str, Any]] = await page.evaluate(
        "async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', "
        "'wcag21aa']})).violations.map(v => ({id: v.id, nodes: v.nodes.map(n => n.html)}))"
    )
    return [f"{item['id']}: {item['nodes'][:3]}" for item in found]


async def person(process: ControlProcess, name: str, role: Role, *points: str) -> None:
    user = User(name=name, role=role, points=points, created=process.conductor.now())
    hashed = passwords.hash_password(PASSWORD)
    await process.accounts.add_user(user, hashed, passwords.new_token())


async def log_in(browser: Browser, process: ControlProcess, path: str, name: str) -> Page:
    context = await browser.new_context(
        viewport={"width": 360, "height": 740} if path == "/status" else None
    )
    await context.grant_permissions(["camera", "microphone"], origin=process.url)
    context.set_default_timeout(HANG * 1000)
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.problems = problems  # type: ignore[attr-defined]
    await page.goto(process.url + path)
    await page.fill("form.card input[name=name]", name)
    await page.fill("form.card input[name=password]", "wrong-wrong-wrong")
    await page.click("form.card button.primary")
    await text_is(page, "form.card .error", "Tên hoặc mật khẩu không đúng")
    await page.fill("form.card input[name=password]", PASSWORD)
    await page.click("form.card button.primary")
    return page


async def test_no_page_has_a_barrier(tmp_path: Path) -> None:
    """axe on every page, in the states that people see."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await person(process, "quan", "admin")
        async with simulated_points(process, ["hoi-truong", "phong-hop"]):
            console = await open_console(browser, process)
            await console.wait_for_selector("#templates li")
            assert await violations(console) == []
            room = await open_room(browser, process, "khoan-du")
            await text_is(room, "#waiting", "Họp giao ban tuần")
            assert await violations(room) == []
            conference = await started(process)
            await room.wait_for_selector("#ask:not([hidden])")
            await room.keyboard.press("f")
            await act(process, conference, c.Preview(point="khoan-du"))
            await act(process, conference, c.Banner(text="Nghỉ 10 phút"))
            await console.wait_for_selector("#queue li")
            assert await violations(console) == []
            await console.keyboard.press("?")
            await console.wait_for_selector("dialog[open]")
            assert await violations(console) == []
            await console.keyboard.press("Escape")
            await act(process, conference, c.Grant())
            await text_is(room, "#microphone", "MICRO ĐANG MỞ")
            assert await violations(room) == []
            # At first, nothing being known of the console's own line, a picture may be missing.
            label = "Điểm cầu Xã Khoan Dụ, đang phát, đang phát biểu, micro mở"
            await console.wait_for_selector(f'[data-point=khoan-du][aria-label^="{label}"]')
            await act(process, conference, c.End())
            points = list(process.control.topology.points)
            await process.readiness.sweep(points, None, "quan", full=False, window=0.1)
            for path, there in (
                ("/status", ".point"),
                ("/admin", "#serving tbody tr"),
                (f"/report?id={conference}", "#table tr"),
                ("/ready", ".point"),
                ("/lines", "#table tr"),
                ("/templates", "#list li"),
            ):
                page = await log_in(browser, process, path, "quan")
                await page.wait_for_selector(there)
                assert await violations(page) == [], path
                assert page.problems == []  # type: ignore[attr-defined]


async def test_keys_are_off_while_typing_and_confirmations_are_few(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge_process(tmp_path))
        browser = await stack.enter_async_context(chromium())
        async with simulated_points(process, ["hoi-truong", "chi-ne"]):
            page = await open_console(browser, process)
            await page.wait_for_selector("#templates li.chosen")
            await page.keyboard.press("s")
            await eventually(process.conductor.running)
            await eventually(lambda: len(only(process).present) == 2)
            await page.click("#line")
            await page.keyboard.type("banner e3r")
            await page.keyboard.press("Enter")
            await eventually(lambda: only(process).banner == "e3r")
            assert only(process).preview is None
            await page.keyboard.press("Escape")
            await page.keyboard.press("Escape")
            await page.dblclick("[data-point=chi-ne]")
            await eventually(lambda: only(process).on_air == "chi-ne")
            await page.keyboard.press("e")
            await page.wait_for_selector("dialog[open]")
            await page.keyboard.press("Escape")
            assert only(process).phase == "live"
            await page.click("#menu-button")
            await page.click("#language")
            await text_is(page, "#phase", "In session")
            await page.click("#point-close")  # the click opened that point, where the log stands
            await page.fill("#filter", "on air")
            await page.wait_for_function(
                "() => [...document.querySelectorAll('#log li')].every(l => l.dataset.kind === "
                "'taken')",
                polling=50,
            )
            assert page.problems == []  # type: ignore[attr-defined]


async def test_two_conferences_from_one_console(tmp_path: Path) -> None:
    """Disjoint points; the console starts both and looks at either."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        templates = [
            Template(id="mot", title=Name(vi="Một"), points=["an-binh", "chi-ne"], chair="an-binh"),
            Template(
                id="hai", title=Name(vi="Hai"), points=["khoan-du", "yen-bong"], chair="khoan-du"
            ),
        ]
        process.control.swap_topology(process.topology.model_copy(update={"templates": templates}))
        async with simulated_points(process, ["an-binh", "khoan-du"]):
            page = await open_console(browser, process)
            await page.wait_for_selector("#templates li.chosen")
            await page.keyboard.press("s")
            await programme_is(page, numbers["an-binh"])
            await page.select_option("#running", "")
            await page.keyboard.press("ArrowDown")
            await page.keyboard.press("s")
            await programme_is(page, numbers["khoan-du"])
            await page.wait_for_function("() => document.title === 'Hai'")
            assert len(process.conductor.running()) == 2
            first = process.conductor.running()[0].booking.id
            await page.select_option("#running", first)
            await programme_is(page, numbers["an-binh"])
            await page.wait_for_function("() => document.title === 'Một'")
            assert await violations(page) == []
            assert page.problems == []  # type: ignore[attr-defined]


async def test_a_room_on_invitation_decides_itself(tmp_path: Path) -> None:
    """The button, then inside; dropped it says so, recalled it is back."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        points = [
            p.model_copy(update={"connect": "invitation"}) if p.id == "khoan-du" else p
            for p in process.topology.points
        ]
        process.control.swap_topology(process.topology.model_copy(update={"points": points}))
        room = await open_room(browser, process, "khoan-du")
        await text_is(room, "#status", "Đã kết nối")
        conference = await started(process)
        await text_is(room, "#waiting", "Mời vào họp")
        assert only(process).present == frozenset()
        await room.click("#accept")
        await eventually(lambda: only(process).present == {"khoan-du"})
        await room.wait_for_function("() => globalThis.room?.media?.sending")
        await act(process, conference, c.Drop(point="khoan-du"))
        await text_is(room, "#waiting", "đưa ra khỏi cuộc họp")
        await room.wait_for_function("() => globalThis.room?.media && !room.media.sending")
        await act(process, conference, c.Recall(point="khoan-du"))
        await eventually(lambda: only(process).present == {"khoan-du"})
        await act(process, conference, c.Banner(text="Chỉnh camera", point="khoan-du"))
        await text_is(room, "#banner", "Chỉnh camera")
        assert room.problems == []  # type: ignore[attr-defined]


async def test_the_technicians_page(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """On a telephone: three lamps, the next conference, and a test that sees and hears itself."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await person(process, "tuan", "technician", "khoan-du")
        room = await open_room(browser, process, "khoan-du")
        await text_is(room, "#status", "Đã kết nối")
        page = await log_in(browser, process, "/status", "tuan")
        await page.wait_for_selector("[data-lamp=picture][data-level=good]")
        assert await page.locator(".point").count() == 1
        assert await page.locator("[data-lamp]").count() == 3
        await text_is(page, "#points", "Họp giao ban tuần")
        await text_is(page, "#contact", "0218 000 000")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, "nothing needs scrolling sideways"
        await page.click("#run")
        await page.wait_for_selector("[data-result=line]")
        results = await page.evaluate(
            "() => Object.fromEntries([...document.querySelectorAll('[data-result]')]"
            ".map(r => [r.dataset.result, r.dataset.level]))"
        )
        # A machine that is busy loses packets itself: how many is no matter of this test.
        assert results.pop("line") in ("good", "warn")
        assert results == {"picture": "good", "sound": "good"}
        # The test has ended its session: it says so on another connection than this one.
        await eventually(lambda: process.control.sessions.of_user("tuan") == [])
        if request.config.getoption("--screenshots"):
            await page.screenshot(path=IMAGES / "status.png", full_page=True)
        await room.close()
        await page.wait_for_selector("[data-lamp=line][data-level=bad]")
        assert page.problems == []  # type: ignore[attr-defined]


async def test_faults_maintenance_and_the_chart(tmp_path: Path) -> None:
    """What a technician does besides looking; the line of yesterday and of the last hour."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await person(process, "tuan", "technician", "khoan-du")
        now = int(process.conductor.now()) // 60 * 60
        rows = [
            Row(
                "khoan-du",
                "ef",
                direction,
                now - 60 * n,
                60,
                300,
                30 if n == 5 else 0,
                0,
                0,
                0,
                1.0,
                2.0,
                3.0,
                10.0,
                12.0,
                None,
                46,
                60.0 if n == 9 else 0.0,
                4.3,
            )
            for n in range(1, 50)
            for direction in ("up", "down")
        ]
        await QualityStore(process.engine).add([row._asdict() for row in rows])
        page = await log_in(browser, process, "/status", "tuan")
        await page.wait_for_selector(".charts svg path")
        charts = page.locator(".charts figure").first.locator("svg")
        assert await charts.count() == 3
        label = await charts.first.get_attribute("aria-label")
        assert label is not None
        assert "lên: 0.0–10.0" in label
        assert await charts.first.locator(".outage").count() == 1
        await page.select_option("form.fault select", "sound")
        await page.fill("form.fault input", "chỉ nghe tiếng ù")
        await page.click("form.fault button")
        await text_is(page, ".said", "Số sự cố: 1")
        await text_is(page, ".incidents", "Sự cố số 1")
        assert [i.note for i in process.incidents.of_point("khoan-du")] == [
            "sound: chỉ nghe tiếng ù"
        ]
        await page.click("[data-tool=maintenance]")
        await text_is(page, ".silenced", "Đang bảo trì")
        assert await violations(page) == []
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, "nothing needs scrolling sideways"
        assert process.incidents.suppressed("khoan-du")
        await page.click("[data-tool=maintenance]")
        await page.wait_for_selector(".silenced", state="detached")
        await page.click(".incidents button")
        await page.wait_for_selector(".incidents", state="detached")
        assert process.incidents.open == {}
        assert page.problems == []  # type: ignore[attr-defined]


async def test_the_admins_page(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await person(process, "quan", "admin")
        page = await log_in(browser, process, "/admin", "quan")
        await page.wait_for_selector("#users tbody tr")
        await page.fill("#add-user input[name=name]", "lan")
        await page.click("#add-user button")
        await text_is(page, "#done", "Mật khẩu đầu của lan:")
        user = await process.accounts.user("lan")
        assert user is not None
        assert user.must_change
        await page.select_option("#make-code select", "khoan-du")
        await page.click("#make-code button")
        await page.wait_for_function("() => document.querySelector('#code').textContent.length > 8")
        code = await page.locator("#code").inner_text()
        enrolled = await page.request.post(
            f"{process.url}/api/v1/enrol",
            data=json.dumps({"code": code, "name": "PC mới"}),
            headers={"Content-Type": "application/json"},
        )
        assert (await enrolled.json())["point"] == "khoan-du"
        await text_is(page, "#line", "make bundle")  # there is none yet
        put_bundle(tmp_path)
        await page.click("#make-code button")
        await text_is(page, "#line-title", "Máy phòng họp mới")
        await text_is(page, "#line", f"b='{process.url}'")
        code = await page.locator("#code").inner_text()
        assert (await page.locator("#line").inner_text()).strip().endswith(code)
        await page.goto(f"{process.url}/templates")
        await page.click("#new")
        await page.fill("[name=id]", "hop-xa")
        await page.fill("[name=vi]", "Họp xã")
        await page.select_option("[name=chair]", "chi-ne")
        for tick in await page.locator("input[name=points]").all():
            point = await tick.get_attribute("value")
            await tick.set_checked(point in ("khoan-du", "chi-ne"))
        await page.check("[name=planned]")
        await page.fill("[name=start]", "2026-11-30T08:00")
        await page.select_option("[name=repeat]", "weekly-MO")
        await page.fill("[name=exceptions]", "2026-13-40")
        await page.click("#form button.primary")
        await text_is(page, "#error", "'2026-13-40' không phải ngày")
        await page.fill("[name=exceptions]", "")
        await page.click("#form button.primary")
        await text_is(page, "#done", "Đã lưu mẫu «Họp xã».")
        await text_is(page, "#list", "Họp xã")
        made = process.scheduler.templates()["hop-xa"]
        assert made.points == ["chi-ne", "khoan-du"]
        assert made.schedule is not None
        assert made.schedule.rule == "FREQ=WEEKLY;BYDAY=MO"
        await page.goto(f"{process.url}/admin")
        await text_is(page, "#overview-title", "Tổng quan")
        if request.config.getoption("--screenshots"):
            await page.screenshot(path=IMAGES / "admin.png")
        assert page.problems == []  # type: ignore[attr-defined]


async def test_the_overview_and_the_monthly_report(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        now = process.conductor.now()
        begin = int(now) // HOUR * HOUR - 2 * HOUR
        await QualityStore(process.engine).add(
            [
                quality_row(
                    "khoan-du",
                    "ef",
                    direction,
                    begin + 60 * minute,
                    lost=30 if direction == "down" else 0,
                    outage=60.0 if minute == 5 else 0.0,
                )
                for minute in range(60)
                for direction in ("up", "down")
            ]
        )
        await person(process, "quan", "admin")
        page = await log_in(browser, process, "/admin", "quan")
        row = page.locator("#overview-points tr", has_text="Xã Khoan Dụ")
        await row.wait_for()
        assert "98,33" in await row.inner_text()
        assert "0,00\u00a0% / 10,00\u00a0%" in await row.inner_text()
        assert "0/12" in await page.locator("#overview").inner_text()
        await page.click("a[href='/lines']")
        await page.wait_for_selector("#table tbody tr")
        # In the first hours of a month the figures are those of the month before.
        month = month_of(begin, process.control.topology.current.bridge.zone)
        await page.goto(f"{process.url}/lines?month={month}")
        row = page.locator("#table tbody tr", has_text="Xã Khoan Dụ")
        await row.wait_for()
        text = await row.inner_text()
        assert "98,333" in text
        assert "10,00" in text
        assert "gián đoạn 1:00" in text
        async with page.expect_download() as started_download:
            await page.click("#csv")
        assert "Xã Khoan Dụ" in (await (await started_download.value).path()).read_text("utf-8")
        if request.config.getoption("--screenshots"):
            await page.screenshot(path=IMAGES / "lines.png")
        await page.fill("#month", "2020-02")
        await page.press("#month", "Enter")
        await text_is(page, "#progress", "Chưa có số liệu nào trong tháng này.")
        assert page.url.endswith("?month=2020-02")
        await page.fill("#month", "2020-13")
        await page.press("#month", "Enter")
        await text_is(page, "#error", "Tháng phải có dạng 2026-11")
        problems = page.problems  # type: ignore[attr-defined]
        assert [p for p in problems if "422" not in p] == []
        await page.goto(f"{process.url}/runbooks/LossHigh")
        assert await violations(page) == []
        await page.goto(f"{process.url}/runbooks")
        assert await violations(page) == []
