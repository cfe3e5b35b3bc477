"""Presets of points' cameras."""

from __future__ import annotations

import msgspec

from bridge.accounts.auth import Denied
from bridge.control.views import camera_views, preset_views
from bridge.server.api.points import own_point
from bridge.server.api.routes import Call, Route
from bridge.server.camera_presets import RIGHT, call_preset
from bridge.signalling.camera_messages import CameraView, PresetView

STATUS = {"refusal.unknown_point": 404, "preset.no_camera": 404, "preset.not_configured": 404}
MAX_DIGITS = 3


class Presets(msgspec.Struct, frozen=True, kw_only=True):
    """The presets of a point's camera, none where it cannot be steered; and what it was asked for
    last since the bridge was started."""

    presets: tuple[PresetView, ...]
    last: CameraView | None


async def list_presets(call: Call) -> Presets:
    """The presets of a point's camera."""
    ident, control = own_point(call), call.services.control
    point = control.topology.current.point(ident)
    return Presets(
        presets=preset_views(point.camera_control if point is not None else None),
        last=camera_views(control.cameras.all()).get(ident),
    )


async def go_to_preset(call: Call) -> None:
    """Have the camera go to a preset; answers when it has said that it does."""
    number = call.param("number")
    services = call.services
    refused = await call_preset(
        services.cameras,
        services.auth,
        call.param("id"),
        int(number) if number.isdecimal() and len(number) < MAX_DIGITS else 0,
        call.actor,
        may=call.user.may(RIGHT),
        address=call.address,
    )
    if refused is not None:
        raise Denied(STATUS.get(refused.key, 409), refused.key, **refused.arguments)


ROUTES = [
    Route(
        "GET",
        "/api/v1/points/{id}/camera/presets",
        list_presets,
        "own_points",
        "The presets of a point's camera",
        answer=Presets,
    ),
    Route(
        "POST",
        "/api/v1/points/{id}/camera/presets/{number}",
        go_to_preset,
        RIGHT,
        "Have a point's camera go to a preset",
        status=204,
    ),
]
