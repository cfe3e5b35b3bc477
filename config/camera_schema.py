"""What a topology file may say about steering a point's camera."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.values import Ip, Model, Name, Text

MAX_PRESETS = 9  # one for each digit
VISCA_MEMORIES = 256  # one octet
PORTS = {"onvif": 80, "visca": 52381}


class Preset(Model):
    """A position that the camera keeps: where it looks, and how near."""

    number: Annotated[int, Field(ge=1, le=MAX_PRESETS, description="the digit that calls it")]
    name: Name
    token: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="what the camera calls it: an ONVIF token, or the number of a VISCA memory; "
        "the number where left out",
    )

    @property
    def at_camera(self) -> str:
        """What the camera calls it."""
        return self.token if self.token is not None else str(self.number)


class CameraControl(Model):
    """How the agent of a point steers its camera."""

    kind: Literal["onvif", "visca"]
    address: Ip = Field(description="of the camera, as the room PC reaches it")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="TCP 80 for ONVIF, UDP 52381 for VISCA where left out"
    )
    user: Text | None = Field(default=None, description="account at an ONVIF camera")
    password: Text | None = Field(
        default=None, description="file with its password, beside the topology file"
    )
    presets: list[Preset] = Field(min_length=1, max_length=MAX_PRESETS)

    @property
    def at_port(self) -> int:
        """The port that is spoken to."""
        return self.port if self.port is not None else PORTS[self.kind]

    def preset(self, number: int) -> Preset | None:
        """The preset of a digit."""
        return next((preset for preset in self.presets if preset.number == number), None)

    @model_validator(mode="after")
    def _of_its_kind(self) -> CameraControl:
        numbers = [preset.number for preset in self.presets]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two presets have one number")
        if (self.user is None) != (self.password is None):
            raise ValueError("an account has a user and a password: give both, or neither")
        if self.kind == "visca":
            if self.user is not None:
                raise ValueError("VISCA knows no accounts: leave user and password out")
            for preset in self.presets:
                token = preset.at_camera
                if not (token.isascii() and token.isdecimal() and int(token) < VISCA_MEMORIES):
                    raise ValueError(
                        f"{token!r} is not the number of a VISCA memory, 0 to {VISCA_MEMORIES - 1}"
                    )
        return self
