"""The picture of a simulated point: a drawn meeting room with the point's name on a banner, a clock
on the wall whose pendulum swings, people at a table, and the machine-readable card in a corner.
Pure but for the font's file; arrays are planar YUV 4:2:0."""

from __future__ import annotations

import colorsys
import functools
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import ttf_opensans
from av import VideoFrame
from PIL import Image, ImageDraw, ImageFont

from endpoints.webrtc.test_card import CORNER, Plane, draw_cells, encode, hue

FONT = Path(str(ttf_opensans.__file__)).parent / "ttf" / "OpenSans-Bold.ttf"
SWING_MS = 2000  # of the pendulum, there and back
SWING = 0.5  # radians to each side
BANNER, LETTERS = (176, 24, 28), (255, 222, 60)  # as banners in meeting rooms are
CASE, DIAL, INK = (70, 45, 28), (246, 244, 236), (30, 30, 30)
TABLE, TABLE_EDGE = (124, 80, 46), (92, 57, 31)
SKIN = ((224, 180, 148), (205, 158, 122), (232, 192, 164))
SHIRTS = ((236, 238, 242), (150, 176, 208), (222, 214, 196))
# The clock's case as shares of the picture: left, top, right, bottom.
CLOCK = (0.84, 0.24, 0.94, 0.66)


