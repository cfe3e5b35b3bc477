"""The operator's key moves a camera: console, bridge, the point's agent, and a camera that speaks
ONVIF."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.camera_schema import CameraControl, Preset
from config.schema import Name
from tests.endpoints.agent.cameras import PASSWORD, USER, OnvifDevice
from tests.live.browsers import chromium, open_console, text_is
from tests.live.support import bridge_process, only, simulated_points, started
from tests.paths import ROOT
from tests.waiting import eventually

pytestmark = pytest.mark.browser

POINT = "khoan-du"
IMAGES = ROOT / "docs" / "images"


async def test_a_key_sends_a_camera_to_its_preset(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with (
        OnvifDevice(("1", "Preset_7")) as camera,
        bridge_process(tmp_path) as process,
        chromium() as browser,
    ):
        (tmp_path / "may-quay.txt").write_text(PASSWORD + "\n")
        control = CameraControl(
            kind="onvif",
            address="127.0.0.1",
            port=camera.port,
            user=USER,
            password="may-quay.txt",
            presets=[
                Preset(number=1, name=Name(vi="Toàn cảnh", en="Everybody")),
                Preset(number=2, name=Name(vi="Chủ tọa", en="Chair"), token="Preset_7"),
                Preset(number=3, name=Name(vi="Bục phát biểu", en="Rostrum")),
            ],
        )
        current = process.control.topology.current
        points = [
            p.model_copy(update={"camera_control": control if p.id == POINT else None})
            for p in current.points
        ]
        process.control.swap_topology(current.model_copy(update={"points": points}))
        async with simulated_points(process, [POINT], light=True):
            agents = process.agents
            # A busy machine may not get the camera's first answer in time: the agent looks again.
            # One that connects anew is another one here.
            await eventually(
                lambda: (
                    (agent := agents.of_point(POINT)) is not None
                    and agent.report
                    and agent.report.steered.state == "reached"
                )
            )
            await started(process)
            await eventually(lambda: POINT in only(process).present)
            console = await open_console(browser, process)
            await console.click(f"[data-point={POINT}]")
            await text_is(console, "#preview-name", "Khoan Dụ")
            await console.keyboard.press("Shift+Digit2")  # "@" on this keyboard
            await text_is(console, "#answer", "đang chuyển tới vị trí Chủ tọa")
            assert camera.gone_to == ["Preset_7"]
            await console.wait_for_selector(f"[data-point={POINT}] .steered[data-mark*='Chủ tọa']")

            # From the menu of the tile; and one that the camera does not keep.
            await console.click(f"[data-point={POINT}]", button="right")
            if request.config.getoption("--screenshots"):
                await console.screenshot(path=IMAGES / "console-presets.png")
            await console.click("#presets button:has-text('Toàn cảnh')")
            await eventually(lambda: camera.gone_to == ["Preset_7", "1"])
            await console.keyboard.press("Shift+Digit3")
            await text_is(console, "#answer", "không có vị trí đã lưu 3")
            await console.wait_for_selector(f"[data-point={POINT}] .steered.bad")
            assert camera.gone_to == ["Preset_7", "1"]
            assert not console.problems, console.problems  # type: ignore[attr-defined]
