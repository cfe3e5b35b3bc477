"""Pages of points, where there are more of them than thumbnail slots."""

from __future__ import annotations

from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from tests.control_support import TOPOLOGY, Bridge, until


async def test_a_page_turns_to_another_page_of_points(tmp_path: Path) -> None:
    media = TOPOLOGY.media.model_copy(update={"thumbnails": 3})
    bridge = Bridge(tmp_path, topology=TOPOLOGY.model_copy(update={"media": media}))
    await bridge.start()
    async with TestClient(TestServer(bridge.http.app)) as bridge.client:
        await bridge.open()
        tokens = await bridge.join("hoi-truong", "chi-ne", "khoan-du")
        socket = await bridge.connect(tokens["khoan-du"])
        first = await until(socket, "state")
        assert (first["page"], first["pages"]) == (0, 4)
        slots = first["slots"]
        assert {slots[f"thumb:{n}"]["stands"] for n in (1, 2)} == {"hoi-truong", "chi-ne"}
        await socket.send_json({"type": "thumbnails", "page": 500})
        last = await until(socket, "state")
        assert (last["page"], last["pages"]) == (3, 4)
        assert {slot["stands"] for slot in last["slots"].values()} - {""} == {
            "thong-nhat",
            "yen-bong",
        }
        for wrong in (-1, 501, "1", None):
            await socket.send_json({"type": "thumbnails", "page": wrong})
            await until(socket, "error")
    await bridge.stop()