def _rgb(shade: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(shade, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


class MeetingRoom:
    """Draws the pictures of one point. Width and height in pixels, both even, 16:9."""

    def __init__(self, number: int, name: str, *, width: int = 320, height: int = 180) -> None:
        if not 1 <= number <= 255:
            raise ValueError("the point number must be 1 to 255")
        self.number = number
        self.width = width
        self.height = height
        self._name = name or str(number)
        self._drawn: tuple[int, int] | None = None
        self._base: Plane = np.empty(0, np.uint8)

    def still(self, hour: int, minute: int) -> Plane:
        """The room without pendulum and card, at a time of the day; shape (height * 3 // 2,
        width)."""
        if self._drawn != (hour, minute):
            self._drawn = (hour, minute)
            image = Image.new("RGB", (2 * self.width, 2 * self.height))
            _Painter(image, self.number).paint(self._name, hour, minute)
            small = image.resize((self.width, self.height), Image.Resampling.BOX)
            frame = VideoFrame.from_ndarray(np.asarray(small), format="rgb24")
            planes = frame.reformat(format="yuv420p").to_ndarray()
            self._base = planes.astype(np.uint8, copy=False)
            # Under the cells the picture is grey, or strong colours would bleed into them.
            chroma = self._base[self.height :].reshape(2, self.height // 2, self.width // 2)
            top, right = int(CORNER.top * self.height / 2), round(CORNER.width * self.width / 2)
            chroma[:, top:, :right] = 128
        return self._base

    def render(self, time_ms: int, card_ms: int, hour: int, minute: int) -> Plane:
        """The picture at a moment (``time_ms`` moves the pendulum), with a card that says
        ``card_ms``; shape (height * 3 // 2, width)."""
        picture = self.still(hour, minute).copy()
        luma = picture[: self.height]
        top, left, masks = _pendulum(self.width, self.height)
        mask = masks[time_ms % SWING_MS * len(masks) // SWING_MS]
        luma[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = 210
        draw_cells(luma, encode(self.number, card_ms), CORNER)
        return picture


@functools.lru_cache(maxsize=4)
def _pendulum(width: int, height: int) -> tuple[int, int, list[npt.NDArray[np.bool_]]]:
    """Where the patch of the pendulum is (top, left), and its pixels at 30 phases of a swing."""
    left, top = round(CLOCK[0] * width), round((CLOCK[1] + 0.19) * height)
    right, bottom = round(CLOCK[2] * width), round((CLOCK[3] - 0.02) * height)
    y, x = np.mgrid[0 : bottom - top, 0 : right - left].astype(np.float64)
    middle, length = (right - left) / 2, (bottom - top) * 0.78
    rod, bob = max(0.8, width / 480), max(2.0, width / 110)
    masks = []
    for phase in range(30):
        angle = SWING * math.sin(2 * math.pi * phase / 30)
        ux, uy = math.sin(angle), math.cos(angle)
        along = (x - middle) * ux + y * uy
        across = np.abs((x - middle) * uy - y * ux)
        far = np.hypot(x - middle - ux * length, y - uy * length)
        masks.append(((along >= 0) & (along <= length) & (across <= rod)) | (far <= bob))
    return top, left, masks


class _Painter:
    """Paints a room on an image, with coordinates as shares of its size."""

    def __init__(self, image: Image.Image, number: int) -> None:
        self._draw = ImageDraw.Draw(image)
        self._width, self._height = image.size
        self._number = number

    def _at(self, *shares: float) -> list[float]:
        size = (self._width, self._height)
        return [share * size[i % 2] for i, share in enumerate(shares)]

    def paint(self, name: str, hour: int, minute: int) -> None:
        """The whole room."""
        draw, shade = self._draw, hue(self._number)
        for step in range(24):  # a wall that is lighter above
            wall = _rgb(shade, 0.28, 0.92 - 0.012 * step)
            draw.rectangle(self._at(0, step / 30, 1, (step + 1) / 30 + 0.01), fill=wall)
        draw.rectangle(self._at(0, 0.76, 1, 1), fill=_rgb(shade, 0.25, 0.42))
        draw.rectangle(self._at(0, 0.745, 1, 0.765), fill=_rgb(shade, 0.3, 0.55))
        self._window()
        self._banner(name)
        self._clock(hour, minute)
        for index, left in enumerate((0.34, 0.5, 0.66)):
            self._person(left, SKIN[(index + self._number) % 3], SHIRTS[(index + self._number) % 3])
        draw.polygon(self._at(0.2, 0.79, 0.84, 0.79, 0.97, 0.97, 0.07, 0.97), fill=TABLE)
        draw.polygon(self._at(0.07, 0.97, 0.97, 0.97, 0.96, 1, 0.08, 1), fill=TABLE_EDGE)
        for left in (0.36, 0.51, 0.66):  # microphones
            draw.rectangle(self._at(left, 0.75, left + 0.006, 0.83), fill=INK)
            draw.ellipse(self._at(left - 0.006, 0.735, left + 0.012, 0.762), fill=INK)

    def _window(self) -> None:
        draw = self._draw
        draw.rectangle(self._at(0.05, 0.27, 0.2, 0.6), fill=(250, 250, 246))
        draw.rectangle(self._at(0.06, 0.285, 0.19, 0.585), fill=(168, 206, 236))
        draw.polygon(
            self._at(0.06, 0.5, 0.11, 0.4, 0.15, 0.47, 0.19, 0.42, 0.19, 0.585, 0.06, 0.585),
            fill=(104, 148, 104),
        )
        draw.rectangle(self._at(0.122, 0.27, 0.128, 0.6), fill=(250, 250, 246))

    def _banner(self, name: str) -> None:
        self._draw.rectangle(self._at(0.05, 0.05, 0.95, 0.2), fill=BANNER)
        for size in range(round(self._height * 0.115), 8, -2):
            font = ImageFont.truetype(str(FONT), size)
            if self._draw.textlength(name, font=font) <= 0.86 * self._width:
                break
        middle = (0.5 * self._width, 0.12 * self._height)
        self._draw.text(middle, name, font=font, fill=LETTERS, anchor="mm")

    def _clock(self, hour: int, minute: int) -> None:
        draw = self._draw
        left, top, right, bottom = CLOCK
        draw.rectangle(self._at(left, top, right, bottom), fill=CASE)
        x, y = (left + right) / 2 * self._width, (top + 0.1) * self._height
        radius = 0.04 * self._width
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=DIAL)
        turns = ((hour % 12 + minute / 60) / 12, 0.52, 0.016), (minute / 60, 0.82, 0.010)
        for turn, reach, thick in turns:
            angle = 2 * math.pi * turn
            end = (x + reach * radius * math.sin(angle), y - reach * radius * math.cos(angle))
            draw.line([(x, y), end], fill=INK, width=max(2, round(thick * self._height)))

    def _person(self, x: float, skin: tuple[int, int, int], shirt: tuple[int, int, int]) -> None:
        draw = self._draw
        draw.rectangle(self._at(x - 0.055, 0.5, x + 0.055, 0.8), fill=(52, 44, 40))  # the chair
        draw.ellipse(self._at(x - 0.065, 0.56, x + 0.065, 0.96), fill=shirt)
        draw.ellipse(self._at(x - 0.03, 0.38, x + 0.03, 0.56), fill=skin)
        draw.chord(self._at(x - 0.032, 0.37, x + 0.032, 0.53), 180, 360, fill=(34, 28, 26))
