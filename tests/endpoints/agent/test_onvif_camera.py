"""Presets by ONVIF, at a camera on loopback: the account, tokens, and cameras that misbehave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from endpoints.agent import camera_control, onvif_camera
from endpoints.agent.camera_control import CameraControl
from endpoints.agent.camera_outcome import CameraError
from endpoints.agent.onvif_camera import OnvifCamera
from tests.endpoints.agent.cameras import PASSWORD, USER, OnvifDevice
from tests.waiting import HANG


@pytest.fixture
async def device() -> AsyncIterator[OnvifDevice]:
    async with OnvifDevice() as made:
        yield made


@pytest.fixture
async def camera(device: OnvifDevice) -> AsyncIterator[OnvifCamera]:
    made = OnvifCamera("127.0.0.1", device.port, USER, PASSWORD)
    yield made
    await made.close()


async def fails(camera: OnvifCamera, preset: str = "1") -> str:
    with pytest.raises(CameraError) as raised:
        await camera.recall(preset)
    return raised.value.why


async def test_a_preset_is_called(
    device: OnvifDevice, camera: OnvifCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the profile that can be steered; nothing but the camera is spoken to, the descriptions of
    the services least of all: names are not looked up."""

    def nobody(*_: Any) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    await camera.recall("2")
    await camera.recall("Preset_7")
    assert device.gone_to == ["2", "Preset_7"]
    assert device.asked.count("GetServices") == 1  # what it offers is asked for once


async def test_an_old_camera_whose_clock_is_wrong(device: OnvifDevice, camera: OnvifCamera) -> None:
    device.services, device.clock = False, -90_000.0
    await camera.recall("1")
    assert device.gone_to == ["1"]
    assert "GetCapabilities" in device.asked


async def test_a_preset_that_is_not_there(device: OnvifDevice, camera: OnvifCamera) -> None:
    assert await fails(camera, "3") == "missing"
    await camera.recall("1")  # it is asked again, and goes on
    assert device.gone_to == ["1"]


async def test_a_wrong_password(device: OnvifDevice) -> None:
    assert await fails(OnvifCamera("127.0.0.1", device.port, USER, "guessed")) == "denied"
    assert await fails(OnvifCamera("127.0.0.1", device.port, "", "")) == "denied"
    assert device.gone_to == []


async def test_nobody_at_the_address(device: OnvifDevice, camera: OnvifCamera) -> None:
    await device.__aexit__()
    assert await fails(camera) == "unreachable"
    async with OnvifDevice():
        pass


async def _large(_: web.Request) -> web.Response:
    return web.Response(body=b" " * (onvif_camera.MAX_ANSWER + 2), content_type="text/xml")


async def _elsewhere(_: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect("http://127.0.0.9:1/onvif/device_service")


def _plain(text: str, status: int = 200) -> Callable[[web.Request], Any]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type="application/soap+xml")

    return answer


@pytest.mark.parametrize(
    ("operation", "answer", "whys"),
    [
        ("GetServices", _plain("<html>Hello</html>"), {"nonsense"}),
        ("GetServices", _plain("\x00\x01\x02"), {"nonsense"}),
        ("GetServices", _large, {"nonsense"}),
        ("GetServices", _elsewhere, {"unreachable"}),
        ("GetPresets", _plain("", 503), {"nonsense"}),
        ("GetPresets", _plain("no", 401), {"denied", "nonsense"}),
        ("GetPresets", "<tptz:GetPresetsResponse/>", {"missing"}),
        ("GetPresets", "<tptz:Surprise/>", {"nonsense", "missing"}),
        ("GetProfiles", "<trt:GetProfilesResponse/>", {"refused"}),
        (
            "GetServices",
            _plain('<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>'),
            {"nonsense"},
        ),
    ],
    ids=range(10),
)
async def test_answers_of_no_use(
    device: OnvifDevice, camera: OnvifCamera, operation: str, answer: Any, whys: set[str]
) -> None:
    """Each is said, and once the camera answers as it should it goes on."""
    device.instead[operation] = answer
    assert await fails(camera) in whys
    assert device.gone_to == []
    device.instead.clear()
    await camera.recall("1")
    assert device.gone_to == ["1"]


async def test_a_camera_that_names_other_addresses_is_spoken_to_where_it_is(
    device: OnvifDevice, camera: OnvifCamera
) -> None:
    """As cameras behind a router do, and one that wants the room PC to ask others for it."""
    device.advertises = "http://192.0.2.1:8000"
    await camera.recall("1")
    assert device.gone_to == ["1"]


# --- in the agent ----------------------------------------------------------------------------


async def test_an_agent_says_how_its_camera_is(
    device: OnvifDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera that never answers is given up; its state follows, and changes are told."""
    changes: asyncio.Queue[str] = asyncio.Queue()
    control = CameraControl(lambda: changes.put_nowait(control.state))
    running = asyncio.create_task(control.run())
    held = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await held.wait()
        return web.Response()

    wanted = {"kind": "onvif", "address": "127.0.0.1", "port": device.port}
    try:
        with pytest.raises(CameraError) as raised:
            await control.recall("1")
        assert raised.value.why == "unknown"
        assert await asyncio.wait_for(changes.get(), HANG) == "unknown"
        control.describe(wanted | {"user": USER, "password": PASSWORD})
        assert await asyncio.wait_for(changes.get(), HANG) == "reached"
        monkeypatch.setattr(camera_control, "LIMIT", 0.2)
        device.instead["GetPresets"] = silent
        with pytest.raises(CameraError) as raised:
            await control.recall("1")
        assert raised.value.why == "timeout"
        assert await asyncio.wait_for(changes.get(), HANG) == "timeout"
    finally:
        held.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
